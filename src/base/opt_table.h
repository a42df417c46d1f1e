/* Option tables: one row makes parsing, range check, help, man page, config key and
 * MLflow parameter. A table is a const array; the rows' offsets point into a struct of
 * the caller's. */
#ifndef BASE_OPT_TABLE_H
#define BASE_OPT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    bool is_private;        /* argv overwritten, recorded without the secrets in it */
};

#endif
