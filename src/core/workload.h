/* Scenarios: what prompts a cell sends. */
#ifndef CORE_WORKLOAD_H
#define CORE_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

/* One prompt of a user, as text. ids are filled in by the engine's tokenizer. */
struct scenario_text {
    const char *text;
    int64_t max_tokens; /* OPT_INT_UNSET: the scenario's */
    int32_t *ids;       /* [id_count]; NULL until tokenized */
    size_t id_count;
};

/* Either lengths (texts == NULL): prompts of shared_tokens + own_tokens random ids, or
 * texts. */
struct scenario {
    const char *name;
    const char *help;            /* e.g. "chat: short prompt, short answer" */
    int64_t shared_tokens;       /* prefix that all prompts of a repeat share */
    int64_t own_tokens;          /* drawn for each prompt */
    int64_t max_tokens;          /* of an answer, where --max-tokens is unset */
    struct scenario_text *texts; /* [text_count]; request i takes text i modulo text_count
                                  */
    size_t text_count;
    const char *dataset; /* file the texts come from, or NULL */
};

struct scenario_list {
    const struct scenario *items;
    size_t count;
};

#endif
