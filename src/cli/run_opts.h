/* The options that offline and online have in common, and their rows of the option table.
 * S: a struct with the member `struct run_opts run`. */
#ifndef CLI_RUN_OPTS_H
#define CLI_RUN_OPTS_H

#include <stddef.h>

#include "run/opts.h"

#define RUN_OPTS_ROW(S, member, option, kind, ...)                                   \
    {                                                                                \
        .name = option, .type = kind, .offset = offsetof(S, run.member), __VA_ARGS__ \
    }
#define RUN_OPTS_FLAG(S, member, option, ...) \
    RUN_OPTS_ROW(S, member, option, OPT_FLAG, .fallback = "false", __VA_ARGS__)
#define RUN_OPTS_IN_WORK    .group = "Work"
#define RUN_OPTS_IN_MACHINE .group = "Machine and labels"
#define RUN_OPTS_IN_OUTPUT  .group = "Output"

/* default_names: scenarios of a run that names none. */
#define RUN_OPTS_SCENARIOS(S, default_names)                                            \
    RUN_OPTS_ROW(S, scenarios, "scenarios", OPT_STRING_LIST, RUN_OPTS_IN_WORK,          \
                 .fallback = default_names, .value_name = "NAME",                       \
                 .help = "scenarios to measure: short, medium, long, long_generation, " \
                         "prefix_caching, and names from --scenario-file"),             \
        RUN_OPTS_ROW(S, scenario_files, "scenario-file", OPT_STRING_LIST,               \
                     RUN_OPTS_IN_WORK, .value_name = "FILE.yaml",                       \
                     .help = "YAML file of your own scenarios (name, lengths or "       \
                             "texts); all are measured unless --scenarios is given"),   \
        RUN_OPTS_ROW(S, datasets, "dataset", OPT_STRING_LIST, RUN_OPTS_IN_WORK,         \
                     .value_name = "FILE.jsonl",                                        \
                     .help = "JSONL file of your own prompts, one {\"prompt\": ...} "   \
                             "per line; becomes a scenario named like the file")

#define RUN_OPTS_WORK(S)                                                                \
    RUN_OPTS_ROW(S, max_tokens, "max-tokens", OPT_INT, RUN_OPTS_IN_WORK, .min = 1,      \
                 .max = 1 << 24,                                                        \
                 .help = "output tokens per request; unset: each scenario's own"),      \
        RUN_OPTS_ROW(S, temperature, "temperature", OPT_DOUBLE, RUN_OPTS_IN_WORK,       \
                     .min = 0, .max = 2, .fallback = "0.7",                             \
                     .help = "sampling temperature"),                                   \
        RUN_OPTS_ROW(S, top_p, "top-p", OPT_DOUBLE, RUN_OPTS_IN_WORK, .min = 1e-9,      \
                     .max = 1, .fallback = "0.9", .help = "nucleus sampling"),          \
        RUN_OPTS_ROW(S, num_runs, "num-runs", OPT_INT, RUN_OPTS_IN_WORK, .min = 2,      \
                     .max = 100000, .range_note = "run 0 is the warm-up",               \
                     .fallback = "3",                                                   \
                     .help = "repeats of each cell; run 0 is the warm-up"),             \
        RUN_OPTS_FLAG(S, stop_at_eos, "stop-at-eos", RUN_OPTS_IN_WORK,                  \
                      .help = "let answers end at EOS; default: fixed lengths"),        \
        RUN_OPTS_ROW(S, seed, "seed", OPT_INT, RUN_OPTS_IN_WORK, .min = 0, .max = 9e15, \
                     .fallback = "0", .help = "seed of the prompts and of sampling"),   \
        RUN_OPTS_ROW(S, vocab_size, "vocab-size", OPT_INT, RUN_OPTS_IN_WORK, .min = 64, \
                     .max = 1 << 24,                                                    \
                     .help = "vocabulary size if neither the engine nor the model's "   \
                             "config.json tells; unset: 10000")

#define RUN_OPTS_REUSE(S)                                                                \
    RUN_OPTS_ROW(S, prefix_reuse, "prefix-reuse", OPT_CHOICE, .group = "Prefix caching", \
                 .choices = "cold|warm", .fallback = "cold",                             \
                 .help = "cold: new prefix and empty cache for each repeat; warm: same " \
                         "prefix, so a repeat hits the cache of the one before")

