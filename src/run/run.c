#include "run/run.h"

#include <fcntl.h>

void run_start(struct run *r)
{
    r->data.start = clock_wall();
    r->data.utc_offset_s = clock_utc_offset_s(r->data.start);
}

static void on_tick(void *arg, const struct engine_progress *p)
{
    struct run *r = arg;
    const struct run_host *h = r->host;
    if (r->progress.line.is_terminal && h->is_hung_up != NULL && h->is_hung_up(h->arg)) {
        const char *path = arena_printf(r->arena, "%s/progress.log", r->raw_dir);
        int fd = path != NULL
                     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                     : -1;
        progress_detach(&r->progress, fd);
    }
    progress_tick(&r->progress, p);
}

static bool should_stop(void *arg)
{
    struct run *r = arg;
    const struct run_host *h = r->host;
    return (h->stop != NULL && h->stop(h->arg)) ||
           (r->peers.has_lost != NULL && r->peers.has_lost(r));
}

struct engine_watch run_watch(struct run *r)
{
    return (struct engine_watch){.tick = on_tick, .stop = should_stop, .arg = r};
}

void run_keep_journal(struct run *r)
{
    struct err e;
    bool was_gone;
    if (journal_restore(&r->journal, &was_gone, &e) != STATUS_OK)
        log_error(r->host->log, &e);
    else if (was_gone)
        log_line(r->host->log, LOG_WARN,
                 "%s was deleted or moved during the run; its journal was restored",
                 r->raw_dir);
}
