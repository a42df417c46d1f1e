#include "cli/run_end.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "cli/finish.h"
#include "cli/stop.h"
#include "report/meter.h"
#include "report/table.h"
#include "store/journal_damage.h"
#include "store/results.h"

#define PRINT_CAP_BYTES ((size_t)16 << 20)

static void on_tick(void *arg, const struct engine_progress *p)
{
    struct run_job *j = arg;
    if (stop_hung_up() && j->progress.line.is_terminal) {
        const char *path = arena_printf(&j->arena, "%s/progress.log", j->raw_dir);
        int fd = path != NULL
                     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                     : -1;
        progress_detach(&j->progress, fd);
    }
    progress_tick(&j->progress, p);
}

struct engine_watch run_end_watch(struct run_job *j)
{
    return (struct engine_watch){.tick = on_tick, .stop = stop_requested, .arg = j};
}

enum status run_end_open(struct run_job *j, struct err *e)
{
    if (journal_create(&j->journal, j->journal_path, clock_now(), e) != STATUS_OK)
        return e->code;
    return journal_run(&j->journal, &j->run, e);
}

void run_end_keep(struct run_job *j)
{
    struct err e;
    bool was_gone;
    if (journal_restore(&j->journal, &was_gone, &e) != STATUS_OK)
        log_error(&j->cli->log, &e);
    else if (was_gone)
        log_line(&j->cli->log, LOG_WARN,
                 "%s was deleted or moved during the run; its journal was restored",
                 j->raw_dir);
}

static enum status end_journal(struct run_job *j, enum status s, struct err *e)
{
    const char *cause = j->outcome.is_interrupted ? "signal" : "failed";
    if (s == STATUS_OK && j->outcome.is_complete)
        cause = "done";
    struct err ignored; /* of a journal that already failed, e holds the first cause */
    enum status w = journal_run_end(&j->journal, cause, j->outcome.is_complete,
                                    s == STATUS_OK ? e : &ignored);
    run_end_keep(j);
    journal_close(&j->journal);
    return s != STATUS_OK ? s : w;
}

/* Journal back in, files out: what `recover` does, so that both give the same bytes. */
static enum status write_files(struct run_job *j, struct recovery *read, struct err *e)
{
    if (results_read(j->raw_dir, j->opts->output_dir, &j->arena, read, e) != STATUS_OK)
        return e->code;
    return results_write(&read->run, &read->results, e);
}

/* mlflow: lines that name the runs there, or NULL. */
static void next_steps(struct run_job *j, const struct results *results,
                       const char *mlflow, struct buf *out)
{
    const char *label = field_str(&j->run.fields, FIELD_label);
    buf_printf(out,
               "\nFiles\n  %s\n  %s\n  %s\n  %s/\n%s\nNext\n"
               "  copy    scp 'HOST:%s/%s_results_*.json' collected/\n"
               "  merge   inferbench merge collected/*.json -o merged_results.json\n"
               "  plots   inferbench analyze %s\n",
               results->results_path, results->summary_path, results->env_path,
               j->raw_dir, mlflow != NULL ? mlflow : "", j->opts->output_dir, j->mode,
               results->results_path);
    if (label != NULL && strcmp(label, "unknown") == 0)
        buf_text(out, "  The instance type is unknown: name it with --instance-type "
                      "g5.xlarge, or later\n  with inferbench merge g5.xlarge=FILE.\n");
}

/* Sends the rows to MLflow; what of it belongs to the list of files, or NULL. */
static const char *log_rows(struct run_job *j, const struct results *results)
{
    struct meter meter;
    j->tracking.tick = meter_tick;
    j->tracking.arg = &meter;
    meter_begin(&meter, &j->cli->log, "rows sent to MLflow");
    const char *lines = tracking_log(&j->tracking, results->results_path, j->raw_dir);
    meter_end(&meter);
    return lines;
}

/* broken: what ended the run before its end, or NULL. */
static int print_end(struct run_job *j, const struct recovery *read,
                     const struct err *broken)
{
    const struct results *results = &read->results;
    struct buf out;
    struct err e;
    buf_init(&out, PRINT_CAP_BYTES);
    const struct table_input table = {&read->run, results->rows, results->cells,
                                      results->cell_count};
    if (table_run(&table, &out, &e) != STATUS_OK)
        log_error(&j->cli->log, &e);
    cli_print(j->cli, buf_cstr(&out));
    buf_clear(&out);
    next_steps(j, results, log_rows(j, results), &out);
    cli_print(j->cli, buf_cstr(&out));
    buf_fini(&out);
    const struct finish f = {.results = results,
                             .is_interrupted = j->outcome.is_interrupted,
                             .signal = stop_signal(),
                             .cells_failed = j->outcome.cells_failed,
                             .cells_planned = j->cells_planned,
                             .broken = broken,
                             .repeats_damaged = read->note.repeats_damaged +
                                                read->note.repeats_lost,
                             .first_failure = &j->outcome.first,
                             .require_valid = j->opts->require_valid,
                             .accept_invalid = j->opts->accept_invalid};
    return finish_run(j->cli, &f);
}

/* broken: what ended the run before its end, or NULL; why: the files. */
static int fail_files(struct run_job *j, const struct err *broken, const struct err *why)
{
    struct log *log = &j->cli->log;
    log_error(log, why);
    if (file_exists(j->journal_path))
        log_line(log, LOG_WARN,
                 "what was measured is in %s; after fixing the problem, run: inferbench "
                 "recover %s",
                 j->journal_path, j->raw_dir);
    if (broken != NULL)
        log_line(log, LOG_WARN, "exit 1: the run could not continue: %s", broken->what);
    else
        log_line(log, LOG_WARN, "exit 1: the files could not be written: %s", why->what);
    return CLI_FAILED;
}

int run_end_finish(struct run_job *j, enum status s, struct err *e)
{
    struct recovery read = {.results = {0}};
    struct err later;
    s = end_journal(j, s, e);
    if (s != STATUS_OK)
        cli_fail(j->cli, e);
    const struct err *broken = s != STATUS_OK ? e : NULL;
    if (write_files(j, &read, &later) != STATUS_OK)
        return fail_files(j, broken, &later);
    journal_damage_warn(&read.note, j->raw_dir, &j->cli->log);
    return print_end(j, &read, broken);
}
