/* The options of `inferbench offline`. */
#ifndef CLI_OFFLINE_OPTS_H
#define CLI_OFFLINE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/run_opts.h"
#include "engines/vllm_settings.h"

struct offline_opts {
    struct vllm_settings vllm;
    int64_t max_model_len;
    struct opt_ints batch_sizes;
    bool enable_prefix_caching, test_prefix_caching;
    const char *engine, *neuron_batch;
    double engine_timeout_s;
    struct run_opts run;
};

#define OFFLINE_OPTS_COUNT 47
extern const struct opt offline_opts_table[OFFLINE_OPTS_COUNT];

#endif
