/* inferbench mlflow sync: logs results that MLflow does not hold yet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/stop.h"
#include "report/meter.h"
#include "store/sync_inputs.h"
#include "track/tracking.h"

#define ARENA_CAP_BYTES ((size_t)16 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)
#define ROW_LIMIT_S     120.0
#define TRIES           6

struct mlflow_opts {
    const char *uri, *experiment;
    struct opt_strings tags;
    bool quiet;
};

#define AT(field) .offset = offsetof(struct mlflow_opts, field)

static const struct opt mlflow_table[] = {
    {.name = "mlflow-uri",
     .type = OPT_STRING,
     AT(uri),
     .group = "Server",
     .value_name = "URI",
     .is_address = true,
     .help = "MLflow server; unset: MLFLOW_TRACKING_URI, else http://localhost:5000"},
    {.name = "mlflow-experiment",
     .type = OPT_STRING,
     AT(experiment),
     .group = "Server",
     .value_name = "NAME",
     .help = "unset: vllm-offline-benchmark, vllm-online-benchmark"},
    {.name = "mlflow-tag",
     .type = OPT_PAIRS,
     AT(tags),
     .group = "Server",
     .value_name = "KEY=VALUE",
     .help = "tag of every MLflow run"},
    {.name = "quiet",
     .short_name = 'q',
     .type = OPT_FLAG,
     AT(quiet),
     .fallback = "false",
     .group = "Output",
     .help = "no progress, only errors"},
};

/* One invocation. */
struct sync_job {
    struct cli *cli;
    struct mlflow_opts opts;
    struct opt_parse parse;
    struct arena arena;
    struct account account;
    struct sync_inputs inputs;
    bool helps_again; /* the same command may send what is missing now */
};

static void put_outcome(const char *path, const struct sync_outcome *o, struct buf *out)
{
    buf_printf(out, "%s: %zu row%s: %zu sent, %zu already there", path, o->rows,
               o->rows == 1 ? "" : "s", o->sent, o->there);
    if (o->deleted > 0)
        buf_printf(out, ", %zu deleted in MLflow and not restored", o->deleted);
    if (o->pending > 0)
        buf_printf(out, ", %zu not logged", o->pending);
    buf_char(out, '\n');
    if (o->link != NULL)
        buf_printf(out, "  %s\n", o->link);
}

static enum status sync_one(struct sync_job *j, const char *path, struct err *e)
{
    struct sync_outcome outcome;
    struct buf out;
    struct meter meter;
    const struct sync_options o = {.account = &j->account,
                                   .experiment = j->opts.experiment,
                                   .tags = &j->opts.tags,
                                   .user = tracking_user(),
                                   .must_verify = true,
                                   .row_limit_s = ROW_LIMIT_S,
                                   .limit_s = INFINITY,
                                   .tries = TRIES,
                                   .stop = stop_requested,
                                   .tick = meter_tick,
                                   .arg = &meter};
    meter_begin(&meter, &j->cli->log, "rows sent to MLflow");
    enum status s = sync_file(path, &o, &j->arena, &outcome, e);
    meter_end(&meter);
    if (s == STATUS_UNSUPPORTED && outcome.rows == 0)
        return s; /* another file of ours */
    bool has_refused = outcome.refused > 0 && outcome.pending == outcome.refused;
    j->helps_again = j->helps_again || (s != STATUS_OK && !has_refused);
    tracking_warn(&j->cli->log, path, "in the files", &outcome);
    buf_init(&out, PRINT_CAP_BYTES);
    put_outcome(path, &outcome, &out);
    if (outcome.rows > 0)
        cli_print(j->cli, buf_cstr(&out));
    buf_fini(&out);
    return s;
}

static int sync_all(struct sync_job *j)
{
    const struct opt_strings *files = &j->inputs.files;
    int code = j->inputs.broken > 0 ? CLI_FAILED : CLI_DONE;
    struct err e;
    for (size_t i = 0; i < files->count; i++) {
        enum status s = sync_one(j, files->items[i], &e);
        if (s == STATUS_OK)
            continue;
        int its = cli_fail(j->cli, &e);
        code = its == CLI_SIGNAL || code == CLI_DONE ? its : code;
        if (s == STATUS_CLOSED || s == STATUS_TIMEOUT || s == STATUS_INTERRUPTED)
            break; /* the next file would fare no better */
    }
    if (j->helps_again)
        log_line(&j->cli->log, LOG_NOTE,
                 "Nothing is lost: run the same command again to send the rest");
    return code;
}

static enum status choose(struct sync_job *j, struct err *e)
{
    struct opt_strings words = j->parse.positional;
    const struct account_options o = {.uri = j->opts.uri, .home = getenv("HOME")};
    if (words.count < 2 || strcmp(words.items[0], "sync") != 0) {
        (void)status_fail(e, STATUS_BAD_OPTION, "mlflow",
                          "needs the word sync and at least one folder or results file");
        return status_hint(e, "Write e.g. inferbench mlflow sync results/");
    }
    words.items++;
    words.count--;
    if (tracking_check_tags(&j->opts.tags, &j->arena, e) != STATUS_OK ||
        account_resolve(&o, &j->arena, &j->account, e) != STATUS_OK)
        return e->code;
    return sync_inputs_expand(&words, &j->cli->log, &j->arena, &j->inputs, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct err e;
    struct sync_job j = {.cli = cli};
    const struct cli_table table = {
        mlflow_table, sizeof mlflow_table / sizeof mlflow_table[0], &j.opts};
    arena_init(&j.arena, ARENA_CAP_BYTES);
    enum status s = cli_parse(&table, &(struct cli_words){argc, argv}, &j.arena, &j.parse,
                              &e);
    if (s == STATUS_OK && j.opts.quiet)
        cli->log.level = LOG_WARN;
    if (s == STATUS_OK)
        s = choose(&j, &e);
    stop_install(STOP_SYNC);
    int code = s == STATUS_OK ? sync_all(&j) : cli_fail(cli, &e);
    arena_fini(&j.arena);
    return code;
}

static const struct opt *table(size_t *count)
{
    *count = sizeof mlflow_table / sizeof mlflow_table[0];
    return mlflow_table;
}

const struct cli_command cmd_mlflow = {
    .name = "mlflow",
    .synopsis = "sync [OPTIONS] DIR|RESULTS.json...",
    .summary = "Log results to MLflow that are not there yet",
    .run = run,
    .table = table,
};
