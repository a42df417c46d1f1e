#include "stats/capacity.h"

#include <math.h>

/* The blocks so far, taken one by one by what would have asked for them. */
struct replay {
    const struct capacity_rule *rule;
    const struct capacity_past *past;
    size_t taken;
    struct capacity *out;
};

double capacity_round(const struct capacity_rule *rule, double level)
{
    if (rule->is_whole)
        return fmax(1, round(level));
    double step = pow(10, floor(log10(level)) - 2);
    /* Divided by a power of ten, not multiplied by a small step: 12.4, not 12.400...1. */
    return step < 1 ? round(level / step) / round(1 / step) : round(level / step) * step;
}

/* The next block at that level. False: it is not there yet, and asked for; or too many
 * counted for nothing. */
static bool ask(struct replay *r, double level, bool *is_good)
{
    int voids = 0;
    while (r->taken < r->past->count) {
        struct capacity_outcome o = r->past->at(r->past->arg, r->taken++);
        if (o.level != level)
            continue;
        if (o.block != CAPACITY_VOID) {
            *is_good = o.block == CAPACITY_GOOD;
            return true;
        }
        if (++voids == CAPACITY_VOIDS) {
            r->out->end = CAPACITY_VOIDED;
            return false;
        }
    }
    r->out->next = level;
    return false;
}

/* Two whole numbers without one between them are as close as can be. */
static bool are_close(const struct capacity_rule *rule, double low, double high)
{
    return high / low <= CAPACITY_APART * (1 + 1e-9) ||
           (rule->is_whole && high - low <= 1);
}

static double between(const struct capacity_rule *rule, double low, double high)
{
    double middle = capacity_round(rule, sqrt(low * high));
    if (rule->is_whole && middle <= low)
        return low + 1;
    return rule->is_whole && middle >= high ? high - 1 : middle;
}

/* Doubles or halves until the answer lies between two levels. */
static bool enclose(struct replay *r)
{
    struct capacity *c = r->out;
    double level = capacity_round(r->rule, r->rule->from);
    for (int n = 0; n <= CAPACITY_DOUBLINGS; n++) {
        bool is_good;
        if (!ask(r, level, &is_good))
            return false;
        if (is_good)
            c->low = level;
        else
            c->high = level;
        if (!isnan(c->low) && !isnan(c->high))
            return true;
        double next = capacity_round(r->rule, is_good ? level * 2 : level / 2);
        if (next == level)
            break; /* nothing in flight is below 1 */
        level = next;
    }
    c->end = isnan(c->low) ? CAPACITY_NO_GOOD : CAPACITY_NO_BAD;
    return false;
}

static bool estimate(struct replay *r)
{
    struct capacity *c = r->out;
    if (!enclose(r))
        return false;
    while (!are_close(r->rule, c->low, c->high)) {
        bool is_good;
        double level = between(r->rule, c->low, c->high);
        if (!ask(r, level, &is_good))
            return false;
        if (is_good)
            c->low = level;
        else
            c->high = level;
    }
    return true;
}

/* False: it asks for another block, or there are too many tests already. */
static bool test(struct replay *r, double level, enum sprt_end *end)
{
    struct capacity *c = r->out;
    if (c->probes == SPRT_PROBES) {
        c->end = CAPACITY_UNTESTED;
        return false;
    }
    c->probes++;
    c->test = (struct sprt){0};
    c->tested = level;
    while (c->test.end == SPRT_OPEN) {
        bool is_good;
        if (!ask(r, level, &is_good))
            return false;
        sprt_add(&c->test, is_good);
    }
    *end = c->test.end;
    return true;
}

/* The next level out: 5 % lower or higher, or the next whole number. */
static double beside(const struct capacity_rule *rule, double level, bool is_up)
{
    double next = capacity_round(rule,
                                 is_up ? level * CAPACITY_APART : level / CAPACITY_APART);
    if (rule->is_whole && next == level)
        return is_up ? level + 1 : level - 1;
    return next;
}

static void note(struct capacity *c, double level)
{
    if (c->test.end == SPRT_PASS && !(c->passed >= level)) {
        c->passed = level;
        c->pass = c->test;
    }
    if (c->test.end == SPRT_FAIL && !(c->failed <= level)) {
        c->failed = level;
        c->fail = c->test;
    }
}

/* Down from `level` to one that passes; else up from it to one that fails. */
static bool walk(struct replay *r, double level, bool is_up)
{
    struct capacity *c = r->out;
    while (is_up ? isnan(c->failed) : isnan(c->passed)) {
        enum sprt_end end;
        if (level < 1 && r->rule->is_whole) {
            c->end = CAPACITY_NO_GOOD;
            return false;
        }
        if (!test(r, level, &end))
            return false;
        note(c, level);
        level = beside(r->rule, level, is_up);
    }
    return true;
}

struct capacity capacity_of(const struct capacity_rule *rule,
                            const struct capacity_past *past)
{
    struct capacity c = {.next = NAN,
                         .low = NAN,
                         .high = NAN,
                         .passed = NAN,
                         .failed = NAN,
                         .tested = NAN};
    struct replay r = {.rule = rule, .past = past, .out = &c};
    if (!estimate(&r))
        return c;
    c.end = CAPACITY_ESTIMATED;
    if (!rule->confirms)
        return c;
    c.end = CAPACITY_GOES_ON;
    if (walk(&r, c.low, false) && walk(&r, c.high, true))
        c.end = CAPACITY_CONFIRMED;
    return c;
}
