/* inferbench mlflow sync: logs results that MLflow does not hold yet. */
#include <string.h>

#include "cli/cli.h"
#include "cli/stop.h"
#include "run/sync.h"

struct mlflow_opts {
    const char *uri, *experiment;
    struct opt_strings tags;
    bool quiet;
};

static const struct opt mlflow_table[] = {
    OPT_ROW(
        struct mlflow_opts, uri, "mlflow-uri", OPT_STRING, .group = "Server",
        .value_name = "URI", .is_address = true,
        .help = "MLflow server; unset: MLFLOW_TRACKING_URI, else http://localhost:5000"),
    OPT_ROW(struct mlflow_opts, experiment, "mlflow-experiment", OPT_STRING,
            .group = "Server", .value_name = "NAME",
            .help = "unset: MLFLOW_EXPERIMENT_NAME or _ID, else "
                    "vllm-offline-benchmark, vllm-online-benchmark"),
    OPT_ROW(struct mlflow_opts, tags, "mlflow-tag", OPT_PAIRS, .group = "Server",
            .value_name = "KEY=VALUE", .help = "tag of every MLflow run"),
    OPT_ROW(struct mlflow_opts, quiet, "quiet", OPT_FLAG, .short_name = 'q',
            .fallback = "false", .group = "Output", .help = "no progress, only errors"),
};

static int run(struct cli_call *c)
{
    const struct mlflow_opts *o = c->opts;
    struct cli *cli = c->cli;
    struct opt_strings words = c->parse.positional;
    const struct run_host host = {
        .log = &cli->log, .print = cli_tell, .stop = stop_requested, .arg = cli};
    if (o->quiet)
        cli->log.level = LOG_WARN;
    if (strcmp(words.items[0], "sync") != 0) {
        (void)status_fail(&c->e, STATUS_BAD_OPTION, "mlflow", "%s", c->command->needs);
        (void)status_hint(&c->e, "Write e.g. inferbench %s", c->command->example);
        return cli_fail(cli, &c->e);
    }
    const struct sync_wish wish = {
        o->uri, o->experiment, o->tags, {words.items + 1, words.count - 1}};
    stop_install(STOP_SYNC);
    return cli_code(run_sync(&wish, &host, &c->arena));
}

const struct cli_command cmd_mlflow = {
    .name = "mlflow",
    .synopsis = "sync [OPTIONS] DIR|RESULTS.json...",
    .summary = "Log results to MLflow that are not there yet",
    .run = run,
    CLI_OPTIONS(mlflow_table, struct mlflow_opts),
    .operands_min = 2,
    .operands_max = CLI_MANY,
    .needs = "needs the word sync and at least one folder or results file",
    .example = "mlflow sync results/",
};
