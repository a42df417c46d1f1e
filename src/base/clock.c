#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    (void)clock_gettime(id, &t); /* cannot fail for the two clocks used */
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Saturates: a deadline of "never" plus something is still never. */
static int64_t add_ns(int64_t a, int64_t b)
{
    int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b > 0 ? INT64_MAX : INT64_MIN + 1;
}

struct instant clock_now(void)
{
    return (struct instant){read_clock(CLOCK_MONOTONIC)};
}

struct span clock_thread_cpu(void)
{
    return (struct span){read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

struct span clock_process_cpu(void)
{
    return (struct span){read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

struct wall clock_wall(void)
{
    return (struct wall){read_clock(CLOCK_REALTIME)};
}

struct span clock_between(struct instant from, struct instant to)
{
    if (from.ns == NS_UNKNOWN || to.ns == NS_UNKNOWN)
        return (struct span){NS_UNKNOWN};
    return (struct span){add_ns(to.ns, -from.ns)};
}

struct span clock_since(struct instant earlier)
{
    return clock_between(earlier, clock_now());
}

struct instant clock_after(struct instant t, struct span s)
{
    if (t.ns == NS_UNKNOWN || s.ns == NS_UNKNOWN)
        return (struct instant){NS_UNKNOWN};
    return (struct instant){add_ns(t.ns, s.ns)};
}

bool clock_before(struct instant a, struct instant b)
{
    return a.ns < b.ns;
}

struct span clock_seconds(double seconds)
{
    if (isnan(seconds))
        return (struct span){NS_UNKNOWN};
    double ns = nearbyint(seconds * 1e9);
    if (ns >= 0x1p63)
        return (struct span){INT64_MAX};
    if (ns <= -0x1p63)
        return (struct span){INT64_MIN + 1};
    return (struct span){(int64_t)ns};
}

double clock_to_s(struct span s)
{
    return s.ns == NS_UNKNOWN ? NAN : (double)s.ns / 1e9;
}

void clock_sleep_until(struct instant t)
{
    if (t.ns <= 0)
        return;
    struct timespec at = {.tv_sec = (time_t)(t.ns / NS_PER_S),
                          .tv_nsec = (long)(t.ns % NS_PER_S)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Whole seconds rounded down, so that times before 1970 keep a fraction in [0, 1). */
static int64_t floor_s(int64_t ns, int64_t *rest_ns)
{
    int64_t s = ns / NS_PER_S;
    *rest_ns = ns % NS_PER_S;
    if (*rest_ns < 0) {
        *rest_ns += NS_PER_S;
        s--;
    }
    return s;
}

int32_t clock_utc_offset_s(struct wall t)
{
    int64_t rest_ns = 0;
    time_t s = (time_t)floor_s(t.ns, &rest_ns);
    struct tm local = {0};
    return localtime_r(&s, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

/* The calendar is the proleptic Gregorian one; gmtime_r does not read the time zone. */
static struct tm broken_down(struct wall t, int32_t offset_s, int64_t *rest_ns)
{
    time_t s = (time_t)(floor_s(t.ns, rest_ns) + offset_s);
    struct tm parts = {0};
    (void)gmtime_r(&s, &parts);
    return parts;
}

static void write_iso(struct wall t, int32_t offset_s, const char *tail, char *out)
{
    int64_t rest_ns = 0;
    struct tm p = broken_down(t, offset_s, &rest_ns);
    (void)snprintf(out, CLOCK_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%06d%s",
                   (p.tm_year + 1900) % 10000, p.tm_mon + 1, p.tm_mday, p.tm_hour,
                   p.tm_min, p.tm_sec, (int)(rest_ns / 1000), tail);
}

void clock_iso_local(struct wall t, int32_t offset_s, char *out)
{
    write_iso(t, offset_s, "", out);
}

void clock_iso_utc(struct wall t, char *out)
{
    write_iso(t, 0, "+00:00", out);
}

void clock_stamp(struct wall t, int32_t offset_s, char *out)
{
    int64_t rest_ns = 0;
    struct tm p = broken_down(t, offset_s, &rest_ns);
    (void)snprintf(out, CLOCK_TEXT_BYTES, "%04d%02d%02d_%02d%02d%02d",
                   (p.tm_year + 1900) % 10000, p.tm_mon + 1, p.tm_mday, p.tm_hour,
                   p.tm_min, p.tm_sec);
}
