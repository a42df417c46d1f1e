/* What a cell sends, its scenario, and how its requests come, its load. */
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

/* Prompts of shared_tokens + own_tokens random ids, or texts. */
struct scenario {
    const char *name;
    const char *help;            /* e.g. "chat: short prompt, short answer" */
    int64_t shared_tokens;       /* prefix that all prompts of a repeat share */
    int64_t prefixes;            /* of --hit-rates: so many, taken in turn; 0: one */
    int64_t own_tokens;          /* drawn for each prompt */
    int64_t max_tokens;          /* of an answer, where --max-tokens is unset */
    struct scenario_text *texts; /* [text_count]; request i takes i modulo text_count */
    size_t text_count;
    const char *dataset;     /* file the texts come from, or NULL */
    const char *unused_keys; /* of its lines, that nothing reads: "id", "url"; or NULL */
};

struct scenario_list {
    const struct scenario *items;
    size_t count;
};

/* CLOSED: an answer makes room for the next; OPEN: due at times drawn before. */
enum load_kind { LOAD_BATCH, LOAD_CLOSED, LOAD_OPEN, LOAD_KIND_COUNT };
enum load_arrival { LOAD_POISSON, LOAD_CONSTANT, LOAD_GAMMA, LOAD_ARRIVAL_COUNT };

struct load {
    enum load_kind kind;
    int64_t batch_size;  /* batch: requests of a repeat */
    int64_t concurrency; /* closed: slots, >= 1 */
    double rate_rps;     /* open: mean arrival rate; INFINITY: all at once */
    enum load_arrival arrival;
    double burstiness;       /* gamma: its shape; 1 is Poisson, less is burstier */
    int64_t max_concurrency; /* open: no more in flight; OPT_INT_UNSET: no limit */
    int64_t num_prompts;     /* requests of a repeat; OPT_INT_UNSET: as --duration says */
    double duration_s;       /* no request is due later; NAN: no such limit */
    double ramp_up_s; /* open: linear from 0 over it; closed: slot i of n starts at i/n */
};

#endif
