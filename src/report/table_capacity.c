/* The answer of a search: a sentence for those who pay, then what it rests on. */
#include <inttypes.h>
#include <math.h>

#include "base/str.h"
#include "report/table.h"
#include "stats/search.h"

struct words {
    const struct search_answer *a;
    struct document *d;
};

static const char *level(const struct words *w, double value)
{
    if (w->a->search.is_rate)
        return arena_text(w->d->arena, "%g requests/s", value);
    return arena_text(w->d->arena, "%g request%s in flight", value,
                      str_plural((int64_t)value));
}

static const char *short_level(const struct words *w, double value)
{
    return arena_text(w->d->arena, w->a->search.is_rate ? "%g/s" : "%g", value);
}

static void put_confirmed(const struct words *w)
{
    const struct search_answer *a = w->a;
    document_add(w->d, DOCUMENT_CLAIM,
                 "At %s, %g %% of the requests stay within the SLO in at least 8 of 10 "
                 "blocks of %.3g s (error <= %g %%); at %s they do not.",
                 level(w, a->low), a->search.share * 100, a->window_s, SPRT_ERROR * 100,
                 short_level(w, a->high));
}

static void put_estimate(const struct words *w)
{
    const struct search_answer *a = w->a;
    document_add(w->d, DOCUMENT_CLAIM,
                 "Estimate: at %s, %g %% of the requests stayed within the SLO for one "
                 "block of %.3g s; at %s they did not.%s",
                 level(w, a->low), a->search.share * 100, a->window_s,
                 short_level(w, a->high),
                 a->search.rule.confirms ? ""
                                         : " --confirm tests both, with an error of at "
                                           "most 5 %.");
}

/* What is known where there is no answer. */
static void put_known(const struct words *w)
{
    const struct search_answer *a = w->a;
    const struct capacity *c = &a->found;
    if (!isnan(a->low) && !isnan(a->high))
        put_estimate(w);
    else if (!isnan(a->low))
        document_add(w->d, DOCUMENT_CLAIM, "%s was good; nothing higher was.",
                     level(w, a->low));
    else if (!isnan(a->high))
        document_add(w->d, DOCUMENT_CLAIM, "%s was bad; nothing lower was good.",
                     level(w, a->high));
    if (!isnan(c->passed))
        document_add(w->d, DOCUMENT_CLAIM, "Tested: %s passed.", level(w, c->passed));
    if (!isnan(c->failed))
        document_add(w->d, DOCUMENT_CLAIM, "Tested: %s failed.", level(w, c->failed));
    if (c->test.end == SPRT_OPEN && c->test.good + c->test.bad > 0)
        document_add(w->d, DOCUMENT_CLAIM,
                     "Under test: %s, %" PRId64 " good and %" PRId64 " bad blocks.",
                     level(w, c->tested), c->test.good, c->test.bad);
}

static void put_no_answer(const struct words *w)
{
    const struct search_answer *a = w->a;
    switch (a->found.end) {
    case CAPACITY_GOES_ON:
        document_add(w->d, DOCUMENT_CLAIM, "The search did not come to its end.");
        break;
    case CAPACITY_UNTESTED:
        document_add(w->d, DOCUMENT_CLAIM,
                     "Cannot tell: %d tests did not find one load that keeps the SLO and "
                     "one that does not.",
                     SPRT_PROBES);
        break;
    case CAPACITY_VOIDED:
        document_add(w->d, DOCUMENT_CLAIM,
                     "Cannot tell: %d blocks in a row count for nothing, for the reasons "
                     "above.",
                     CAPACITY_VOIDS);
        break;
    case CAPACITY_NO_GOOD:
        document_add(w->d, DOCUMENT_CLAIM,
                     "No load that was tried keeps the SLO: even one request at a time "
                     "may be too slow for it.");
        break;
    default:
        document_add(w->d, DOCUMENT_CLAIM,
                     "Every load that was tried keeps the SLO: it limits nothing here.");
    }
    put_known(w);
}

/* Tokens/s and cost at the lower load, and LoadGen's rule. */
static void put_there(const struct words *w)
{
    const struct search_answer *a = w->a;
    if (isnan(a->low) || a->due == 0)
        return;
    struct buf *line = &w->d->line;
    buf_printf(line, "There: %.4g tokens/s", a->tokens_per_second);
    if (!isnan(a->usd_per_million_output_tokens))
        buf_printf(line, ", %.3g USD per million output tokens",
                   a->usd_per_million_output_tokens);
    buf_printf(line,
               ". %" PRId64 " of %" PRId64 " requests were late: LoadGen's rule, which "
               "assumes independence, %s.",
               a->late, a->due, a->loadgen_passes ? "passes" : "does not pass");
    document_end(w->d, DOCUMENT_PARAGRAPH);
}

void table_capacity_put(const struct run_data *run, const struct row *rows,
                        struct document *d)
{
    struct search_answer a;
    const struct words w = {&a, d};
    if (!search_answer(run, rows, &a))
        return;
    document_gap(d);
    if (a.is_confirmed)
        put_confirmed(&w);
    else if (a.found.end == CAPACITY_ESTIMATED)
        put_estimate(&w);
    else
        put_no_answer(&w);
    put_there(&w);
}
