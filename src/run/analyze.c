#include "run/analyze.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "report/meter.h"
#include "report/width.h"
#include "store/floor_file.h"
#include "track/account.h"
#include "track/pull.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)
#define SKIPS_SHOWN    5

static bool asks_server(const struct analyze *j)
{
    return j->opts->mlflow_uri != NULL || j->opts->experiment != NULL ||
           j->opts->filter != NULL;
}

/* --results-file and the words without an option, together. */
static enum status words_of(struct analyze *j, struct opt_strings *out, struct err *e)
{
    const struct opt_strings *lists[] = {&j->opts->results_files, j->words};
    size_t most = lists[0]->count + lists[1]->count;
    *out = (struct opt_strings){.items = arena_alloc(j->arena, most + 1, sizeof(char *))};
    if (out->items == NULL)
        return status_no_memory(e, "analyze");
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->count; i++)
            out->items[out->count++] = lists[k]->items[i];
    if (out->count > 0 || asks_server(j))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "analyze", "no results files or folders given");
    return status_hint(e, "Write e.g. inferbench analyze results/");
}

/* The file is written before any input is read. */
static enum status check_rows_path(const struct analyze *j, const struct input *inputs,
                                   size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (inputs_is_same(inputs[i].path, j->rows_path)) {
            status_fail(e, STATUS_BAD_OPTION, j->rows_path,
                        "is also an input, and rows from the server would replace it");
            return status_hint(e, "Choose another --output-dir");
        }
    return STATUS_OK;
}

/* Rows of the server, as a file in the output folder. */
static enum status pull(struct analyze *j, struct err *e)
{
    const struct account_options where = {.uri = j->opts->mlflow_uri,
                                          .home = getenv("HOME")};
    struct account account;
    struct meter meter;
    struct pull_options o = {
        .experiment = j->opts->experiment,
        .filter = j->opts->filter,
        .tool = j->tool,
        .progress = meter_tick,
        .arg = &meter,
        .now = clock_wall(),
    };
    o.utc_offset_s = clock_utc_offset_s(o.now);
    o.output = j->rows_path;
    meter_begin(&meter, j->log, "rows read from MLflow");
    enum status s = account_resolve(&where, j->arena, &account, e);
    if (s == STATUS_OK)
        s = file_make_dirs(j->opts->output_dir, e);
    if (s == STATUS_OK)
        s = pull_rows(&account, &o, j->arena, &j->pulled, e);
    meter_end(&meter);
    return s;
}

/* The file of the server's rows behind those that were named. */
static enum status add_pulled(struct analyze *j, struct input **inputs, size_t *count,
                              struct err *e)
{
    if (!asks_server(j))
        return STATUS_OK;
    j->rows_path = arena_printf(j->arena, "%s/mlflow_rows.json", j->opts->output_dir);
    if (j->rows_path == NULL)
        return status_no_memory(e, "analyze");
    if (check_rows_path(j, *inputs, *count, e) != STATUS_OK || pull(j, e) != STATUS_OK)
        return e->code;
    struct input *all = arena_alloc(j->arena, *count + 1, sizeof *all);
    if (all == NULL)
        return status_no_memory(e, "analyze");
    if (*count > 0)
        memcpy(all, *inputs, *count * sizeof *all);
    all[(*count)++] = (struct input){.path = j->rows_path};
    *inputs = all;
    return STATUS_OK;
}

/* Runs of the server whose row is missing stand in the report like files. */
static enum status note_skipped(struct analyze *j, struct err *e)
{
    struct loaded_rows *c = &j->loaded;
    const struct pull_result *r = &j->pulled;
    struct log *log = j->log;
    inputs_log_skips(&c->skipped, log);
    for (size_t i = 0; i < r->skipped.count; i++) {
        const struct input_skip *skip = &r->skipped.items[i];
        if (inputs_skip(&c->skipped, *skip, j->arena) != STATUS_OK)
            return status_no_memory(e, "analyze");
        if (i < SKIPS_SHOWN)
            log_line(log, skip->is_bad ? LOG_ERROR : LOG_WARN, "inferbench: skipped %s",
                     skip->why);
    }
    if (r->skipped.count > SKIPS_SHOWN)
        log_line(log, LOG_WARN, "inferbench: skipped %zu more: see the report",
                 r->skipped.count - SKIPS_SHOWN);
    return STATUS_OK;
}

/* Files that disagree on rows, as merge says it. */
static void warn_of_clashes(const struct analyze *j)
{
    const struct clashes *all = &j->loaded.clashes;
    for (size_t i = 0; i < all->count && i < SKIPS_SHOWN; i++)
        log_line(j->log, LOG_WARN, "inferbench: %s", all->items[i].text);
    if (all->count > SKIPS_SHOWN)
        log_line(j->log, LOG_WARN, "inferbench: %zu more files differ: see the report",
                 all->count - SKIPS_SHOWN);
}

