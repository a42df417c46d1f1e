/* The self-test's result as JSON; docs/selftest.md names its members. */
#ifndef CLI_SELFTEST_JSON_H
#define CLI_SELFTEST_JSON_H

#include "cli/selftest_report.h"

void selftest_json_write(const struct selftest_report *r, struct buf *out);

#endif
