#include "track/entry_time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct reading {
    int64_t ns; /* as if it were UTC, or UTC once it has an offset */
    bool has_offset;
};

static bool is_in_range(const struct tm *t)
{
    return t->tm_year >= 1 && t->tm_mon >= 1 && t->tm_mon <= 12 && t->tm_mday >= 1 &&
           t->tm_mday <= 31 && t->tm_hour >= 0 && t->tm_hour <= 23 && t->tm_min >= 0 &&
           t->tm_min <= 59 && t->tm_sec >= 0 && t->tm_sec <= 60;
}

/* ".055243": what lies beyond nanoseconds is left out. */
static const char *read_fraction(const char *p, int64_t *ns)
{
    *ns = 0;
    if (*p != '.' && *p != ',')
        return p;
    int64_t unit = NS_PER_S;
    for (p++; *p >= '0' && *p <= '9'; p++) {
        unit /= 10;
        *ns += (*p - '0') * unit;
    }
    return p;
}

/* "", "Z", "+09:00", "+0900". */
static bool read_offset(const char *p, struct reading *r)
{
    if (*p == '\0')
        return true;
    r->has_offset = true;
    if (strcmp(p, "Z") == 0)
        return true;
    int hours, minutes, end = 0;
    bool is_fit = (*p == '+' || *p == '-') &&
                  (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &end) == 2 ||
                   sscanf(p + 1, "%2d%2d%n", &hours, &minutes, &end) == 2);
    if (!is_fit || p[1 + end] != '\0' || hours < 0 || minutes < 0)
        return false;
    int64_t offset_ns = (hours * INT64_C(3600) + minutes * INT64_C(60)) * NS_PER_S;
    r->ns -= *p == '+' ? offset_ns : -offset_ns;
    return true;
}

static bool read_iso(const char *text, struct reading *out)
{
    struct tm t = {.tm_isdst = 0};
    int end = 0;
    if (text == NULL ||
        sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday,
               &t.tm_hour, &t.tm_min, &t.tm_sec, &end) != 6 ||
        end == 0 || !is_in_range(&t))
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    int64_t fraction_ns;
    const char *rest = read_fraction(text + end, &fraction_ns);
    struct reading r = {.ns = (int64_t)timegm(&t) * NS_PER_S + fraction_ns};
    if (t.tm_year < 70 || t.tm_year > 300 || !read_offset(rest, &r))
        return false;
    *out = r;
    return true;
}

/* The offset depends on the time looked for: the second try sees it from within an hour
 * or so, which is right but for the moments when clocks are put back. */
static int64_t utc_of_local(int64_t local_ns)
{
    int64_t utc_ns = local_ns;
    for (int i = 0; i < 2; i++)
        utc_ns = local_ns - clock_utc_offset_s((struct wall){.ns = utc_ns}) * NS_PER_S;
    return utc_ns;
}

int64_t entry_time_ms(const char *timestamp_utc, const char *timestamp)
{
    struct reading r;
    bool is_utc = read_iso(timestamp_utc, &r);
    if (!is_utc && !read_iso(timestamp, &r))
        return 0;
    int64_t ns = is_utc || r.has_offset ? r.ns : utc_of_local(r.ns);
    return ns > 0 ? ns / NS_PER_MS : 0;
}
