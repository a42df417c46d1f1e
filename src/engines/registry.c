#include "engines/registry.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define X(ops) &(ops),
static const struct engine_ops *const engines[] = {REGISTRY_LIST(X)};
#undef X
static const size_t engine_count = sizeof engines / sizeof engines[0];

static enum status nothing_to_settle(struct engine_settings *s, void *own, struct err *e)
{
    (void)s;
    (void)own;
    (void)e;
    return STATUS_OK;
}

static enum status no_interpreter(const struct engine_settings *s, struct arena *a,
                                  const char **python, const char **notes, struct err *e)
{
    (void)s;
    (void)a;
    (void)e;
    *python = NULL;
    *notes = NULL;
    return STATUS_OK;
}

static enum status no_reset(struct engine *en, bool *done, struct err *e)
{
    (void)en;
    (void)e;
    *done = false;
    return STATUS_OK;
}

static void nothing_to_trim(struct engine_lane *l, const struct engine_prepare *p)
{
    (void)l;
    (void)p;
}

static enum status nothing_to_prepare(struct engine_lane *l,
                                      const struct engine_prepare *p, struct err *e)
{
    (void)l;
    (void)p;
    (void)e;
    return STATUS_OK;
}

static enum status no_tokenizer(struct engine *en, struct engine_text *texts,
                                size_t count, struct arena *a, struct err *e)
{
    (void)en;
    (void)texts;
    (void)count;
    (void)a;
    status_fail(e, STATUS_UNSUPPORTED, "engine",
                "has no tokenizer, which text prompts need");
    return status_hint(e, "Take scenarios of lengths (--scenarios short), or vLLM");
}

static enum status no_counters(struct engine *en, struct row *fields, struct err *e)
{
    (void)en;
    (void)fields;
    (void)e;
    return STATUS_OK;
}

static enum status nothing_to_sample(struct engine *en, struct err *e)
{
    (void)en;
    (void)e;
    return STATUS_OK;
}

/* The engines that can do it, and of those the one most like `name`. */
static enum status unknown_engine(const char *name, enum engine_flag flag, struct err *e)
{
    const char *nearest = NULL;
    char known[128] = "";
    for (size_t i = 0; i < engine_count; i++) {
        const char *one = engines[i]->name;
        if ((engines[i]->flags & (unsigned)flag) == 0)
            continue;
        size_t len = strlen(known);
        snprintf(known + len, sizeof known - len, "%s%s", len > 0 ? ", " : "", one);
        if (nearest == NULL || str_distance(name, one) < str_distance(name, nearest))
            nearest = one;
    }
    status_fail(e, STATUS_BAD_OPTION, "--engine", "unknown engine \"%s\"", name);
    return status_hint(e, "Did you mean %s? There are: %s", nearest, known);
}

static bool is_whole(const struct engine_ops *ops)
{
    return ops->abi == ENGINE_ABI && ops->open != NULL && ops->lane_new != NULL &&
           ops->submit != NULL && ops->cancel != NULL && ops->next != NULL &&
           ops->close != NULL;
}

static void fill_in(struct engine_ops *out)
{
    if (out->settle == NULL)
        out->settle = nothing_to_settle;
    if (out->locate == NULL)
        out->locate = no_interpreter;
    if (out->trim == NULL)
        out->trim = nothing_to_trim;
    if (out->prepare == NULL)
        out->prepare = nothing_to_prepare;
    if (out->reset_prefix == NULL)
        out->reset_prefix = no_reset;
    if (out->tokenize == NULL)
        out->tokenize = no_tokenizer;
    if (out->counters == NULL)
        out->counters = no_counters;
    if (out->sample == NULL)
        out->sample = nothing_to_sample;
}

enum status registry_find(const char *name, enum engine_flag flag, struct engine_ops *out,
                          struct err *e)
{
    const struct engine_ops *ops = NULL;
    for (size_t i = 0; i < engine_count; i++)
        if (strcmp(engines[i]->name, name) == 0)
            ops = engines[i];
    if (ops == NULL)
        return unknown_engine(name, flag, e);
    if (!is_whole(ops))
        return status_fail(e, STATUS_INTERNAL, name, "its table is incomplete (ABI %d)",
                           ops->abi);
    if ((ops->flags & (unsigned)flag) == 0)
        return status_fail(e, STATUS_BAD_OPTION, "--engine", "%s cannot do this", name);
    *out = *ops;
    fill_in(out);
    return STATUS_OK;
}
