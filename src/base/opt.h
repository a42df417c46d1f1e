/* Option tables: one row makes parsing, range check, help, man page, config key and
 * MLflow parameter. A table is a const array; `target` is the caller's struct that the
 * rows' offsets point into. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

/* The target field's type, and how it is written. */
enum opt_type {
    OPT_FLAG,        /* bool; --x, --no-x, --x=true|false */
    OPT_STRING,      /* const char *; NULL when unset */
    OPT_INT,         /* int64_t; OPT_INT_UNSET when unset */
    OPT_DOUBLE,      /* double; NAN when unset; "inf" allowed if max is INFINITY */
    OPT_CHOICE,      /* const char *, one of `choices` (words separated by '|') */
    OPT_STRING_LIST, /* struct opt_strings; --x a b c, --x a,b,c, --x a --x b */
    OPT_INT_LIST,    /* struct opt_ints; as above */
    OPT_DOUBLE_LIST, /* struct opt_doubles; as above */
    OPT_PAIRS,       /* struct opt_strings of "key=value"; no split at commas */
    OPT_MAYBE,       /* const char *; --x gives "", --x=value the value */
    OPT_DURATION     /* int64_t ns; OPT_INT_UNSET when unset; "20ms", "1.5s" */
};

#define OPT_INT_UNSET INT64_MIN

struct opt_strings {
    const char **items;
    size_t count;
};
struct opt_ints {
    int64_t *items;
    size_t count;
};
struct opt_doubles {
    double *items;
    size_t count;
};

struct opt {
    const char *name; /* without dashes: "batch-sizes"; config keys may write '_' */
    char short_name;  /* 0 if none */
    enum opt_type type;
    size_t offset;          /* 0 is valid */
    double min, max;        /* OPT_INT, OPT_DOUBLE and their lists, OPT_DURATION in
                               seconds; both 0: no range */
    const char *fallback;   /* as typed (lists: with spaces); NULL: unset */
    const char *choices;    /* OPT_CHOICE; each item of an OPT_STRING_LIST if not NULL */
    const char *value_name; /* for help: "N", "FILE", "K=V"; NULL: by type */
    const char *group;      /* heading in help and man page */
    const char *help;       /* one sentence, no full stop at its end */
    const char *range_note; /* why the range, added to its message; NULL */
    bool is_secret;         /* value never recorded, argv overwritten */
    bool is_address;        /* user:pass@ in it: the same */
};

enum opt_source { OPT_FROM_DEFAULT, OPT_FROM_CONFIG, OPT_FROM_ARGV };

/* One parse of one table. Values and lists live in the arena, positional and rest in
 * argv. */
struct opt_parse {
    const struct opt *table;
    size_t count;
    void *target;
    struct arena *arena;
    enum opt_source *sources;      /* [count]: who set each value */
    struct opt_strings positional; /* words that belong to no option, before "--" */
    struct opt_strings rest;       /* everything after "--" */
};

/* True if a list of choices names it, or "all". */
bool opt_is_chosen(const struct opt_strings *list, const char *name);
/* Fills in the defaults. Before: the caller has set table, count, target and arena. A
 * table whose fallback does not parse is STATUS_INTERNAL. */
MUST_CHECK enum status opt_init(struct opt_parse *p, struct err *e);
/* Reads argv[0..argc), the words after the subcommand: --x value, --x=value, -x value,
 * -xvalue. A list option takes the following words up to the next one that starts with
 * '-' (negative numbers excepted), one of pairs only words that hold a '='. Unknown
 * options name the nearest known one. Options given twice: scalars the last wins, lists
 * add up within argv. The argv bytes of a secret are overwritten with 'x'. */
MUST_CHECK enum status opt_read_argv(struct opt_parse *p, int argc, char **argv,
                                     struct err *e);
/* Sets one option from a config file; does nothing where argv has set it (argv is read
 * first). words: the values (none: an empty list); `where` is "file:line". Unknown names:
 * as above. */
MUST_CHECK enum status opt_set(struct opt_parse *p, const char *name,
                               const struct opt_strings *words, const char *where,
                               struct err *e);
/* NULL if none; '_' stands for '-'. */
const struct opt *opt_find(const struct opt_parse *p, const char *name);
enum opt_source opt_source_of(const struct opt_parse *p, const char *name);
/* What nobody may read in a word that is, or holds, a value of this option: all of a
 * secret; of an address all before its last '@', but for the scheme. Length 0: nothing.
 */
struct str opt_hidden_part(const struct opt *o, const char *word);
/* The current value as the user would type it, e.g. "1 4"; "" when unset; "***" if
 * secret. Defined in opt_value.c. */
enum status opt_value_text(const struct opt_parse *p, const struct opt *o,
                           struct buf *out);

#endif
