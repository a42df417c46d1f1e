/* The options of `inferbench online`. */
#ifndef CLI_ONLINE_OPTS_H
#define CLI_ONLINE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

struct online_opts {
    struct opt_strings base_urls, headers;
    const char *host, *endpoint, *model, *model_name;
    const char *api_key, *api_key_file, *extra_body, *ca_cert, *token_counts;
    int64_t port, ready_timeout_ns, request_timeout_ns;
    bool insecure, no_stream, no_keepalive;

    bool launch;
    const char *launch_command, *python, *dtype, *load_format;
    struct opt_strings engine_args;
    int64_t max_model_len;

    struct opt_ints concurrency;
    struct opt_doubles request_rates;
    const char *arrival;
    double burstiness;
    int64_t max_concurrency, num_prompts, duration_ns, ramp_up_ns;
    int64_t warmup_requests, drain_timeout_ns;
    struct opt_strings goodput;

    struct opt_strings scenarios, scenario_files, datasets;
    struct opt_ints input_len;
    int64_t max_tokens, num_runs, seed, vocab_size;
    double temperature, top_p;
    bool stop_at_eos;

    bool enable_prefix_caching, test_prefix_caching;
    const char *prefix_reuse;

    int64_t client_threads, drain_interval_ns;

    const char *instance_type, *hardware_type, *label;
    struct opt_strings metadata;
    double price_per_hour;
    bool no_imds;
    const char *output_dir, *config, *accept_invalid, *mlflow_uri, *mlflow_experiment;
    struct opt_doubles percentiles;
    struct opt_strings limits, mlflow_tags;
    bool no_gaps, no_mlflow, mlflow_verify, dry_run, quiet, verbose;
};

#define ONLINE_OPTS_COUNT 71
extern const struct opt online_opts_table[ONLINE_OPTS_COUNT];

#endif
