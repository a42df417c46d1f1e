/* The pictures of an analysis: which there are, and what each shows. */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "report/pages.h"
#include "stats/analysis.h"

/* X(name, stem of the files, title, label of y, why there may be none, panels, metric),
 * in the order in which they are drawn. */
#define PLOTS_LIST(X)                                                                    \
    X(tokens_per_sec, "tokens_per_sec_comparison", "Output throughput",                  \
      "output tokens/s", "not measured", bar_panels, tokens_per_second)                  \
    X(time_per_token, "time_per_token_comparison", "Time per output token",              \
      "ms per token of the batch", "not measured", bar_panels, time_per_token)           \
    X(ttft, "ttft_comparison", "Time to first token (TTFT)", "TTFT, ms", "not measured", \
      bar_panels, first_token_latency)                                                   \
    X(itl, "itl_comparison", "Time per output token (TPOT, mean of each request)",       \
      "TPOT, ms", "not measured", bar_panels, inter_token_latency)                       \
    X(cost, "cost_comparison", "Cost of a million output tokens",                        \
      "USD per million tokens", "price unknown (--price-per-hour)", bar_panels,          \
      usd_per_million_output_tokens)                                                     \
    X(prefix_caching, "prefix_caching_effect", "Prefix caching ON against OFF",          \
      "output tokens/s", "no cell was measured with OFF and ON", caching_panels,         \
      tokens_per_second)                                                                 \
    X(batch_scaling, "batch_size_scaling", "Throughput", "output tokens/s",              \
      "no cells differ in batch size alone", scaling_panels, tokens_per_second)          \
    X(hit_rates, "hit_rate_curve", "Where prefix caching pays: output throughput",       \
      "output tokens/s", NULL, rate_panels, tokens_per_second)

/* Names of all, for an option: "all|tokens_per_sec|..." */
#define PLOTS_CHOICE(name, stem, title, y_label, why_none, panels, metric) "|" #name

#define PLOTS_CHOICES "all" PLOTS_LIST(PLOTS_CHOICE)

#define PLOTS_ONE(name, stem, title, y_label, why_none, panels, metric) +1
enum { PLOTS_MAX = 0 PLOTS_LIST(PLOTS_ONE) };

struct plots_order {
    const struct opt_strings *wanted; /* names of PLOTS_CHOICES */
    const char *dir;
};

struct plots_made {
    const char *path, *title; /* of a PNG file */
};

struct plots_result {
    struct plots_made made[PLOTS_MAX * PAGES_MAX]; /* [made_count] */
    size_t made_count;
    const char *left_out[2 * PLOTS_MAX]; /* [left_out_count] "name: why" */
    size_t left_out_count;
    const char *missing_glyphs; /* what to say of characters that no font has; NULL */
    size_t failed;              /* of those left out: gnuplot could not draw them */
    bool has_gnuplot;           /* false: only scripts and data were written */
};

/* Draws the wanted plots into dir (dir/source is made); texts live in the arena. */
MUST_CHECK enum status plots_draw(const struct analysis *x,
                                  const struct plots_order *order, struct arena *a,
                                  struct plots_result *out, struct err *e);

#endif
