#include "cli/run_save.h"

#include <sys/stat.h>

#include "cli/run_end.h"

#define ARENA_CAP_BYTES   ((size_t)16 << 30)
#define JOURNAL_MAX_BYTES ((off_t)256 << 20)
#define TIMES_ITS_COST    100.0

static bool is_due(const struct run_job *j)
{
    struct stat st;
    double since_s = clock_to_s(clock_since(j->saved));
    double every_s = (double)j->opts->save_every_ns / 1e9;
    bool is_time = every_s <= 0 ||
                   (since_s >= every_s && since_s >= TIMES_ITS_COST * j->save_s);
    bool is_large = stat(j->journal_path, &st) == 0 && st.st_size > JOURNAL_MAX_BYTES;
    return is_time && !is_large;
}

/* On a terminal: a slow MLflow server takes seconds. */
static void show(struct run_job *j)
{
    const struct engine_progress p = {.stage = "saving partial results",
                                      .since = clock_now()};
    if (j->progress.line.is_terminal) {
        j->progress.line.last_shown.ns = 0;
        progress_tick(&j->progress, &p);
    }
}

static void save(void *arg)
{
    struct run_job *j = arg;
    struct recovery read = {.results = {0}};
    struct arena a;
    struct err e;
    if (!is_due(j))
        return;
    show(j);
    const struct instant begin = clock_now();
    arena_init(&a, ARENA_CAP_BYTES);
    run_end_keep(j);
    if (results_read(j->raw_dir, j->opts->output_dir, &a, &read, &e) != STATUS_OK ||
        results_write(&read.run, &read.results, &e) != STATUS_OK)
        log_error(&j->cli->log, &e);
    else
        tracking_log_part(&j->tracking, read.results.results_path, &a);
    arena_fini(&a);
    j->saved = clock_now();
    j->save_s = clock_to_s(clock_between(begin, j->saved));
}

struct cells_pause run_save_pause(struct run_job *j)
{
    return (struct cells_pause){.run = save, .arg = j};
}
