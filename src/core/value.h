/* One value of a row. */
#ifndef CORE_VALUE_H
#define CORE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

enum value_kind {
    VALUE_ABSENT, /* never set: a partial row leaves it alone */
    VALUE_NULL,   /* known to be unknown */
    VALUE_BOOL,
    VALUE_INT,
    VALUE_NUM, /* never NAN: value_num makes that a VALUE_NULL */
    VALUE_STR,
    VALUE_JSON,    /* JSON text of an object or array */
    VALUE_FINDINGS /* of verdicts (core/finding.h); in files a list */
};

struct findings;

struct value {
    enum value_kind kind;
    union {
        bool b;
        int64_t i;
        double n;
        const struct findings *findings;
        const char *s; /* VALUE_STR, VALUE_JSON; borrowed, lives as long as the run */
    };
};

struct value value_null(void);
struct value value_bool(bool b);
struct value value_int(int64_t i);
struct value value_num(double n);                      /* NAN and infinities: null */
struct value value_str(const char *s);                 /* NULL: null */
struct value value_json(const char *text);             /* NULL: null */
struct value value_findings(const struct findings *f); /* NULL: null */
bool value_is_known(struct value v);                   /* neither absent nor null */
double value_as_num(struct value v);                   /* of INT and NUM; else NAN */

#endif
