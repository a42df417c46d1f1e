#include "run/finish.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "report/meter.h"
#include "report/table.h"
#include "run/capacity.h"
#include "run/mode.h"
#include "run/peers.h"
#include "run/precision.h"
#include "store/journal_read.h"

#define PRINT_CAP_BYTES ((size_t)16 << 20)

static enum status end_journal(struct run *r, enum status s, struct err *e)
{
    const char *cause = r->outcome.is_interrupted ? "signal" : "failed";
    if (s == STATUS_OK && r->outcome.is_complete)
        cause = "done";
    struct err ignored; /* of a journal that already failed, e holds the first cause */
    enum status w = journal_run_end(&r->journal, cause, r->outcome.is_complete,
                                    s == STATUS_OK ? e : &ignored);
    run_keep_journal(r);
    journal_close(&r->journal);
    return s != STATUS_OK ? s : w;
}

/* Journal back in, files out: what `recover` does, so that both give the same bytes. */
static enum status write_files(struct run *r, struct recovery *read, struct err *e)
{
    if (run_peers_read(r, r->arena, read, e) != STATUS_OK)
        return e->code;
    return results_write(&read->run, &read->results, e);
}

/* True if any repeat that counts came through. */
static bool has_measured(const struct recovery *read)
{
    for (size_t i = 0; i < read->run.repeat_count; i++) {
        const struct row *row = &read->results.rows[i];
        if (!value_is_known(row->v[FIELD_error]) && !field_is_true(row, FIELD_is_warmup))
            return true;
    }
    return false;
}

/* What to do after a run that has nothing to show. */
static void next_try(struct run *r, struct buf *out)
{
    const struct err *first = &r->outcome.first;
    static const char *const logs[] = {"engine.log", "server.log"};
    buf_text(out, "  Nothing was measured: there is nothing to merge or to plot.\n");
    if (first->code != STATUS_OK)
        buf_printf(out, "  cause   %s%s%s\n", first->where,
                   *first->where != '\0' ? ": " : "", first->what);
    if (first->code != STATUS_OK && *first->hint != '\0')
        buf_printf(out, "  cure    %s\n", first->hint);
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        const char *log = arena_printf(r->arena, "%s/%s", r->raw_dir, logs[i]);
        if (log == NULL || !file_exists(log))
            continue;
        buf_printf(out, "  log     less %s\n", path_word(log, r->arena));
    }
    if (!r->is_remote)
        buf_text(out, "  check   inferbench env --check\n");
    buf_text(out, "  again   the same command; with --dry-run it shows the plan alone\n");
}

static const struct plan_setting *numbered(const struct plan_options *o, int64_t number)
{
    size_t i = 0;
    while (i + 1 < o->setting_count && o->settings[i].number != number)
        i++;
    return &o->settings[i];
}

/* Settings by name: the file has all sides; of more than two, two are named. */
static void next_compare(struct run *r, const struct results *results, struct buf *out)
{
    const struct plan_options *o = &r->plan.options;
    if (o->setting_count < 2 || o->settings[0].name == NULL)
        return;
    buf_printf(out, "  compare inferbench compare %s",
               path_word(results->results_path, r->arena));
    for (int64_t k = 1; o->setting_count > 2 && k <= 2; k++) {
        buf_char(out, ' ');
        path_put_word(out, numbered(o, k)->name);
    }
    buf_char(out, '\n');
}

/* HOST: each machine has a folder, for two that began in one second have files of one
 * name. */
static void next_tour(struct run *r, const struct results *results, struct buf *out)
{
    const char *from = arena_printf(r->arena, "HOST:%s/%s_results_*.json",
                                    path_absolute(r->opts->output_dir, r->arena),
                                    r->mode->name);
    buf_text(out, "  copy    mkdir -p collected/HOST\n          scp ");
    path_put_word(out, from != NULL ? from : "");
    buf_printf(out,
               " collected/HOST/\n"
               "  merge   inferbench merge collected/*/*.json -o merged_results.json\n"
               "  plots   inferbench analyze %s\n"
               "  Copy and merge on one machine, HOST being the name of each that "
               "measured.\n",
               path_word(results->results_path, r->arena));
    const char *label = field_str(&r->data.fields, FIELD_label);
    if (label != NULL && strcmp(label, "unknown") == 0)
        buf_text(out, "  The instance type is unknown: name it with --instance-type "
                      "g5.xlarge, or later\n  with inferbench merge g5.xlarge=FILE.\n");
}

