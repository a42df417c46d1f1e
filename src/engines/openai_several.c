#include "engines/openai_several.h"

#include <string.h>

#include "engines/openai_meet.h"

enum status openai_several_check(const struct openai_server *first,
                                 const struct openai_server *s, const char *model,
                                 bool is_found, struct err *e)
{
    char names[256];
    if (strcmp(first->dialect->name, s->dialect->name) != 0) {
        status_fail(e, STATUS_BAD_OPTION, "--base-url",
                    "%s is taken for %s, but %s for %s", first->base,
                    first->dialect->name, s->base, s->dialect->name);
        return status_hint(e, "Servers under one load must be alike; if they are, say of "
                              "what kind with --dialect");
    }
    if (!is_found || s->models == NULL || openai_meet_lists(s, model))
        return STATUS_OK;
    openai_meet_names(s, names, sizeof names);
    status_fail(e, STATUS_BAD_OPTION, "--base-url", "%s serves %s, but %s does not",
                first->base, model, s->base);
    return status_hint(e, "It serves: %s. Name a model that all have with --model",
                       names[0] != '\0' ? names : "nothing");
}

static bool is_same(struct value a, struct value b)
{
    if (!value_is_known(a) || !value_is_known(b))
        return true;
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case VALUE_INT: return a.i == b.i;
    case VALUE_NUM: return a.n == b.n;
    case VALUE_BOOL: return a.b == b.b;
    case VALUE_STR:
    case VALUE_JSON: return strcmp(a.s, b.s) == 0;
    default: return true;
    }
}

void openai_several_note(const struct openai_server *first, const struct openai_server *s,
                         const struct engine_facts *other, struct engine_facts *facts)
{
    const char *names = "", *notes = facts->notes;
    for (int i = 0; i < FIELD_COUNT && names != NULL; i++)
        if (field_table[i].role == ROLE_SETTING &&
            !is_same(facts->fields.v[i], other->fields.v[i]))
            names = arena_text(s->arena, "%s%s%s", names, names[0] != '\0' ? ", " : "",
                               field_table[i].name);
    if (names == NULL || names[0] == '\0')
        return;
    facts->notes = arena_text(
        s->arena, "%s%sserver: %s and %s differ in %s; rows tell of the first",
        notes != NULL ? notes : "", notes != NULL ? "; " : "", first->base, s->base,
        names);
}
