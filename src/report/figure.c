#include "report/figure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "text/jsonw.h"

#define LONG_FIGURE 1e10 /* wider than a column */
#define LONG_RATIO  1e6

double figure_scale(enum metric m)
{
    return strcmp(field_table[field_of_metric(m)].unit, "s") == 0 ? 1e3 : 1;
}

void figure_digits(double value, int digits, char out[FIGURE_BYTES])
{
    if (!isfinite(value)) {
        snprintf(out, FIGURE_BYTES, "-");
        return;
    }
    if (value == 0.0) {
        snprintf(out, FIGURE_BYTES, "0");
        return;
    }
    char rounded[FIGURE_BYTES];
    int64_t exponent = 0;
    snprintf(rounded, sizeof rounded, "%.*e", digits - 1, value);
    struct str rest = str_from(rounded);
    str_cut(&rest, 'e');
    if (str_starts(rest, "+"))
        str_cut(&rest, '+');
    if (!str_to_i64(rest, &exponent))
        exponent = 0;
    int decimals = digits - 1 - (int)exponent;
    decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    bool is_long = fabs(value) >= LONG_FIGURE;
    snprintf(out, FIGURE_BYTES, is_long ? "%.*e" : "%.*f",
             is_long ? digits - 1 : decimals, value);
}

void figure_number(double value, char out[FIGURE_BYTES])
{
    figure_digits(value, fabs(value) < 0.1 ? 3 : 4, out);
}

void figure_spread(const struct spread *s, char out[FIGURE_BYTES])
{
    char mean[FIGURE_BYTES];
    figure_number(s->mean, mean);
    double half = (s->ci95_high - s->ci95_low) / 2.0 / fabs(s->mean) * 100.0;
    if (!isfinite(s->mean))
        snprintf(out, FIGURE_BYTES, "-");
    else if (!isfinite(half))
        snprintf(out, FIGURE_BYTES, "%.20s +-?", mean);
    else
        snprintf(out, FIGURE_BYTES, "%.20s +-%.*f%%", mean, half < 9.95 ? 1 : 0,
                 half < 999.0 ? half : 999.0);
}

void figure_percent(double ratio, char out[FIGURE_BYTES])
{
    if (!isfinite(ratio))
        snprintf(out, FIGURE_BYTES, "-");
    else if (ratio > 0.0 && ratio < 0.01)
        snprintf(out, FIGURE_BYTES, "%.1f%%", ratio * 100.0);
    else
        snprintf(out, FIGURE_BYTES, "%.0f%%", ratio * 100.0);
}

void figure_duration(double seconds, char out[FIGURE_BYTES])
{
    if (!isfinite(seconds) || seconds < 0.0 || seconds > 1e9) {
        snprintf(out, FIGURE_BYTES, "-");
        return;
    }
    int64_t s = (int64_t)llround(seconds);
    if (s < 3600)
        snprintf(out, FIGURE_BYTES, "%" PRId64 ":%02d", s / 60, (int)(s % 60));
    else
        snprintf(out, FIGURE_BYTES, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
}

void figure_ratio(double ratio, char out[FIGURE_BYTES])
{
    if (!isfinite(ratio))
        snprintf(out, FIGURE_BYTES, "-");
    else if (ratio < 0.00095 || ratio >= LONG_RATIO)
        snprintf(out, FIGURE_BYTES, "%.0ex", ratio);
    else if (ratio < 0.095)
        snprintf(out, FIGURE_BYTES, "%.3fx", ratio);
    else if (ratio < 99.5)
        snprintf(out, FIGURE_BYTES, "%.2fx", ratio);
    else
        snprintf(out, FIGURE_BYTES, "%.0fx", ratio);
}

void figure_certainty(const struct match_ratio *r, char out[FIGURE_BYTES])
{
    char low[FIGURE_BYTES], high[FIGURE_BYTES];
    if (isnan(r->low) || isnan(r->high)) {
        snprintf(out, FIGURE_BYTES, "spread unknown");
        return;
    }
    figure_digits(r->low, 3, low);
    figure_digits(r->high, 3, high);
    snprintf(out, FIGURE_BYTES, "%.10s..%.10s%s%.11s%s", low, high,
             r->call != NULL ? ", " : "", r->call != NULL ? r->call : "",
             r->is_assumed ? ", assumed" : "");
}

/* A finding without a text for people: numbers speak, a name or yes does not. */
static void put_plain(struct buf *out, const struct finding *f)
{
    char value[32], limit[32];
    if (f->value.kind != VALUE_INT && f->value.kind != VALUE_NUM)
        return;
    jsonw_double_text(value_as_num(f->value), value);
    jsonw_double_text(f->limit, limit);
    if (f->value.kind == VALUE_INT)
        buf_printf(out, ": %s %" PRId64 ", limit %s", f->field, f->value.i, limit);
    else
        buf_printf(out, ": %s %s, limit %s", f->field, value, limit);
}

/* Of a code's checks the first that fired, else the first. */
static const struct finding *told(const struct findings *checks, const char *code)
{
    const struct finding *first = NULL;
    for (size_t i = 0; checks != NULL && i < checks->count; i++) {
        const struct finding *f = &checks->items[i];
        bool is_its = strcmp(f->code, code) == 0 && f->field != NULL;
        if (is_its && f->text != NULL)
            return f;
        first = first == NULL && is_its ? f : first;
    }
    return first;
}

void figure_finding(const struct findings *checks, const char *code, struct buf *out)
{
    const struct finding *f = told(checks, code);
    if (f != NULL && f->text != NULL)
        buf_printf(out, ": %s", f->text);
    else if (f != NULL)
        put_plain(out, f);
}
