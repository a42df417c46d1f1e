#include "stats/verdict_case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void verdict_case_number(struct verdict_case *c, struct verdict_number n,
                         const char *format, ...)
{
    char text[256];
    va_list args;
    if (isnan(n.value))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    verdict_case_report(
        c, (struct verdict_finding){.field = field_table[c->rule->field].name,
                                    .value = value_num(n.value),
                                    .limit = n.limit,
                                    .is_broken = n.is_broken,
                                    .text = text});
}

double verdict_case_num(const struct verdict_case *c, enum field_id id)
{
    return field_num(c->row, id);
}

bool verdict_case_is_online(const struct verdict_case *c)
{
    const char *mode = field_str(c->row, FIELD_serving_mode);
    return mode != NULL && strcmp(mode, "online") == 0;
}

bool verdict_case_is_open(const struct verdict_case *c)
{
    return verdict_case_is_online(c) && !isnan(verdict_case_num(c, FIELD_request_rate));
}
