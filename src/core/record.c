#include "core/record.h"

#include <string.h>

static const char *const fail_names[FAIL_COUNT] = {[FAIL_none] = "",
#define X(name) [FAIL_##name] = #name,
                                                   FAIL_LIST(X)
#undef X
};

static const char *const source_names[TOKEN_SOURCE_COUNT] = {[TOKEN_SOURCE_none] = "",
#define X(name) [TOKEN_SOURCE_##name] = #name,
                                                             TOKEN_SOURCE_LIST(X)
#undef X
};

static const char *const class_names[EVENT_CLASS_COUNT] = {
    [EVENT_TEXT] = "text", [EVENT_EMPTY] = "empty", [EVENT_FINISH] = "finish"};

static const struct {
    const char *name;
    unsigned mask;
} sets[TOKEN_SET_COUNT] = {
#define X(id, set_name, set_mask) [TOKEN_SET_##id] = {set_name, set_mask},
    TOKEN_SET_LIST(X)
#undef X
        [TOKEN_SET_counted] = {"counted", 0},
};

const char *record_fail_name(enum fail_class f)
{
    return fail_names[f];
}

const char *record_source_name(enum token_source s)
{
    return source_names[s];
}

const char *record_class_name(enum event_class c)
{
    return class_names[c];
}

const char *record_set_name(enum token_set s)
{
    return sets[s].name != NULL ? sets[s].name : "";
}

unsigned record_set_mask(enum token_set s)
{
    return sets[s].mask;
}

enum fail_class record_fail_find(struct str name)
{
    for (int i = 1; i < FAIL_COUNT; i++)
        if (str_is(name, fail_names[i]))
            return (enum fail_class)i;
    return FAIL_none;
}

enum token_source record_source_find(struct str name)
{
    for (int i = 1; i < TOKEN_SOURCE_COUNT; i++)
        if (str_is(name, source_names[i]))
            return (enum token_source)i;
    return TOKEN_SOURCE_none;
}

int64_t record_most_tokens(const struct request_record *q)
{
    return q->max_tokens > 0 ? q->max_tokens + 1 : RECORD_MAX_COUNT;
}

void record_check_counts(struct request_record *q, int64_t most)
{
    bool has_text = q->classes[EVENT_TEXT].count > 0;
    if (q->tokens_out < 0 || q->tokens_out > most || (q->tokens_out == 0 && has_text)) {
        q->tokens_out = TOKENS_UNKNOWN;
        q->source = TOKEN_SOURCE_none;
    }
    if (q->tokens_in < 0 || q->tokens_in > RECORD_MAX_COUNT)
        q->tokens_in = TOKENS_UNKNOWN;
    if (q->tokens_cached < 0 || q->tokens_cached > q->tokens_in)
        q->tokens_cached = TOKENS_UNKNOWN;
}

void record_count_classes(struct request_record *q)
{
    for (int c = 0; c < EVENT_CLASS_COUNT; c++)
        q->classes[c] = (struct record_class){.first_ns = NS_UNKNOWN,
                                              .last_ns = NS_UNKNOWN};
    for (size_t i = 0; i < q->event_count; i++) {
        uint8_t mark = q->marks != NULL ? q->marks[i] : 0;
        struct record_class *c = &q->classes[RECORD_CLASS(mark)];
        if (c->count++ == 0)
            c->first_ns = q->at_ns[i];
        c->last_ns = q->at_ns[i];
        c->stamps[RECORD_STAMP(mark)]++;
    }
}

int64_t record_event_tokens(const struct request_record *q, size_t i)
{
    return q->event_tokens != NULL ? q->event_tokens[i] : 1;
}

static bool is_own(const struct request_record *q, size_t i)
{
    return q->marks == NULL || RECORD_STAMP(q->marks[i]) != EVENT_BOUNDED;
}

bool record_has_gap(const struct request_record *q, size_t i)
{
    return q->events == RECORD_SETTLED && record_event_tokens(q, i) == 1 &&
           is_own(q, i) && is_own(q, i - 1) &&
           (q->marks == NULL || (q->marks[i] & RECORD_GAP_EXCLUDED) == 0);
}
