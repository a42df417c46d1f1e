#include "stats/verdict_case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats/match_field.h"

static void write_value(struct jsonw *w, const char *key, struct value v)
{
    switch (v.kind) {
    case VALUE_BOOL: jsonw_bool(w, key, v.b); break;
    case VALUE_INT: jsonw_int(w, key, v.i); break;
    case VALUE_NUM: jsonw_num(w, key, v.n); break;
    case VALUE_STR: jsonw_str(w, key, v.s); break;
    default: jsonw_null(w, key); break;
    }
}

void verdict_case_report(struct verdict_case *c, struct verdict_finding f)
{
    jsonw_object(c->checks, NULL);
    jsonw_str(c->checks, "code", c->rule->code);
    jsonw_str(c->checks, "field", f.field);
    write_value(c->checks, "value", f.value);
    jsonw_num(c->checks, "limit", f.limit);
    if (f.is_broken && f.text != NULL)
        jsonw_str(c->checks, "text", f.text);
    jsonw_object_end(c->checks);
    c->has_fired |= f.is_broken;
}

static void report_number(struct verdict_case *c, enum field_id id,
                          struct verdict_number n, const char *format, va_list args)
{
    char text[256];
    if (isnan(n.value))
        return;
    (void)vsnprintf(text, sizeof text, format, args);
    verdict_case_report(c, (struct verdict_finding){.field = field_table[id].name,
                                                    .value = value_num(n.value),
                                                    .limit = n.limit,
                                                    .is_broken = n.is_broken,
                                                    .text = text});
}

void verdict_case_number(struct verdict_case *c, struct verdict_number n,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_number(c, c->rule->field, n, format, args);
    va_end(args);
}

void verdict_case_field(struct verdict_case *c, enum field_id id, struct verdict_number n,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_number(c, id, n, format, args);
    va_end(args);
}

double verdict_case_num(const struct verdict_case *c, enum field_id id)
{
    return field_num(c->row, id);
}

bool verdict_case_is_online(const struct verdict_case *c)
{
    return match_field_is_online(c->row);
}

bool verdict_case_is_open(const struct verdict_case *c)
{
    return verdict_case_is_online(c) && !isnan(verdict_case_num(c, FIELD_request_rate));
}