#define RUN_OPTS_MACHINE(S)                                                              \
    RUN_OPTS_ROW(S, instance_type, "instance-type", OPT_STRING, RUN_OPTS_IN_MACHINE,     \
                 .help = "e.g. g5.xlarge; unset: from EC2 metadata, else unknown"),      \
        RUN_OPTS_ROW(S, hardware_type, "hardware-type", OPT_CHOICE, RUN_OPTS_IN_MACHINE, \
                     .choices = "gpu|neuron|cpu|unknown",                                \
                     .help = "unset: what the engine uses"),                             \
        RUN_OPTS_ROW(                                                                    \
            S, label, "label", OPT_STRING, RUN_OPTS_IN_MACHINE,                          \
            .help = "name of this run in comparisons; unset: the instance type"),        \
        RUN_OPTS_ROW(S, metadata, "metadata", OPT_PAIRS, RUN_OPTS_IN_MACHINE,            \
                     .value_name = "KEY=VALUE", .help = "stored in every row"),          \
        RUN_OPTS_ROW(                                                                    \
            S, price_per_hour, "price-per-hour", OPT_DOUBLE, RUN_OPTS_IN_MACHINE,        \
            .min = 0, .max = 1e6, .value_name = "USD",                                   \
            .help = "price of the machine; unset: on-demand list price of the instance " \
                    "type"),                                                             \
        RUN_OPTS_FLAG(S, no_imds, "no-imds", RUN_OPTS_IN_MACHINE,                        \
                      .help = "do not query the EC2 metadata service")

#define RUN_OPTS_OUTPUT(S)                                                               \
    RUN_OPTS_ROW(S, output_dir, "output-dir", OPT_STRING, RUN_OPTS_IN_OUTPUT,            \
                 .fallback = "results", .value_name = "DIR", .help = "output folder"),   \
        RUN_OPTS_ROW(                                                                    \
            S, config, "config", OPT_STRING, RUN_OPTS_IN_OUTPUT,                         \
            .value_name = "FILE.yaml",                                                   \
            .help = "YAML file with the same option names; the command line wins"),      \
        RUN_OPTS_ROW(S, percentiles, "percentiles", OPT_DOUBLE_LIST, RUN_OPTS_IN_OUTPUT, \
                     .min = 0.1, .max = 99.999, .fallback = "50 90 95 99",               \
                     .help = "latency percentiles in the summary"),                      \
        RUN_OPTS_ROW(S, save_every_ns, "save-every", OPT_DURATION, RUN_OPTS_IN_OUTPUT,   \
                     .max = 1e6, .fallback = "60s",                                      \
                     .help = "write partial results between cells, at most this often"), \
        RUN_OPTS_FLAG(                                                                   \
            S, no_gaps, "no-gaps", RUN_OPTS_IN_OUTPUT,                                   \
            .help = "do not store gaps between tokens: small journal, no ITL"),          \
        RUN_OPTS_ROW(S, limits, "limit", OPT_PAIRS, RUN_OPTS_IN_OUTPUT,                  \
                     .value_name = "CODE=VALUE",                                         \
                     .help = "limit of a verdict rule, e.g. ERRORS=0.01"),               \
        RUN_OPTS_ROW(                                                                    \
            S, accept_invalid, "accept-invalid", OPT_MAYBE, RUN_OPTS_IN_OUTPUT,          \
            .value_name = "CODE,...",                                                    \
            .help = "exit code 0 even if cells are INVALID, for these codes or all"),    \
        RUN_OPTS_FLAG(S, require_valid, "require-valid", RUN_OPTS_IN_OUTPUT,             \
                      .help = "exit code 3 also if a cell is INCONCLUSIVE"),             \
        RUN_OPTS_ROW(S, mlflow_uri, "mlflow-uri", OPT_STRING, RUN_OPTS_IN_OUTPUT,        \
                     .value_name = "URI", .is_address = true,                            \
                     .help = "MLflow server; unset: MLFLOW_TRACKING_URI, else "          \
                             "http://localhost:5000"),                                   \
        RUN_OPTS_ROW(S, mlflow_experiment, "mlflow-experiment", OPT_STRING,              \
                     RUN_OPTS_IN_OUTPUT, .value_name = "NAME",                           \
                     .help = "unset: vllm-offline-benchmark, vllm-online-benchmark"),    \
        RUN_OPTS_ROW(S, mlflow_tags, "mlflow-tag", OPT_PAIRS, RUN_OPTS_IN_OUTPUT,        \
                     .value_name = "KEY=VALUE", .help = "tag of every MLflow run"),      \
        RUN_OPTS_FLAG(S, mlflow_verify, "mlflow-verify", RUN_OPTS_IN_OUTPUT,             \
                      .help = "read back and compare what MLflow stored"),               \
        RUN_OPTS_FLAG(S, no_mlflow, "no-mlflow", RUN_OPTS_IN_OUTPUT,                     \
                      .help = "do not log to MLflow"),                                   \
        RUN_OPTS_FLAG(S, dry_run, "dry-run", RUN_OPTS_IN_OUTPUT,                         \
                      .help = "print the plan and exit"),                                \
        RUN_OPTS_FLAG(S, quiet, "quiet", RUN_OPTS_IN_OUTPUT, .short_name = 'q',          \
                      .help = "no progress, only the table, warnings and errors"),       \
        RUN_OPTS_FLAG(S, verbose, "verbose", RUN_OPTS_IN_OUTPUT, .short_name = 'v',      \
                      .help = "more notes")

#endif
