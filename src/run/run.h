/* A run as a library: opened with options and a plan, executed, its files written. It
 * knows no command line, and prints through what its host gives it. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/arena.h"
#include "bench/driver.h"
#include "probe/env.h"
#include "report/progress.h"
#include "run/opts.h"
#include "store/journal.h"
#include "store/results.h"
#include "track/tracking.h"

/* The program around a run. */
struct run_host {
    struct log *log;
    const char *tool; /* "inferbench 0.1.0+g1a2b3c4" */
    /* The table, the files, what to do next. */
    void (*print)(void *arg, const char *text);
    bool (*stop)(void *arg);       /* asked often; NULL: never */
    bool (*is_hung_up)(void *arg); /* the terminal went away; NULL: never */
    int (*stopped_by)(void *arg);  /* the signal, where stop said so; NULL: none */
    void *arg;
};

struct run {
    /* set by the caller; the rest is zero */
    const char *mode; /* "offline" or "online": the serving mode */
    const struct run_host *host;
    const struct run_opts *opts;
    struct arena arena;
    int64_t cells_planned;
    struct tracking tracking; /* chosen and greeted */
    /* while it runs */
    const char *raw_dir, *journal_path;
    struct env env;
    struct run_data data;
    struct journal journal;
    struct progress progress;
    struct driver_outcome outcome;
    struct instant saved; /* when results were last saved, the start at first */
    double save_s;        /* what that took */
};

/* What options and machine do not say of a run. Texts are borrowed. */
struct run_facts {
    const char *engine;
    const char *instance_type; /* NULL: asked from EC2 */
    const char *python;        /* the engine's interpreter, or NULL */
    const char *plan_sha256;
    const char *options_json, *command_json; /* secrets masked */
    bool is_remote;                          /* the engine runs on another machine */
    bool has_asked_percentiles;
};

/* Gives the run its id, 32 hex digits that no other run has. */
MUST_CHECK enum status run_identify(struct run *r, struct err *e);
/* From here on the run counts as begun: data.start. */
void run_start(struct run *r);
/* After both: claims the raw folder, fills the journal's header, and begins the
 * journal with it. */
MUST_CHECK enum status run_open(struct run *r, const struct run_facts *facts,
                                struct err *e);

/* For the engine: live line, stop, and a terminal that went away. */
struct engine_watch run_watch(struct run *r);
/* Writes the journal again, and says so, where its folder was deleted in mid-run. */
void run_keep_journal(struct run *r);

#endif
