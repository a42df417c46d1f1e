/* Reading options from argv and config files into a struct, by a table. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/opt_table.h"
#include "base/status.h"

/* The row of a member of struct S. */
#define OPT_ROW(S, member, option, kind, ...)                                        \
    {                                                                                \
        .name = (option), .type = (kind), .offset = offsetof(S, member), __VA_ARGS__ \
    }

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
 * secret; of an address all before its last '@', but for the scheme. Length 0:
 * nothing. */
struct str opt_hidden_part(const struct opt *o, const char *word);
/* The current value as the user would type it, e.g. "1 4"; "" when unset; "***" if
 * secret. */
enum status opt_text(const struct opt_parse *p, const struct opt *o, struct buf *out);

/* --- what people read about a table: opt_help.c */

/* Help in 80 columns, grouped in the table's order. */
enum status opt_help_text(const struct opt *table, size_t count, struct buf *out);
/* The OPTIONS section in man(7) macros. */
enum status opt_help_man(const struct opt *table, size_t count, struct buf *out);

#endif
