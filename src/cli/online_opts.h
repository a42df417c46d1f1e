/* The options of `inferbench online`. */
#ifndef CLI_ONLINE_OPTS_H
#define CLI_ONLINE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/run_opts.h"
#include "engines/vllm_settings.h"

struct online_opts {
    struct opt_strings base_urls, headers;
    const char *host, *endpoint;
    const char *api_key, *api_key_file, *extra_body, *ca_cert, *token_counts;
    int64_t port, ready_timeout_ns, request_timeout_ns;
    bool insecure, no_stream, no_keepalive;

    bool launch;
    const char *launch_command;
    struct vllm_settings vllm;
    int64_t max_model_len;

    struct opt_ints concurrency;
    struct opt_doubles request_rates;
    const char *arrival;
    double burstiness;
    int64_t max_concurrency, num_prompts, duration_ns, ramp_up_ns;
    int64_t warmup_requests, drain_timeout_ns;
    struct opt_strings goodput;

    struct opt_ints input_len;
    bool enable_prefix_caching, test_prefix_caching;
    int64_t client_threads, drain_interval_ns;

    struct run_opts run;
};

#define ONLINE_OPTS_COUNT 73
extern const struct opt online_opts_table[ONLINE_OPTS_COUNT];

#endif
