/* The self-test's result as JSON; docs/selftest.md names its members. */
#ifndef RUN_SELFTEST_JSON_H
#define RUN_SELFTEST_JSON_H

#include "run/selftest_report.h"

void selftest_json_write(const struct selftest_report *r, struct buf *out);

#endif
