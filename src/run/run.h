/* A run as a library: options become a plan, which is opened, executed and finished. It
 * knows no command line, and prints through what its host gives it. In this order:
 * run_plan, run_start, run_open, run_execute, run_finish. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/arena.h"
#include "bench/driver.h"
#include "core/target.h"
#include "probe/env.h"
#include "report/progress.h"
#include "run/opts.h"
#include "store/journal.h"
#include "store/results.h"
#include "track/tracking.h"

struct ranks;
struct run;
struct run_mode;

/* Of several processes: run/peers.h. */
struct run_peers {
    struct ranks *ranks; /* NULL: it is alone */
    const char *dir;     /* of this rank's journal, in raw_dir */
    void *words;         /* [ranks] what each has said last */
    bool *is_here;       /* [ranks] its journal is on a disk of rank 0 */
    int64_t sent_bytes;  /* of this one's, to rank 0 */
    bool is_online;
    bool is_measuring;
    bool (*has_lost)(struct run *r); /* asked while a repeat is measured: has another
                                        rank ended it? NULL: nobody is asked */
    bool is_over;                    /* the run ended elsewhere */
    bool is_broken;                  /* a rank is gone: nothing more is said */
    bool is_leaving;
    struct err lost;  /* what ended a repeat elsewhere while it was measured */
    struct err ended; /* or before it began here */
};

/* The program around a run. */
struct run_host {
    struct log *log;
    const char *tool; /* "inferbench 0.1.0+g1a2b3c4" */
    /* The table, the files, what to do next. */
    bool (*print)(void *arg, const char *text); /* false: it is lost */
    bool (*stop)(void *arg);                    /* asked often; NULL: never */
    bool (*is_hung_up)(void *arg);              /* the terminal went away; NULL: never */
    int (*stopped_by)(void *arg); /* the signal, where stop said so; NULL: none */
    void *arg;
};

struct run {
    /* set by the caller; the rest is zero */
    const struct run_mode *mode;
    const struct run_host *host;
    struct run_opts *opts;         /* the plan completes them */
    const struct opt_parse *parse; /* that has filled them */
    struct arena *arena;
    struct tracking tracking; /* chosen and greeted */
    struct run_peers peers;   /* joined */
    /* from run_plan on */
    struct plan plan;
    struct engine_ops ops;
    struct engine_settings settings;
    struct engine_target target; /* online */
    const char *slo_json;        /* --goodput as the field `slo`, or NULL */
    const char *body_json;       /* --extra-body as the field `extra_body`, or NULL */
    bool is_remote;              /* the engine runs on another machine */
    bool loads_per_batch;        /* as struct driver */
    /* while it runs */
    const char *raw_dir, *journal_path; /* of several ranks: of the run; of this rank */
    struct env env;
    const char *no_price; /* why the machine's price is unknown; NULL: it is not */
    struct run_data data;
    struct journal journal;
    struct progress progress;
    struct driver_outcome outcome;
    struct instant saved;    /* when results were last saved, the start at first */
    double save_s;           /* what that took */
    bool has_values;         /* of a target: those of the first stage are known */
    struct load search_load; /* of a search: what its loads have in common */
};

/* From here on the run counts as begun: data.start. */
void run_start(struct run *r);
/* For the engine: live line, stop, and a terminal that went away. */
struct engine_watch run_watch(struct run *r);
/* Writes the journal again, and says so, where its folder was deleted in mid-run. */
void run_keep_journal(struct run *r);

#endif
