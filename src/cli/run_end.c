#include "cli/run_end.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "cli/finish.h"
#include "cli/stop.h"
#include "report/table.h"
#include "store/results.h"

#define PRINT_CAP_BYTES ((size_t)16 << 20)

void run_end_log_level(struct cli *cli, bool is_quiet, bool is_verbose)
{
    cli->log.level = is_verbose ? LOG_DEBUG : LOG_NOTE;
    if (is_quiet)
        cli->log.level = LOG_WARN;
}

static void on_tick(void *arg, const struct engine_progress *p)
{
    struct run_end *r = arg;
    if (stop_hung_up() && r->progress->is_terminal) {
        const char *path = arena_printf(r->arena, "%s/progress.log", r->raw_dir);
        int fd = path != NULL
                     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                     : -1;
        progress_detach(r->progress, fd);
    }
    progress_tick(r->progress, p);
}

struct engine_watch run_end_watch(struct run_end *r)
{
    return (struct engine_watch){.tick = on_tick, .stop = stop_requested, .arg = r};
}

enum status run_end_open(const struct run_end *r, const struct run_data *run,
                         struct err *e)
{
    if (journal_create(r->journal, r->journal_path, clock_now(), e) != STATUS_OK)
        return e->code;
    return journal_run(r->journal, run, e);
}

static enum status end_journal(struct run_end *r, enum status s, struct err *e)
{
    const char *cause = r->outcome->is_interrupted ? "signal" : "failed";
    if (s == STATUS_OK && r->outcome->is_complete)
        cause = "done";
    struct err ignored; /* of a journal that already failed, e holds the first cause */
    enum status w = journal_run_end(r->journal, cause, r->outcome->is_complete,
                                    s == STATUS_OK ? e : &ignored);
    journal_close(r->journal);
    return s != STATUS_OK ? s : w;
}

/* Journal back in, files out: what `recover` does, so that both give the same bytes. */
static enum status write_files(const struct run_end *r, struct recovery *read,
                               struct err *e)
{
    if (results_read(r->raw_dir, r->output_dir, r->arena, read, e) != STATUS_OK)
        return e->code;
    return results_write(&read->run, &read->results, e);
}

/* mlflow: lines that name the runs there, or NULL. */
static void next_steps(const struct run_end *r, const struct results *results,
                       const char *mlflow, struct buf *out)
{
    const char *label = field_str(r->fields, FIELD_label);
    buf_printf(out,
               "\nFiles\n  %s\n  %s\n  %s\n  %s/\n%s\nNext\n"
               "  copy    scp 'HOST:%s/%s_results_*.json' collected/\n"
               "  merge   inferbench merge collected/*.json -o merged_results.json\n"
               "  plots   inferbench analyze %s\n",
               results->results_path, results->summary_path, results->env_path,
               r->raw_dir, mlflow != NULL ? mlflow : "", r->output_dir, r->mode,
               results->results_path);
    if (label != NULL && strcmp(label, "unknown") == 0)
        buf_text(out,
                 "  The machine's type is unknown: --instance-type g5.xlarge names it, "
                 "or later\n  inferbench merge g5.xlarge=FILE.\n");
}

/* broken: what ended the run before its end, or NULL. */
static int print_end(const struct run_end *r, const struct recovery *read,
                     const struct err *broken)
{
    const struct results *results = &read->results;
    struct buf out;
    struct err e;
    buf_init(&out, PRINT_CAP_BYTES);
    if (table_run(&read->run, results->cells, results->cell_count, &out, &e) != STATUS_OK)
        log_error(&r->cli->log, &e);
    cli_print(r->cli, buf_cstr(&out));
    buf_clear(&out);
    next_steps(r, results, tracking_log(r->tracking, results->results_path, r->raw_dir),
               &out);
    cli_print(r->cli, buf_cstr(&out));
    buf_fini(&out);
    const struct finish f = {.results = results,
                             .is_interrupted = r->outcome->is_interrupted,
                             .signal = stop_signal(),
                             .cells_failed = r->outcome->cells_failed,
                             .cells_planned = r->cells_planned,
                             .broken = broken,
                             .first_failure = &r->outcome->first,
                             .accept_invalid = r->accept_invalid};
    return finish_run(r->cli, &f);
}

int run_end_finish(struct run_end *r, enum status s, struct err *e)
{
    struct recovery read = {.results = {0}};
    struct err later;
    s = end_journal(r, s, e);
    if (s != STATUS_OK)
        cli_fail(r->cli, e);
    if (write_files(r, &read, &later) != STATUS_OK) {
        log_line(&r->cli->log, LOG_NOTE,
                 "what was measured is in %s: once the cause is "
                 "mended, inferbench recover %s",
                 r->journal_path, r->raw_dir);
        return cli_fail(r->cli, &later);
    }
    return print_end(r, &read, s != STATUS_OK ? e : NULL);
}

int run_end_dry(struct cli *cli, enum status s, const struct buf *text, struct err *e)
{
    if (s != STATUS_OK)
        return cli_fail(cli, e);
    return cli_print(cli, buf_cstr(text)) ? CLI_DONE : CLI_FAILED;
}
