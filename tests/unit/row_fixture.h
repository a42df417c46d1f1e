/* Rows made by hand. */
#ifndef TESTS_ROW_FIXTURE_H
#define TESTS_ROW_FIXTURE_H

#include "core/field.h"

/* A measured offline row of model m, caching off, VALID; label and instance_type are
 * machine. All other fields are null. */
void row_fixture_fill(struct row *r, const char *machine, const char *scenario,
                      int64_t batch, double tokens_per_second);

#endif
