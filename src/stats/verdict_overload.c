#include "stats/verdict_overload.h"

#include <math.h>
#include <stdio.h>

#include "stats/loadshape.h"
#include "stats/verdict_load.h"

/* In units of E0: the steady part. */
#define LEAST_E0  3  /* below, nothing is judged */
#define GROWTH_E0 5  /* from here on thirds show growth */
#define LEVEL_E0  12 /* from here on they show that it is over */
/* In flight at the end against what early answers give. */
#define END_SHARE 0.25
/* What lets a run be judged. */
#define CURE_E0       20
#define CURE_REQUESTS 300

#define num verdict_case_num

struct flight {
    double e0_s, steady_s;
    double middle, last, end, expected;
    double due;          /* requests since the end of the ramp-up, as the rate gives */
    double limit;        /* of `last` */
    double high, chance; /* of `end`: tests 2 and 3 */
    double hidden;       /* where an overload of 1.5 may still hide */
    bool is_old;         /* definitions 1 */
};

static double growth_limit(const struct flight *f, double share)
{
    double chance = 3 * sqrt((f->middle + f->last) / 2); /* Poisson, of the mean of both
                                                          */
    return f->middle + (f->is_old ? fmax(share * f->middle, chance) : share * f->middle);
}

static struct flight flight_of(const struct verdict_case *c)
{
    struct flight f = {.e0_s = num(c, FIELD_e2e_early_s),
                       .steady_s = num(c, FIELD_steady_s),
                       .middle = num(c, FIELD_inflight_middle),
                       .last = num(c, FIELD_inflight_last),
                       .end = num(c, FIELD_inflight_end),
                       .expected = num(c, FIELD_inflight_expected),
                       .is_old = c->run->definitions == 1};
    f.due = num(c, FIELD_request_rate) * (f.steady_s + LOADSHAPE_SETTLE_E0 * f.e0_s);
    f.high = f.expected * (1 + END_SHARE) + 3 * sqrt(f.expected);
    f.chance = f.expected + 2 * sqrt(2 * f.due);
    f.hidden = f.due / 3 - 2 * sqrt(f.due + 2 * f.due / 3);
    return f;
}

static bool is_overload(const struct flight *f, double share)
{
    bool grows = f->last > growth_limit(f, share);
    return grows && (f->is_old || (f->end > f->high && f->end > f->chance &&
                                   f->steady_s >= GROWTH_E0 * f->e0_s));
}

static double least_s(const struct verdict_case *c, const struct flight *f)
{
    return f->is_old ? num(c, FIELD_window_s) / 2 : LEAST_E0 * f->e0_s;
}

/* In flight at the end, up to which a run that shows no overload has none. */
static double level_limit(const struct flight *f)
{
    return f->steady_s < LEVEL_E0 * f->e0_s ? fmin(f->hidden, f->high) : f->hidden;
}

/* Neither an overload nor the absence of one. A limit on growth that the user raised
 * does not make an overload that shows a run that is too short. */
static bool is_open_question(const struct verdict_case *c, const struct flight *f)
{
    const struct verdict_rule *rule = verdict_find("OVERLOADED");
    double share = fmin(rule->limit, verdict_limit(c->run, rule));
    return !f->is_old && f->end > level_limit(f) && !is_overload(f, share);
}

void verdict_overload_judge(struct verdict_case *c)
{
    struct flight f = flight_of(c);
    if (!verdict_case_is_open(c) || !(f.steady_s >= least_s(c, &f)) ||
        is_open_question(c, &f) || isnan(f.middle))
        return;
    double limit = growth_limit(&f, c->limit);
    verdict_case_number(
        c, (struct verdict_number){f.last, limit, is_overload(&f, c->limit)},
        "in flight from %.3g to %.3g, limit %.3g", f.middle, f.last, limit);
}

/* A whole number of requests, of two digits above 100. */
static double rounded_up(double n)
{
    double step = n > 1000 ? 100 : n > 100 ? 10 : 1;
    return ceil(n / step) * step;
}

/* "too short to judge overload; --num-prompts 300" */
static void cure(const struct verdict_case *c, const struct flight *f, char *text,
                 size_t room)
{
    double ramp_s = c->settings->ramp_up_s, rate = num(c, FIELD_request_rate);
    double steady_s = fmax(CURE_E0 * f->e0_s, CURE_REQUESTS / rate);
    double requests = rounded_up(rate * (ramp_s / 2 + steady_s));
    double seconds = ceil(ramp_s + steady_s);
    bool has_duration = !isnan(num(c, FIELD_duration_s));
    bool has_count = !isnan(num(c, FIELD_num_prompts)) || !has_duration;
    int used = snprintf(text, room, "too short to judge overload;");
    if (isnan(f->e0_s)) {
        (void)snprintf(text + used, room - (size_t)used, " nothing was answered");
        return;
    }
    if (has_duration)
        used += snprintf(text + used, room - (size_t)used, " --duration %.0fs", seconds);
    if (has_count)
        (void)snprintf(text + used, room - (size_t)used, " --num-prompts %.0f", requests);
}

void verdict_overload_short_run(struct verdict_case *c)
{
    char text[128];
    if (!verdict_case_is_open(c)) {
        verdict_load_no_steady_part(c);
        return;
    }
    struct flight f = flight_of(c);
    bool is_short = !(f.steady_s >= least_s(c, &f));
    cure(c, &f, text, sizeof text);
    verdict_case_number(c, (struct verdict_number){f.steady_s, least_s(c, &f), is_short},
                        "%s", text);
    if (is_short || f.is_old || isnan(f.end))
        return;
    verdict_case_report(c, (struct verdict_finding){.field = "inflight_end",
                                                    .value = value_num(f.end),
                                                    .limit = level_limit(&f),
                                                    .is_broken = is_open_question(c, &f),
                                                    .text = text});
}
