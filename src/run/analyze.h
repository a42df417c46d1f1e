/* Results into plots, a report and the answer: what `inferbench analyze` does. */
#ifndef RUN_ANALYZE_H
#define RUN_ANALYZE_H

#include "report/phrases.h"
#include "report/plots.h"
#include "report/render.h"
#include "report/report.h"
#include "run/price_opts.h"
#include "store/rows_load.h"
#include "track/pull.h"

/* The options: each row makes a member, and a row of the command's table. */
#define ANALYZE_OPTS_LIST(X)                                                             \
    X(struct opt_strings, results_files, "results-file", OPT_STRING_LIST,                \
      .group = "Input", .value_name = "FILE",                                            \
      .help =                                                                            \
          "results to analyze, merged or not; files and folders can also be given as "   \
          "arguments")                                                                   \
    X(const char *, mlflow_uri, "mlflow-uri", OPT_STRING, .group = "Input",              \
      .value_name = "URI",                                                               \
      .help =                                                                            \
          "read rows back from this MLflow server; unset: MLFLOW_TRACKING_URI, else "    \
          "http://localhost:5000",                                                       \
      .is_address = true)                                                                \
    X(const char *, experiment, "experiment", OPT_STRING, .group = "Input",              \
      .value_name = "NAME",                                                              \
      .help = "the MLflow experiment whose rows are read; unset, with --mlflow-uri: "    \
              "MLFLOW_EXPERIMENT_NAME or _ID")                                           \
    X(const char *, filter, "filter", OPT_STRING, .group = "Input",                      \
      .value_name = "EXPR",                                                              \
      .help =                                                                            \
          "only runs that match this MLflow search filter, e.g. \"tags.label = 'g5' "    \
          "AND params.dtype = 'bfloat16'\"")                                             \
    X(const char *, by, "by", OPT_CHOICE, .group = "Comparison",                         \
      .choices = "label|instance_type|model_name|engine_version",                        \
      .help = "what to compare; unset: the first of these that has several values")      \
    X(const char *, baseline, "baseline", OPT_STRING, .group = "Comparison",             \
      .value_name = "NAME",                                                              \
      .help = "baseline of the ratios; unset: the first one found")                      \
    PRICE_OPTS_LIST(X)                                                                   \
    MONEY_OPTS_LIST(X)                                                                   \
    X(const char *, output_dir, "output-dir", OPT_STRING, .fallback = "analysis",        \
      .group = "Output", .value_name = "DIR",                                            \
      .help =                                                                            \
          "folder for plots and report; scripts, data and SVG go into its subfolder "    \
          "source")                                                                      \
    X(struct opt_strings, formats, "format", OPT_STRING_LIST, .fallback = "text html",   \
      .choices = RENDER_CHOICES, .group = "Output",                                      \
      .help = "forms of the report; html is one page with charts and all rows, csv has " \
              "the tables only")                                                         \
    X(const char *, lang, "lang", OPT_CHOICE, .fallback = "en", .group = "Output",       \
      .choices = PHRASES_LANGUAGES,                                                      \
      .help = "language of headings, charts and fixed sentences in the reports")         \
    X(struct opt_strings, plots, "plots", OPT_STRING_LIST, .fallback = "all",            \
      .choices = PLOTS_CHOICES, .group = "Output", .help = "which plots to draw")        \
    X(const char *, config, "config", OPT_STRING, .group = "Output",                     \
      .value_name = "FILE.yaml",                                                         \
      .help = "YAML file with the same option names; the command line wins")

struct analyze_opts {
#define X(type, member, ...) type member;
    ANALYZE_OPTS_LIST(X)
#undef X
};

struct analyze {
    /* set by the caller */
    const struct analyze_opts *opts;
    const struct opt_strings *words; /* files and folders without an option */
    const char *tool;
    struct log *log;
    struct arena *arena;
    /* what came of it */
    struct loaded_rows loaded;
    struct pull_result pulled;
    const char *rows_path; /* of the rows from the server; NULL: none was asked */
    struct analysis_rows rows;
    struct analysis analysis;
    struct plots_result plots;
    const char *reports[RENDER_COUNT]; /* [report_count] */
    size_t report_count;
};

/* Reads the rows, compares them, draws the plots and writes the report. What was left
 * out, and files that disagree, are told in the log. */
MUST_CHECK enum status run_analyze(struct analyze *a, struct err *e);
/* The answer, and which files there are now. */
void run_analyze_text(struct analyze *a, struct buf *out);
/* True if every file could be read and every plot drawn. */
bool run_analyze_is_whole(const struct analyze *a);

#endif
