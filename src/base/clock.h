/* Time. The one module that reads clocks. Monotonic instants, wall times and spans are
 * different types, so that they cannot be mixed. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_UNKNOWN INT64_MIN /* a time that was not measured; written as null */
#define NS_PER_S   INT64_C(1000000000)
#define NS_PER_MS  INT64_C(1000000)

struct instant {
    int64_t ns; /* CLOCK_MONOTONIC */
};
struct wall {
    int64_t ns; /* CLOCK_REALTIME: since the epoch, UTC */
};
struct span {
    int64_t ns;
};

/* Arithmetic with NS_UNKNOWN gives NS_UNKNOWN (in seconds NAN, and back); what does not
 * fit stops at the ends, so that "never" is clock_seconds(INFINITY). */

struct instant clock_now(void);
struct wall clock_wall(void);
struct span clock_thread_cpu(void);  /* CPU time of this thread: a system call */
struct span clock_process_cpu(void); /* of all threads of this process */
struct span clock_since(struct instant earlier);                   /* now - earlier */
struct span clock_between(struct instant from, struct instant to); /* to - from */
struct instant clock_after(struct instant t, struct span s);       /* t + s */
bool clock_before(struct instant a, struct instant b);
struct span clock_seconds(double seconds);
double clock_to_s(struct span s);
void clock_sleep_until(struct instant t); /* a signal may end it early */

/* Offset of local time from UTC at that moment, seconds. */
int32_t clock_utc_offset_s(struct wall t);

/* Texts; `out` needs CLOCK_TEXT_BYTES. Local time is UTC + offset_s, so that a text does
 * not depend on the machine that writes it. */
#define CLOCK_TEXT_BYTES 40
/* 2026-11-24T09:08:07.123456 */
void clock_iso_local(struct wall t, int32_t offset_s, char *out);
/* 2026-11-24T09:08:07.123456+00:00 */
void clock_iso_utc(struct wall t, char *out);
/* 20261124_090807 */
void clock_stamp(struct wall t, int32_t offset_s, char *out);

#endif
