#include "plan/lengths.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/opt.h"

int64_t lengths_answer(int64_t max_tokens, const struct scenario *s, size_t text)
{
    if (max_tokens != OPT_INT_UNSET)
        return max_tokens;
    if (s->text_count > 0 && s->texts[text].max_tokens != OPT_INT_UNSET)
        return s->texts[text].max_tokens;
    return s->max_tokens;
}

int64_t lengths_cell(int64_t max_tokens, const struct scenario *s, int64_t count)
{
    int64_t most = lengths_answer(max_tokens, s, 0);

    for (size_t i = 1; i < s->text_count && (int64_t)i < count; i++) {
        int64_t t = lengths_answer(max_tokens, s, i);
        most = t > most ? t : most;
    }
    return most;
}

enum status lengths_check(const struct lengths *l, const char *where, int64_t prompt,
                          int64_t answer, struct err *e)
{
    if (l->max_model_len == 0 ||
        (prompt <= l->max_model_len && answer <= l->max_model_len - prompt))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, where,
                "%" PRId64 " prompt and %" PRId64 " output tokens make %" PRId64
                ", more than --max-model-len %" PRId64 "",
                prompt, answer, prompt + answer, l->max_model_len);
    return status_hint(
        e,
        "Use --max-model-len %" PRId64
        " or more if the model allows it, a smaller --max-tokens, or leave "
        "this scenario out of --scenarios",
        prompt + answer);
}

static enum status check_scenario(const struct lengths *l,
                                  const struct scenario *scenarios, size_t index,
                                  struct err *e)
{
    const struct scenario *s = &scenarios[index];
    char where[96];

    snprintf(where, sizeof where, "scenario %s", s->name);
    for (size_t i = 0; i < index; i++)
        if (strcmp(scenarios[i].name, s->name) == 0)
            return status_fail(e, STATUS_BAD_OPTION, where, "named twice");
    if (s->text_count > 0)
        return STATUS_OK; /* lengths are known once the engine has tokenized them */
    return lengths_check(l, where, s->shared_tokens + s->own_tokens,
                         lengths_answer(l->max_tokens, s, 0), e);
}

enum status lengths_scenarios(const struct lengths *l, const struct scenario *scenarios,
                              size_t count, struct err *e)
{
    enum status s = STATUS_OK;

    if (count == 0)
        return status_fail(e, STATUS_BAD_OPTION, "--scenarios", "none given");
    if (l->max_tokens != OPT_INT_UNSET && l->max_tokens < 1) {
        return status_fail(e, STATUS_BAD_OPTION, "--max-tokens",
                           "%" PRId64 " must be positive", l->max_tokens);
    }
    for (size_t i = 0; s == STATUS_OK && i < count; i++)
        s = check_scenario(l, scenarios, i, e);
    return s;
}
