#include "plan/scenario.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

/* Lengths in tokens. The shared 1,024 are the same on every engine, so that machines with
 * other block sizes stay comparable. */
static const struct scenario builtin[] = {
    {.name = "short",
     .own_tokens = 32,
     .max_tokens = 128,
     .help = "chat: short prompt, short answer"},
    {.name = "medium",
     .own_tokens = 256,
     .max_tokens = 128,
     .help = "chat with some context: medium prompt, short answer"},
    {.name = "long",
     .own_tokens = 2048,
     .max_tokens = 128,
     .help = "summary: long prompt, short answer"},
    {.name = "long_generation",
     .own_tokens = 64,
     .max_tokens = 1024,
     .help = "writing: short prompt, long answer"},
    {.name = "prefix_caching",
     .shared_tokens = 1024,
     .own_tokens = 64,
     .max_tokens = 128,
     .help = "a shared system prompt, different questions"},
};

struct scenario_list scenario_builtin(void)
{
    return (struct scenario_list){.items = builtin, .count = COUNT_OF(builtin)};
}

static const struct scenario *find(const struct scenario_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

static enum status unknown_scenario(const char *name, const struct scenario_list *extra,
                                    struct err *e)
{
    const struct scenario_list lists[] = {*extra, scenario_builtin()};
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    struct buf known;
    buf_init(&known, 300);
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            const char *n = lists[l].items[i].name;
            size_t distance = str_distance(name, n);
            if (distance < best) {
                best = distance;
                nearest = n;
            }
            (void)buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", n);
        }
    }
    status_fail(e, STATUS_BAD_OPTION, "--scenarios", "no scenario \"%s\"", name);
    if (best <= 2 || best <= strlen(name) / 3)
        status_hint(e, "Did you mean %s? Known: %s", nearest, buf_cstr(&known));
    else
        status_hint(e, "Known: %s. Others come from --scenario-file", buf_cstr(&known));
    buf_fini(&known);
    return STATUS_BAD_OPTION;
}

enum status scenario_pick(const struct opt_strings *names,
                          const struct scenario_list *extra, struct arena *a,
                          struct scenario_list *out, struct err *e)
{
    const struct scenario_list own = scenario_builtin();
    struct scenario *picked = arena_alloc(a, names->count + 1, sizeof *picked);
    if (picked == NULL)
        return status_no_memory(e, "--scenarios");
    for (size_t i = 0; i < names->count; i++) {
        const struct scenario *s = find(extra, names->items[i]);
        s = s != NULL ? s : find(&own, names->items[i]);
        if (s == NULL)
            return unknown_scenario(names->items[i], extra, e);
        picked[i] = *s;
    }
    *out = (struct scenario_list){.items = picked, .count = names->count};
    return STATUS_OK;
}
