/* inferbench offline: plan, run, files, table, exit code. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/finish.h"
#include "cli/offline_dry.h"
#include "cli/offline_job.h"
#include "cli/stop.h"
#include "report/table.h"
#include "store/journal_read.h"

#define ARENA_CAP_BYTES ((size_t)16 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

/* Called often while the engine works: the live line, and a terminal that went away. */
static void on_tick(void *arg, const struct engine_progress *p)
{
    struct offline_job *j = arg;
    if (stop_hung_up() && j->progress.is_terminal) {
        const char *path = arena_printf(&j->arena, "%s/progress.log", j->raw_dir);
        int fd = path != NULL
                     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                     : -1;
        progress_detach(&j->progress, fd);
    }
    progress_tick(&j->progress, p);
}

static bool on_stop(void *arg)
{
    return stop_requested(arg);
}

static enum status execute(struct offline_job *j, struct err *e)
{
    struct offline o = {.ops = &j->ops,
                        .settings = j->settings,
                        .plan = &j->plan,
                        .journal = &j->journal,
                        .arena = &j->arena,
                        .progress = &j->progress,
                        .watch = {.tick = on_tick, .stop = on_stop, .arg = j},
                        .log = &j->cli->log,
                        .hardware_type = j->opts.hardware_type,
                        .with_gaps = !j->opts.no_gaps,
                        .loads_per_batch = j->is_neuron &&
                                           strcmp(j->opts.neuron_batch, "per-cell") == 0};
    progress_init(&j->progress, &j->cli->log, j->opts.quiet);
    j->progress.num_runs = j->plan.options.num_runs;
    j->progress.repeats_planned = (int64_t)j->plan.cell_count * j->plan.options.num_runs;
    j->progress.planned_s = offline_dry_estimate_s(j);
    enum status s = offline_run(&o, &j->outcome, e);
    progress_end(&j->progress);
    const char *cause = j->outcome.is_interrupted ? "signal" : "failed";
    if (s == STATUS_OK && j->outcome.is_complete)
        cause = "done";
    struct err ignored; /* of a journal that already failed, e holds the first cause */
    enum status w = journal_run_end(&j->journal, cause, j->outcome.is_complete,
                                    s == STATUS_OK ? e : &ignored);
    journal_close(&j->journal);
    return s != STATUS_OK ? s : w;
}

/* Journal back in, files out: what `recover` does, so that both give the same bytes. */
static enum status write_files(struct offline_job *j, struct run_data *read,
                               struct err *e)
{
    struct journal_note note;
    if (journal_read(j->journal_path, &j->arena, read, &note, e) != STATUS_OK ||
        results_build(read, j->opts.output_dir, &j->arena, &j->results, e) != STATUS_OK)
        return e->code;
    return results_write(read, &j->results, e);
}

static void next_steps(struct offline_job *j, struct buf *out)
{
    const char *label = field_str(&j->run.fields, FIELD_label);
    buf_printf(out,
               "\nFiles\n  %s\n  %s\n  %s\n  %s/\n\nNext\n"
               "  copy    scp 'HOST:%s/offline_results_*.json' collected/\n"
               "  merge   inferbench merge collected/*.json -o merged_results.json\n"
               "  plots   inferbench analyze %s\n",
               j->results.results_path, j->results.summary_path, j->results.env_path,
               j->raw_dir, j->opts.output_dir, j->results.results_path);
    if (label != NULL && strcmp(label, "unknown") == 0)
        buf_text(out,
                 "  The machine's type is unknown: --instance-type g5.xlarge names it, "
                 "or later\n  inferbench merge g5.xlarge=FILE.\n");
}

/* broken: what ended the run before its end, or NULL. */
static int print_end(struct offline_job *j, const struct run_data *read,
                     const struct err *broken)
{
    struct buf out;
    struct err e;
    buf_init(&out, PRINT_CAP_BYTES);
    if (table_run(read, j->results.cells, j->results.cell_count, &out, &e) != STATUS_OK)
        log_error(&j->cli->log, &e);
    next_steps(j, &out);
    cli_print(j->cli, buf_cstr(&out));
    buf_fini(&out);
    const struct finish f = {.results = &j->results,
                             .is_interrupted = j->outcome.is_interrupted,
                             .signal = stop_signal(),
                             .cells_failed = j->outcome.cells_failed,
                             .cells_planned = (int64_t)j->plan.cell_count,
                             .broken = broken,
                             .first_failure = &j->outcome.first,
                             .accept_invalid = j->opts.accept_invalid};
    return finish_run(j->cli, &f);
}

static int run_planned(struct offline_job *j, struct err *e)
{
    struct run_data read;
    j->run.start = clock_wall();
    j->run.utc_offset_s = clock_utc_offset_s(j->run.start);
    if (offline_setup_run(j, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    if (journal_create(&j->journal, j->journal_path, clock_now(), e) != STATUS_OK ||
        journal_run(&j->journal, &j->run, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    enum status s = execute(j, e);
    if (s != STATUS_OK)
        cli_fail(j->cli, e);
    struct err later;
    if (write_files(j, &read, &later) != STATUS_OK) {
        log_line(&j->cli->log, LOG_NOTE,
                 "what was measured is in %s: once the cause is "
                 "mended, inferbench recover %s",
                 j->journal_path, j->raw_dir);
        return cli_fail(j->cli, &later);
    }
    return print_end(j, &read, s != STATUS_OK ? e : NULL);
}

static int dry_run(struct offline_job *j, struct err *e)
{
    struct buf out;
    buf_init(&out, PRINT_CAP_BYTES);
    int code = CLI_FAILED;
    if (offline_dry_text(j, &out, e) != STATUS_OK)
        code = cli_fail(j->cli, e);
    else if (cli_print(j->cli, buf_cstr(&out)))
        code = CLI_DONE;
    buf_fini(&out);
    return code;
}

static int run_job(struct offline_job *j, struct err *e)
{
    if (cli_parse(&(struct cli_table){offline_opts_table, OFFLINE_OPTS_COUNT, &j->opts},
                  &(struct cli_words){j->argc, j->argv}, &j->arena, &j->parse,
                  e) != STATUS_OK)
        return cli_fail(j->cli, e);
    j->cli->log.level = j->opts.verbose ? LOG_DEBUG : LOG_NOTE;
    if (j->opts.quiet)
        j->cli->log.level = LOG_WARN;
    if (offline_setup_plan(j, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return cli_fail(j->cli, e);
    }
    if (j->opts.dry_run)
        return dry_run(j, e);
    if (j->opts.mlflow_uri != NULL && !j->opts.no_mlflow)
        log_line(&j->cli->log, LOG_NOTE,
                 "note: logging to MLflow is not there yet; the "
                 "files hold everything");
    stop_install();
    return run_planned(j, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct err e = {.code = STATUS_OK};
    struct offline_job j = {
        .cli = cli, .argc = argc, .argv = argv, .journal = {.fd = -1}};
    arena_init(&j.arena, ARENA_CAP_BYTES);
    int code = run_job(&j, &e);
    arena_fini(&j.arena);
    return code;
}

const struct cli_command cmd_offline = {
    .name = "offline",
    .synopsis = "[OPTIONS] [-- VLLM OPTIONS]",
    .summary = "Measures batches in an engine it drives, prefix caching OFF and ON",
    .run = run,
    .options = offline_opts_table,
    .option_count = OFFLINE_OPTS_COUNT,
};
