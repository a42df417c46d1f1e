/* The self-test's result as a page of 80 columns. */
#ifndef RUN_SELFTEST_REPORT_H
#define RUN_SELFTEST_REPORT_H

#include "run/selftest.h"
#include "probe/cpu.h"
#include "probe/machine.h"

struct selftest_report {
    const struct selftest_result *result;
    const struct machine_facts *machine;
    const struct cpu_facts *cpu;
    const char *tool;
    const char *started; /* ISO time, local */
    bool is_quick;
};

#define SELFTEST_REPORT_LOOPBACK                                                       \
    "Loopback flatters: the sender's copy of a segment hides most merging, and there " \
    "is no network. With a real card more events are bounded whenever the client is "  \
    "late. Every run of online publishes its own shares; they count."

/* Why the search ended, one sentence, into out. */
#define SELFTEST_REPORT_WHY_BYTES 256
void selftest_report_why(const struct selftest_search *s,
                         char out[SELFTEST_REPORT_WHY_BYTES]);
void selftest_report_text(const struct selftest_report *r, struct buf *out);

#endif
