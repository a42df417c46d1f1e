#include "core/field.h"

#include <string.h>

const struct field field_table[FIELD_COUNT] = {
#define X(field_id, field_kind, field_unit, field_better, field_must, field_role_, \
          field_help)                                                              \
    [FIELD_##field_id] = {                                                         \
        .name = #field_id,                                                         \
        .kind = VALUE_##field_kind,                                                \
        .unit = field_unit,                                                        \
        .better = BETTER_##field_better,                                           \
        .must = field_must,                                                        \
        .role = ROLE_##field_role_,                                                \
        .help = field_help,                                                        \
    },
    FIELD_LIST(X)
#undef X
};

static const enum field_id metric_fields[METRIC_COUNT] = {
#define X(id, kind, unit, better, must, role, help) \
    FIELD_IF_##role([METRIC_##id] = FIELD_##id)
    FIELD_LIST(X)
#undef X
};

enum field_id field_of_metric(enum metric m)
{
    return metric_fields[m];
}

enum field_id field_find(const char *name)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (strcmp(field_table[i].name, name) == 0)
            return (enum field_id)i;
    return FIELD_COUNT;
}

void field_overlay(struct row *dst, const struct row *src)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (src->v[i].kind != VALUE_ABSENT)
            dst->v[i] = src->v[i];
}

void field_fill(struct row *row, enum field_id id, struct value v)
{
    if (row->v[id].kind == VALUE_ABSENT)
        row->v[id] = v;
}

double field_num(const struct row *r, enum field_id id)
{
    return value_as_num(r->v[id]);
}

const char *field_str(const struct row *r, enum field_id id)
{
    return r->v[id].kind == VALUE_STR || r->v[id].kind == VALUE_JSON ? r->v[id].s : NULL;
}

bool field_is(const struct row *r, enum field_id id, const char *text)
{
    const char *s = field_str(r, id);
    return s != NULL && strcmp(s, text) == 0;
}

const struct findings *field_findings(const struct row *r, enum field_id id)
{
    return r->v[id].kind == VALUE_FINDINGS ? r->v[id].findings : NULL;
}

bool field_is_true(const struct row *r, enum field_id id)
{
    return r->v[id].kind == VALUE_BOOL && r->v[id].b;
}
