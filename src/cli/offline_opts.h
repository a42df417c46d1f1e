/* The options of `inferbench offline`. */
#ifndef CLI_OFFLINE_OPTS_H
#define CLI_OFFLINE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

struct offline_opts {
    const char *model, *model_name, *dtype, *load_format;
    int64_t max_model_len, max_tokens, num_runs, seed, vocab_size;
    struct opt_strings scenarios, scenario_files, datasets;
    struct opt_ints batch_sizes;
    double temperature, top_p;
    bool stop_at_eos, enable_prefix_caching, test_prefix_caching;
    const char *prefix_reuse;
    const char *engine, *python, *engine_mode, *neuron_batch;
    struct opt_strings engine_args;
    double engine_timeout_s;
    const char *label, *instance_type, *hardware_type;
    struct opt_strings metadata;
    double price_per_hour;
    bool no_imds;
    const char *output_dir, *config, *mlflow_uri, *mlflow_experiment, *accept_invalid;
    bool no_mlflow, mlflow_verify, no_gaps, dry_run, quiet, verbose;
    struct opt_doubles percentiles;
    struct opt_strings limits, mlflow_tags;
};

#define OFFLINE_OPTS_COUNT 45
extern const struct opt offline_opts_table[OFFLINE_OPTS_COUNT];

#endif
