/* The engine interface: one const table an engine. Engines know nothing of plans or
 * reports; they say what happened and when, bench decides what it means. open, then
 * lane_new; per repeat: submit ... next until every request has ended; close. A submit
 * that fails produces no event. Every accepted request ends in exactly one EVENT_DONE or
 * EVENT_FAILED, unless next itself fails: then only close may follow. */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/opt.h"
#include "base/status.h"
#include "core/event.h"
#include "core/field.h"
#include "core/target.h"

#define ENGINE_ABI 2

enum engine_flag { ENGINE_OFFLINE = 1, ENGINE_ONLINE = 2, ENGINE_SIMULATED = 4 };

/* What the engine is to be. Borrowed until close. */
struct engine_settings {
    const char *model; /* hub id or folder, aliases resolved */
    int64_t max_model_len;
    int64_t max_num_seqs; /* that run at a time: room for as many will be needed */
    bool enable_prefix_caching, stop_at_eos, needs_tokenizer;
    int64_t seed, vocab_size; /* vocab_size: where the engine has none; 0: default */
    double temperature, top_p;
    struct opt_strings rest;            /* after "--", as the engine's own command line */
    const void *own;                    /* the engine's own settings, or NULL */
    const char *interpreter;            /* that locate has found; NULL: not asked */
    const struct engine_target *target; /* online engines; NULL offline */
    double timeout_s;    /* --engine-timeout: no new token for so long: it hangs */
    const char *raw_dir; /* where engine.log goes; NULL: no log */
};

/* For the live line and the watchdog; never blocks. */
struct engine_progress {
    const char *stage; /* "starting", "downloading", "loading", "compiling", "running" */
    struct instant since; /* when that stage began */
    int64_t tokens_out;   /* of the running batch so far */
};

/* Called five times a second or more while open or next block, which return INTERRUPTED
 * where stop returns true. Either member may be NULL. */
struct engine_watch {
    void (*tick)(void *arg, const struct engine_progress *p);
    bool (*stop)(void *arg);
    void *arg;
};

/* What open found out; `fields`: what it was given, and its settings as read back. */
struct engine_facts {
    struct row fields;
    int64_t vocab_size, block_size; /* 0 unknown */
    bool is_caching;                /* prefix caching as really set */
    int32_t root_pid;               /* root of the engine's processes; 0: none of ours */
    const char *hardware_type;      /* "gpu", "neuron", "cpu", "unknown" */
    const char *python;             /* interpreter, or NULL */
    const char *notes; /* for the user: "untested version, trying"; NULL none */
    bool lacks_ids, lacks_lengths, lacks_salt; /* text only; may end early; one cache */
    const char *process; /* a server not ours: address and start, "" unknown; else NULL */
};

struct engine_request {
    int32_t index;
    const int32_t *ids; /* [id_count] prompt tokens */
    size_t id_count;
    const char *text; /* the prompt as text where there are no ids; else NULL */
    int64_t max_tokens;
    const char *salt; /* cache_salt, or NULL */
    /* It is submitted when that one has ended, its prompt known only then; NULL: none. */
    const struct engine_request *after;
};

struct hist;
/* What a lane is to be made ready for. Borrowed until the next prepare. */
struct engine_prepare {
    const struct engine_request *requests; /* [count], ascending indices */
    size_t count;
    const char *name;    /* of the phase, unique in the world: "<run_id>-c0-r1" */
    int64_t connections; /* open before anything is sent: as many as will be in flight */
    int64_t connections_max; /* at a time */
    bool is_closed_load;
    const struct engine_watch *watch;
    struct hist *lag_ns; /* the lane records how late each timed wake was; or NULL */
};

struct engine_text {
    const char *text;
    int32_t *ids;
    size_t id_count;
};

struct engine;
struct engine_lane;

struct engine_ops {
    const char *name;
    int abi;
    unsigned flags; /* of enum engine_flag */
    /* MAY; before the plan: refuses words of the engine's command line that are for
     * inferbench to set, takes from them what the plan must know (max_model_len), and
     * adds to its own settings what no option says. own: those of *s. */
    enum status (*settle)(struct engine_settings *s, void *own, struct err *e);
    /* MAY; before open, so that the environment can be recorded: the interpreter that
     * open would use (arena), *notes for the user ("python: ... vLLM 0.32") or NULL. */
    enum status (*locate)(const struct engine_settings *s, struct arena *a,
                          const char **python, const char **notes, struct err *e);
    /* MUST; may block. *out is closed by close, half-open too (NULL: nothing is open). */
    enum status (*open)(const struct engine_settings *s, const struct engine_watch *w,
                        struct engine **out, struct engine_facts *facts, struct err *e);
    /* MUST; one lane a thread; owned by the engine. */
    enum status (*lane_new)(struct engine *en, struct engine_lane **out, struct err *e);
    /* MAY; for every lane before the prepares of a phase: closes what an earlier phase
     * has left beyond p->connections; p->count 0: the lane will send nothing. */
    void (*trim)(struct engine_lane *l, const struct engine_prepare *p);
    /* MAY; before the submits of a phase, outside all measuring; may block. */
    enum status (*prepare)(struct engine_lane *l, const struct engine_prepare *p,
                           struct err *e);
    /* MUST; never blocks; the request's memory must stay until it has ended. */
    enum status (*submit)(struct engine_lane *l, const struct engine_request *r,
                          struct err *e);
    /* MUST; no effect on a request that has ended; ends in EVENT_FAILED, FAIL_none. */
    enum status (*cancel)(struct engine_lane *l, int32_t request, struct err *e);
    /* MUST; waits for events until `until` or its own limit; out->count may be 0. */
    enum status (*next)(struct engine_lane *l, struct instant until,
                        const struct engine_watch *w, struct event_list *out,
                        struct err *e);
    /* MAY; empties the prefix cache; *done false: it could not. */
    enum status (*reset_prefix)(struct engine *en, bool *done, struct err *e);
    /* MAY; ids into the arena. */
    enum status (*tokenize)(struct engine *en, struct engine_text *texts, size_t count,
                            struct arena *a, struct err *e);
    /* MAY; row numbers that it counted since the last call, e.g. preemptions. */
    enum status (*counters)(struct engine *en, struct row *fields, struct err *e);
    /* MAY; while requests run, often, by a thread that sends none: notes what only shows
     * meanwhile (use of the KV cache). DIED: the engine is gone, *e says why. */
    enum status (*sample)(struct engine *en, struct err *e);
    /* MUST; at any time, idempotent; leaves no process behind. */
    void (*close)(struct engine *en);
};

#endif
