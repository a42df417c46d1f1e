/* What is drawn of an analysis, each once: the pictures (plots.h) and the page show the
 * same panels. */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include "base/arena.h"
#include "base/status.h"
#include "report/plot_data.h"
#include "stats/analysis.h"

/* X(name, stem of the files, title, label of y, why there may be none, panels, metric):
 * the pictures, in the order in which they are drawn. */
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
      "output tokens/s", NULL, rate_panels, tokens_per_second)                           \
    X(rate_curve, "rate_curve", "Throughput by request rate", "output tokens/s", NULL,   \
      charts_load_curve, tokens_per_second)                                              \
    X(rate_latency, "rate_latency", "TTFT by request rate", "mean TTFT, ms", NULL,       \
      charts_load_curve, first_token_latency)

/* The same for what the page alone shows. */
#define CHARTS_PAGE_LIST(X)                                                              \
    X(ratios, "ratios", "Machine against machine", "ratio of matched cells", NULL,       \
      charts_page_ratios, tokens_per_second)                                             \
    X(cost_ratios, "cost_ratios", "Cost of a token, machine against machine",            \
      "ratio of matched cells", NULL, charts_page_ratios, usd_per_million_output_tokens) \
    X(caching_ratios, "caching_ratios", "Prefix caching ON against OFF, as ratios",      \
      "ratio of matched cells", NULL, charts_page_caching, tokens_per_second)            \
    X(ttft_tradeoff, "ttft_tradeoff", "Throughput against time to first token",          \
      "output tokens/s", NULL, charts_page_tradeoff, first_token_latency)                \
    X(tpot_tradeoff, "tpot_tradeoff", "Throughput against time per output token",        \
      "output tokens/s", NULL, charts_page_tradeoff, inter_token_latency)                \
    X(ttft_shares, "ttft_shares", "Time to first token, all requests",                   \
      "share of requests, %", NULL, charts_run_ttft, tokens_per_second)                  \
    X(itl_shares, "itl_shares", "Time between tokens, all gaps", "share of gaps, %",     \
      NULL, charts_run_itl, tokens_per_second)                                           \
    X(e2e_shares, "e2e_shares", "Time of a whole answer, all requests",                  \
      "share of requests, %", NULL, charts_run_e2e, tokens_per_second)                   \
    X(tokens_timeline, "tokens_timeline", "Timeline: output throughput",                 \
      "output tokens/s", NULL, charts_run_tokens, tokens_per_second)                     \
    X(flight_timeline, "flight_timeline", "Timeline: requests in flight",                \
      "requests in flight", NULL, charts_run_flight, tokens_per_second)                  \
    X(kv_timeline, "kv_timeline", "Timeline: use of the KV cache", "share of the cache", \
      NULL, charts_run_kv, tokens_per_second)

/* Names of all, for an option: "all|tokens_per_sec|..." */
#define PLOTS_CHOICE(name, stem, title, y_label, why_none, panels, metric) "|" #name

#define PLOTS_CHOICES "all" PLOTS_LIST(PLOTS_CHOICE)

#define PLOTS_ONE(name, stem, title, y_label, why_none, panels, metric) +1
enum { PLOTS_MAX = 0 PLOTS_LIST(PLOTS_ONE) };
#define CHART_ID(name, stem, title, y_label, why_none, panels, metric) CHART_##name,
enum chart_id { PLOTS_LIST(CHART_ID) CHARTS_PAGE_LIST(CHART_ID) CHART_COUNT };

/* What panels are made from, and where they live. */
struct chart_source {
    const struct analysis *x;
    struct arena *arena;
};

typedef void chart_maker(const struct chart_source *s, enum metric m, struct plot *p);

struct chart {
    const char *name, *stem, *title, *y_label;
    const char *why_none; /* it is left out where it has no panel; NULL: silently */
    chart_maker *panels;
    enum metric metric;
};

/* The first PLOTS_MAX are the pictures. */
extern const struct chart charts_table[CHART_COUNT];

/* A title with the model's name, where all cells are of one. */
const char *charts_title(const struct analysis *x, const char *what, struct arena *a);
/* All panels of one; panel_count 0: there is nothing to show. Texts are borrowed from the
 * rows or live in the arena. NO_MEMORY is the only failure. */
MUST_CHECK enum status charts_build(const struct analysis *x, const struct chart *of,
                                    struct arena *a, struct plot *out);

/* --- for charts*.c alone */

chart_maker charts_page_ratios, charts_page_caching, charts_page_tradeoff;
chart_maker charts_load_curve;
chart_maker charts_run_ttft, charts_run_itl, charts_run_e2e, charts_run_tokens,
    charts_run_flight, charts_run_kv;

/* A side's number, and so its colour; -1: there is no such side. */
int charts_side_index(const struct analysis *x, const char *side);
/* Has the cell something to show of that metric? */
bool charts_shows(const struct match_cell *c, enum metric m);
/* Mean and error bar, in the unit that people read. */
struct plot_point charts_point(const struct match_cell *c, enum metric m);
/* A panel for each scenario with something to show, in order of the cells; their
 * number. */
size_t charts_scenarios(const struct chart_source *s, enum metric m,
                        struct plot_panel *panels);
/* A series with room for so many points; false: no memory. */
bool charts_has_points(const struct chart_source *s, struct plot_series *series,
                       size_t count);

#endif
