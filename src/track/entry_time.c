#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "track/entry_text.h"

struct reading {
    int64_t ns; /* as if it were UTC, or UTC once it has an offset */
    bool has_offset;
};

/* `count` digits, then one of `ends` unless that is NULL; NULL: not so, or p was NULL. */
static const char *read_digits(const char *p, int count, const char *ends, int *out)
{
    *out = 0;
    for (int i = 0; p != NULL && i < count; i++, p++) {
        if (*p < '0' || *p > '9')
            return NULL;
        *out = *out * 10 + (*p - '0');
    }
    if (p == NULL || ends == NULL)
        return p;
    return *p != '\0' && strchr(ends, *p) != NULL ? p + 1 : NULL;
}

static bool is_in_range(const struct tm *t)
{
    return t->tm_year >= 1970 && t->tm_year < 2200 && t->tm_mon >= 1 && t->tm_mon <= 12 &&
           t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_hour <= 23 && t->tm_min <= 59 &&
           t->tm_sec <= 60;
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
    if (*p != '+' && *p != '-')
        return false;
    int hours, minutes;
    const char *rest = read_digits(p + 1, 2, NULL, &hours);
    if (rest != NULL && *rest == ':')
        rest++;
    rest = read_digits(rest, 2, NULL, &minutes);
    if (rest == NULL || *rest != '\0')
        return false;
    int64_t offset_ns = (hours * INT64_C(3600) + minutes * INT64_C(60)) * NS_PER_S;
    r->ns -= *p == '+' ? offset_ns : -offset_ns;
    return true;
}

static bool read_iso(const char *text, struct reading *out)
{
    struct tm t = {.tm_isdst = 0};
    const char *p = read_digits(text, 4, "-", &t.tm_year);
    p = read_digits(p, 2, "-", &t.tm_mon);
    p = read_digits(p, 2, "T ", &t.tm_mday);
    p = read_digits(p, 2, ":", &t.tm_hour);
    p = read_digits(p, 2, ":", &t.tm_min);
    p = read_digits(p, 2, NULL, &t.tm_sec);
    if (p == NULL || !is_in_range(&t))
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    int64_t fraction_ns;
    p = read_fraction(p, &fraction_ns);
    struct reading r = {.ns = (int64_t)timegm(&t) * NS_PER_S + fraction_ns};
    if (!read_offset(p, &r))
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