/* mlflow: lines that name the runs there, or NULL. */
static void next_steps(struct run *r, const struct recovery *read, const char *mlflow,
                       struct buf *out)
{
    const struct results *results = &read->results;
    buf_printf(out, "\nFiles\n  %s\n  %s\n  %s\n  %s/\n%s\nNext\n", results->results_path,
               results->summary_path, results->env_path, r->raw_dir,
               mlflow != NULL ? mlflow : "");
    if (has_measured(read)) {
        next_compare(r, results, out);
        next_tour(r, results, out);
    } else {
        next_try(r, out);
    }
}

static const char *log_rows(struct run *r, const struct results *results)
{
    struct meter meter;
    r->tracking.tick = meter_tick;
    r->tracking.arg = &meter;
    meter_begin(&meter, r->host->log, "rows sent to MLflow");
    const char *lines = tracking_log(&r->tracking, results->results_path, r->raw_dir);
    meter_end(&meter);
    return lines;
}

/* broken: what ended the run before its end, or NULL. */
static enum run_end print_end(struct run *r, const struct recovery *read,
                              const struct err *broken)
{
    const struct run_host *h = r->host;
    const struct results *results = &read->results;
    struct buf out;
    struct err e;
    buf_init(&out, PRINT_CAP_BYTES);
    const struct table_input table = {&read->run, results->rows, results->cells,
                                      results->cell_count};
    if (table_run(&table, &out, &e) != STATUS_OK)
        log_error(h->log, &e);
    bool is_printed = h->print(h->arg, buf_cstr(&out));
    buf_clear(&out);
    next_steps(r, read, log_rows(r, results), &out);
    is_printed = h->print(h->arg, buf_cstr(&out)) && is_printed;
    buf_fini(&out);
    const struct run_ending f = {
        .results = results,
        .is_interrupted = r->outcome.is_interrupted,
        .signal = h->stopped_by != NULL ? h->stopped_by(h->arg) : 0,
        .cells_failed = r->outcome.cells_failed,
        .cells_planned = run_precision_cells(r, (int64_t)read->run.cell_count),
        .cells_tried = (int64_t)read->run.cell_count,
        .has_launches = r->plan.options.launches > 1,
        .broken = broken,
        .is_unprinted = !is_printed,
        .repeats_damaged = read->note.repeats_damaged + read->note.repeats_lost,
        .first_failure = &r->outcome.first,
        .require_valid = r->opts->require_valid,
        .accept_invalid = run_capacity_accepted(r)};
    return run_ending_conclude(&f, h->log);
}

/* broken: what ended the run before its end, or NULL; why: the files. */
static enum run_end fail_files(struct run *r, const struct err *broken,
                               const struct err *why)
{
    struct log *log = r->host->log;
    log_error(log, why);
    if (file_exists(r->journal_path))
        log_line(log, LOG_WARN,
                 "what was measured is in %s; after fixing the problem, run: inferbench "
                 "recover %s",
                 r->journal_path, path_word(r->raw_dir, r->arena));
    if (broken != NULL)
        log_line(log, LOG_WARN, "exit 1: the run could not continue: %s", broken->what);
    else
        log_line(log, LOG_WARN, "exit 1: the files could not be written: %s", why->what);
    return RUN_FAILED;
}

/* Of a rank whose files others write. */
static enum run_end end_of(const struct run *r, const struct err *broken)
{
    if (r->outcome.is_interrupted)
        return RUN_STOPPED;
    return broken == NULL && r->outcome.cells_failed == 0 ? RUN_DONE : RUN_FAILED;
}

enum run_end run_finish(struct run *r, enum status s, struct err *e)
{
    struct recovery read = {.results = {0}};
    struct err later;
    s = end_journal(r, s, e);
    if (s != STATUS_OK)
        log_error(r->host->log, e);
    const struct err *broken = s != STATUS_OK ? e : NULL;
    run_peers_collect(r);
    if (!run_peers_has_files(r))
        return end_of(r, broken);
    if (write_files(r, &read, &later) != STATUS_OK)
        return fail_files(r, broken, &later);
    journal_read_warn(&read.note, r->raw_dir, r->host->log);
    return print_end(r, &read, broken);
}