static enum status read_rows(struct analyze *j, struct err *e)
{
    struct opt_strings words;
    struct input *inputs;
    size_t count;
    if (pricing_check(&j->opts->prices, e) != STATUS_OK ||
        words_of(j, &words, e) != STATUS_OK)
        return e->code;
    if (inputs_expand(&words, j->arena, &inputs, &count, e) != STATUS_OK ||
        add_pulled(j, &inputs, &count, e) != STATUS_OK ||
        rows_load(inputs, count, j->arena, &j->loaded, e) != STATUS_OK ||
        note_skipped(j, e) != STATUS_OK)
        return e->code;
    warn_of_clashes(j);
    if (j->loaded.count == 0) {
        status_fail(e, STATUS_NOT_FOUND, inputs[0].path, "no rows to analyze");
        return status_hint(e, "Give files such as offline_results_20261124_090000.json.");
    }
    j->rows = (struct analysis_rows){j->loaded.rows, j->loaded.count,
                                     j->loaded.file_count};
    const struct price_order order = PRICE_ORDER_OF(j->opts);
    return price_opts_set(&j->rows, &order, j->log, j->arena, e);
}

/* One form of the report, into a file. */
static enum status write_form(struct analyze *j, const struct document *d,
                              const struct renderer *r, struct err *e)
{
    struct buf text;
    buf_init(&text, TEXT_CAP_BYTES);
    const char *path = arena_printf(j->arena, "%s/%s", j->opts->output_dir, r->file);
    enum status s = path == NULL ? STATUS_NO_MEMORY : render_document(d, r, &text);
    if (s != STATUS_OK)
        s = status_fail(e, s, r->file, "%s", status_text(s));
    else
        s = file_replace(path, (struct str){buf_cstr(&text), text.len}, e);
    buf_fini(&text);
    j->reports[j->report_count++] = path;
    return s;
}

static enum status write_report(struct analyze *j, struct err *e)
{
    struct document d;
    enum status s = STATUS_OK;
    const struct renderer *r;
    document_init(&d, j->arena);
    d.lang = j->opts->lang;
    struct report_input in = {&j->analysis, &j->loaded, &j->plots, .has_page = false};
    for (size_t i = 0; (r = render_at(i)) != NULL; i++)
        in.has_page = in.has_page ||
                      (r->is_page && opt_is_chosen(&j->opts->formats, r->name));
    report_build(&in, &d);
    for (size_t i = 0; (r = render_at(i)) != NULL && s == STATUS_OK; i++)
        if (opt_is_chosen(&j->opts->formats, r->name))
            s = write_form(j, &d, r, e);
    document_fini(&d);
    return s;
}

static void put_answer(struct analyze *j, struct buf *out)
{
    struct document d;
    document_init(&d, j->arena);
    report_answer(&j->analysis, &d);
    render_document(&d, render_at(0), out);
    document_fini(&d);
}

static void put_count(const struct analyze *j, struct buf *out)
{
    bool has_server = j->rows_path != NULL;
    size_t files = j->loaded.file_count - has_server;
    buf_printf(out, "\n%zu rows of ", j->loaded.count);
    if (files > 0)
        buf_printf(out, "%zu file%s", files, str_plural((int64_t)files));
    if (has_server)
        buf_printf(out, "%sthe MLflow experiment %s", files > 0 ? " and " : "",
                   j->pulled.experiment);
    buf_text(out, "\n\n");
    for (size_t i = 0; i < j->report_count; i++)
        buf_printf(out, "%s  %s\n", i == 0 ? "report" : "      ", j->reports[i]);
    if (has_server)
        buf_printf(out, "rows    %s\n", j->rows_path);
}

void run_analyze_text(struct analyze *j, struct buf *out)
{
    put_answer(j, out);
    put_count(j, out);
    for (size_t i = 0; i < j->plots.made_count; i++)
        buf_printf(out, "%s  %s\n", i == 0 ? "plots " : "      ", j->plots.made[i].path);
    for (size_t i = 0; i < j->plots.left_out_count; i++)
        buf_printf(out, "not drawn: %s\n", j->plots.left_out[i]);
    if (j->plots.missing_glyphs != NULL) {
        buf_text(out, "fonts");
        width_wrap(out, j->plots.missing_glyphs, 8, 8, 80);
    }
    if (!j->plots.has_gnuplot)
        buf_printf(out,
                   "No gnuplot here: scripts and data of the plots are in %s/source.\n"
                   "Where there is one: for f in *.gp; do gnuplot $f; done\n",
                   j->opts->output_dir);
}

bool run_analyze_is_whole(const struct analyze *j)
{
    return j->loaded.skipped.bad_count == 0 && j->plots.failed == 0;
}

enum status run_analyze(struct analyze *j, struct err *e)
{
    struct err why;
    struct analysis_options o = {.by = j->opts->by, .baseline = j->opts->baseline};
    const struct money_order money = {j->opts->api_price, j->opts->currency, j->opts->fx};
    const struct plots_order order = {.wanted = &j->opts->plots,
                                      .dir = j->opts->output_dir};
    if (price_opts_view(&money, &o.money, e) != STATUS_OK || read_rows(j, e) != STATUS_OK)
        return e->code;
    if (floor_file_find(&j->rows, j->arena, j->log, &o.floors) != STATUS_OK)
        return status_no_memory(e, "analyze");
    if (analysis_build(&j->rows, &o, j->arena, &j->analysis, e) != STATUS_OK ||
        file_make_dirs(j->opts->output_dir, e) != STATUS_OK)
        return e->code;
    enum status drawn = plots_draw(&j->analysis, &order, j->arena, &j->plots, e);
    enum status written = write_report(j, drawn == STATUS_OK ? e : &why);
    return drawn != STATUS_OK ? drawn : written;
}
