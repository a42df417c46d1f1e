#include "stats/verdict_case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void verdict_case_add(struct verdict_case *c, struct finding f)
{
    if (arena_grow(c->arena, &c->found, c->found_count, &c->found_room, sizeof f))
        c->found[c->found_count++] = f;
}

void verdict_case_report(struct verdict_case *c, struct finding f, bool is_broken)
{
    f.code = c->rule->code;
    f.text = is_broken ? f.text : NULL;
    verdict_case_add(c, f);
    c->has_fired |= is_broken;
}

static void report_number(struct verdict_case *c, enum field_id id,
                          struct verdict_number n, const char *format, va_list args)
{
    if (isnan(n.value))
        return;
    const char *text = n.is_broken ? arena_text_args(c->arena, format, args) : NULL;
    verdict_case_report(c,
                        (struct finding){.field = field_table[id].name,
                                         .value = value_num(n.value),
                                         .limit = n.limit,
                                         .text = text},
                        n.is_broken);
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

void verdict_case_above(struct verdict_case *c, double value, const char *format, ...)
{
    const struct verdict_number n = {value, c->limit, value > c->limit};
    va_list args;
    va_start(args, format);
    report_number(c, c->rule->field, n, format, args);
    va_end(args);
}

void verdict_case_state(struct verdict_case *c, enum field_id id, const char *text,
                        bool is_broken)
{
    verdict_case_report(c,
                        (struct finding){.field = field_table[id].name,
                                         .value = c->row->v[id],
                                         .limit = NAN,
                                         .text = text},
                        is_broken);
}

double verdict_case_num(const struct verdict_case *c, enum field_id id)
{
    return field_num(c->row, id);
}

bool verdict_case_is_online(const struct verdict_case *c)
{
    return field_is(c->row, FIELD_serving_mode, "online");
}

bool verdict_case_is_open(const struct verdict_case *c)
{
    return verdict_case_is_online(c) && !isnan(verdict_case_num(c, FIELD_request_rate));
}
