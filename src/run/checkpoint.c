#include "run/checkpoint.h"

#include <sys/stat.h>

#include "run/peers.h"

#define ARENA_CAP_BYTES   ((size_t)16 << 30)
#define JOURNAL_MAX_BYTES ((off_t)256 << 20)
#define TIMES_ITS_COST    100.0

static bool is_due(const struct run *r)
{
    struct stat st;
    double since_s = clock_to_s(clock_since(r->saved));
    double every_s = (double)r->opts->save_every_ns / 1e9;
    bool is_time = every_s <= 0 ||
                   (since_s >= every_s && since_s >= TIMES_ITS_COST * r->save_s);
    bool is_large = stat(r->journal_path, &st) == 0 && st.st_size > JOURNAL_MAX_BYTES;
    return is_time && !is_large;
}

/* On a terminal: a slow MLflow server takes seconds. */
static void show(struct run *r)
{
    const struct engine_progress p = {.stage = "saving partial results",
                                      .since = clock_now()};
    if (r->progress.line.is_terminal) {
        r->progress.line.last_shown.ns = 0;
        progress_tick(&r->progress, &p);
    }
}

static void save(void *arg)
{
    struct run *r = arg;
    struct recovery read = {.results = {0}};
    struct arena a;
    struct err e;
    if (!is_due(r))
        return;
    show(r);
    const struct instant begin = clock_now();
    arena_init(&a, ARENA_CAP_BYTES);
    if (run_peers_read(r, &a, &read, &e) != STATUS_OK ||
        results_write(&read.run, &read.results, &e) != STATUS_OK)
        log_error(r->host->log, &e);
    else
        tracking_log_part(&r->tracking, read.results.results_path, &a);
    arena_fini(&a);
    r->saved = clock_now();
    r->save_s = clock_to_s(clock_between(begin, r->saved));
}

struct driver_pause run_checkpoint(struct run *r)
{
    return (struct driver_pause){.run = save, .arg = r};
}
