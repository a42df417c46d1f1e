/* Two results against each other: what `inferbench compare` does. */
#ifndef RUN_COMPARE_H
#define RUN_COMPARE_H

#include "base/log.h"
#include "base/opt.h"
#include "report/comparison.h"
#include "run/price_opts.h"
#include "store/rows_load.h"

/* The options: each row makes a member, and a row of the command's table. */
#define COMPARE_OPTS_LIST(X)                                                            \
    X(const char *, by, "by", OPT_CHOICE, .group = "Comparison",                        \
      .choices = "label|instance_type|model_name|engine_version|enable_prefix_caching", \
      .help = "compare the two values of this field; unset: two files or folders, two " \
              "labels, or the first of these that has two values")                      \
    X(const char *, margin, "margin", OPT_STRING, .group = "Comparison",                \
      .value_name = "PERCENT", .fallback = "2%",                                        \
      .help = "what is certainly within it is called same; 2 and 2% are the same")      \
    X(bool, fail_if_worse, "fail-if-worse", OPT_FLAG, .group = "Comparison",            \
      .help =                                                                           \
          "exit code 3 if a matched cell or a geometric mean is worse, or none could "  \
          "be judged; cells without a partner do not count")                            \
    PRICE_OPTS_LIST(X)                                                                  \
    X(bool, json, "json", OPT_FLAG, .group = "Output", .help = "print JSON")            \
    X(bool, markdown, "markdown", OPT_FLAG, .group = "Output", .help = "print Markdown")

struct compare_opts {
#define X(type, member, ...) type member;
    COMPARE_OPTS_LIST(X)
#undef X
};

struct compare_job {
    /* set by the caller */
    const struct compare_opts *opts;
    const struct opt_strings *words; /* files, folders, labels */
    struct log *log;
    struct arena *arena;
    /* what came of it */
    struct analysis_rows rows;
    struct match_result match;
    struct compare compare;
    struct comparison comparison;
    size_t unread; /* files and rows that could not be read */
};

/* Reads the rows and compares them. Files that could not be read are told in the log.
 *   NOT_FOUND   no rows, or no such label
 *   BAD_OPTION  not two sides
 *   BAD_INPUT   no cell of one side has a partner on the other */
MUST_CHECK enum status run_compare(struct compare_job *j, struct err *e);
/* In the form that the options name. */
MUST_CHECK enum status run_compare_text(struct compare_job *j, struct buf *out);

#endif
