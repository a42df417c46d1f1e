#include "engines/openai_several.h"

#include <string.h>

#include "engines/openai_meet.h"
#include "stats/match_field.h"

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

/* What one of them does not tell is no difference. */
static bool differ(const struct row *a, const struct row *b, enum field_id id)
{
    return value_is_known(a->v[id]) && value_is_known(b->v[id]) &&
           !match_field_is_same(a, b, id);
}

void openai_several_note(const struct openai_server *first, const struct openai_server *s,
                         const struct engine_facts *other, struct engine_facts *facts)
{
    const char *names = "";
    for (int i = 0; i < FIELD_COUNT; i++)
        if (field_table[i].role == ROLE_SETTING &&
            differ(&facts->fields, &other->fields, (enum field_id)i))
            names = arena_text(s->arena, "%s%s%s", names, names[0] != '\0' ? ", " : "",
                               field_table[i].name);
    if (names[0] != '\0')
        openai_server_note(
            s, facts,
            arena_text(s->arena, "server: %s and %s differ in %s; rows tell of the first",
                       first->base, s->base, names));
}
