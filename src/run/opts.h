/* What the user asks of a run beside its plan, load and engine. */
#ifndef RUN_OPTS_H
#define RUN_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

struct run_opts {
    const char *model, *model_name;
    struct opt_strings scenarios, scenario_files, datasets;
    int64_t max_tokens, num_runs, seed, vocab_size;
    double temperature, top_p;
    bool stop_at_eos;
    const char *prefix_reuse;
    const char *instance_type, *hardware_type, *label;
    struct opt_strings metadata;
    double price_per_hour;
    bool no_imds;
    const char *output_dir, *config, *accept_invalid, *mlflow_uri, *mlflow_experiment;
    struct opt_doubles percentiles;
    struct opt_strings limits, mlflow_tags;
    int64_t save_every_ns;
    bool require_valid, no_gaps, no_mlflow, mlflow_verify, dry_run, quiet, verbose;
};

#endif
