/* Prometheus text: the value of a metric, summed over its label sets. */
#ifndef HTTP_PROMETHEUS_H
#define HTTP_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Sum over all samples of `name` ("vllm:prefix_cache_hits" also matches its "_total").
 * NAN if there is none. */
double prometheus_sum(struct str text, const char *name);
/* The highest of them; NAN if there is none. */
double prometheus_max(struct str text, const char *name);
/* Is there a sample whose name begins so? */
bool prometheus_has(struct str text, const char *prefix);
/* Value of a label of the first sample of `name`, unescaped into out (room bytes,
 * terminated); false if there is none or it does not fit. */
bool prometheus_label(struct str text, const char *name, const char *label, char *out,
                      size_t room);

#endif
