#include "core/value.h"

#include <math.h>
#include <stddef.h>

struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL, .i = 0};
}

struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .b = b};
}

struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

struct value value_num(double n)
{
    return isfinite(n) ? (struct value){.kind = VALUE_NUM, .n = n} : value_null();
}

struct value value_str(const char *s)
{
    return s != NULL ? (struct value){.kind = VALUE_STR, .s = s} : value_null();
}

struct value value_json(const char *text)
{
    return text != NULL ? (struct value){.kind = VALUE_JSON, .s = text} : value_null();
}

struct value value_findings(const struct findings *f)
{
    return f != NULL ? (struct value){.kind = VALUE_FINDINGS, .findings = f}
                     : value_null();
}

bool value_is_known(struct value v)
{
    return v.kind != VALUE_ABSENT && v.kind != VALUE_NULL;
}

double value_as_num(struct value v)
{
    if (v.kind == VALUE_INT)
        return (double)v.i;
    return v.kind == VALUE_NUM ? v.n : NAN;
}
