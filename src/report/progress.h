/* Progress of a run: one live line on a terminal; elsewhere plain lines: one a finished
 * repeat, one a new stage, and one after a minute without any. Hooks into the log so that
 * lines do not tear. */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include <stdbool.h>

#include "core/engine.h"
#include "report/live_line.h"

struct progress {
    struct live_line line;
    bool is_quiet;
    struct instant start, first_repeat, repeat_start;
    char stage[160];          /* of the last tick */
    const char *cell;         /* "short bs=4 cache=off" */
    int64_t repeat, num_runs; /* 0: how many there will be is not known, or not the same
                                 of all cells */
    int64_t warmups;          /* the first repeats of a cell are warm-ups */
    int64_t repeats_done, repeats_planned; /* done: counted by progress_repeat_done;
                                              planned 0: not known yet */
    int64_t tokens_planned;                /* output tokens of the repeat under way */
    double planned_s; /* estimate for what is left at the start; NAN unknown */
};

/* Draws where the log writes. num_runs, warmups (1), repeats_planned and planned_s may be
 * set afterwards. The struct must stay where it is until progress_end: the log's hooks
 * point to it. */
void progress_init(struct progress *p, struct log *log, bool is_quiet);
/* A repeat begins; texts are borrowed until the next call. */
void progress_repeat(struct progress *p, const char *cell, int64_t repeat,
                     int64_t tokens_planned);
/* Called often; draws at most 5 times a second (plain: after a minute without a line, and
 * when a stage other than "running" and "ready" begins). Stage, cell, repeat, tokens/s,
 * done/total, time left; for loading: how long already. */
void progress_tick(struct progress *p, const struct engine_progress *ep);
/* A repeat ended: one plain line where no terminal is. error: NULL unless it failed. */
void progress_repeat_done(struct progress *p, double tokens_per_second,
                          const char *error);

/* An online load as it stands. Numbers that are not known are NAN. */
struct progress_load {
    const char *phase;                     /* "warm-up", "ramp-up", "running", "drain" */
    int64_t sent, done, failed, in_flight; /* requests; failed are not among the done */
    double share;                          /* of the repeat that is over, 0..1 */
    /* Of the last seconds; percentiles of the repeat once it has ended. */
    double tokens_per_s; /* output */
    double ttft_p50_ms, ttft_p99_ms, itl_p50_ms, itl_p99_ms;
};

/* Nothing is known yet. */
struct progress_load progress_load_unknown(void);
/* As progress_tick, while the load of a repeat runs. What does not fit the terminal is
 * left out, the names of cell and run first. */
void progress_load(struct progress *p, const struct progress_load *load);
/* As progress_repeat_done, with latencies and failures. error: NULL unless it failed. */
void progress_load_done(struct progress *p, const struct progress_load *load,
                        const char *error);
/* Takes the live line away. */
void progress_end(struct progress *p);
/* SIGHUP: the terminal is gone; from now on plain lines, and the log, go into fd (a log
 * file), or nowhere if it is negative. Not for signal handlers: call it from the loop. */
void progress_detach(struct progress *p, int fd);

#endif
