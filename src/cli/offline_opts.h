/* The options of `inferbench offline`. */
#ifndef CLI_OFFLINE_OPTS_H
#define CLI_OFFLINE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/run_opts.h"

struct offline_opts {
    const char *dtype, *load_format;
    int64_t max_model_len;
    struct opt_ints batch_sizes;
    bool enable_prefix_caching, test_prefix_caching;
    const char *engine, *python, *engine_mode, *neuron_batch;
    struct opt_strings engine_args;
    double engine_timeout_s;
    struct run_opts run;
};

#define OFFLINE_OPTS_COUNT 47
extern const struct opt offline_opts_table[OFFLINE_OPTS_COUNT];

#endif
