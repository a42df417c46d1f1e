#include "run/loads.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "plan/arrivals.h"
#include "plan/lengths.h"
#include "text/jsonw.h"

/* An open load must outlast its answers, or nobody can tell whether the server keeps up
 * (stats/verdict_overload.h): by 90 s, answers of up to 100 ms a token are judged; longer
 * answers make it as much longer. */
#define OPEN_PROMPTS         300
#define OPEN_S               90.0
#define OPEN_ANSWER_TOKENS   128.0
#define LEAST_CLOSED_PROMPTS 16 /* beside the slots' first ones, which do not count */
#define PROMPTS_A_SLOT       8
#define SLO_CAP_BYTES        4096
#define COUNT_OF(a)          (sizeof(a) / sizeof *(a))

static bool is_set(const struct opt_parse *p, const char *name)
{
    return opt_source_of(p, name) != OPT_FROM_DEFAULT;
}

static enum status refuse(const char *option, const char *what, const char *hint,
                          struct err *e)
{
    status_fail(e, STATUS_BAD_OPTION, option, "%s", what);
    return status_hint(e, "%s", hint);
}

bool run_loads_cap_is_closed(const struct run_opts *o)
{
    return o->max_concurrency != OPT_INT_UNSET && o->request_rates.count == 0;
}

static enum status check_together(const struct opt_parse *p, const struct run_opts *o,
                                  struct err *e)
{
    bool is_open = o->request_rates.count > 0;
    bool is_gamma = strcmp(o->arrival, "gamma") == 0;
    if (is_open && is_set(p, "concurrency"))
        return refuse("--request-rate", "given with --concurrency",
                      "A load is open (a rate) or closed (requests in flight); "
                      "--max-concurrency caps an open one",
                      e);
    if (run_loads_cap_is_closed(o) && is_set(p, "concurrency"))
        return refuse("--max-concurrency", "given with --concurrency, without a rate",
                      "Leave it out, or give --request-rate", e);
    if (!is_open && is_set(p, "arrival"))
        return refuse(
            "--arrival",
            "a closed load has no arrivals: each answer starts the next request",
            "Give --request-rate", e);
    if (!isnan(o->burstiness) && !is_gamma)
        return refuse("--burstiness", "is for --arrival gamma only",
                      "Add --arrival gamma", e);
    if (is_gamma && isnan(o->burstiness))
        return refuse("--arrival", "gamma needs --burstiness",
                      "Add --burstiness, e.g. 0.5; 1 is Poisson, less is burstier", e);
    return STATUS_OK;
}

static enum load_arrival arrival_of(const char *name)
{
    if (strcmp(name, "constant") == 0)
        return LOAD_CONSTANT;
    return strcmp(name, "gamma") == 0 ? LOAD_GAMMA : LOAD_POISSON;
}

/* What all loads of a run have in common. */
static struct load common_load(const struct run_opts *o)
{
    bool has_duration = o->duration_ns != OPT_INT_UNSET;
    return (struct load){.rate_rps = NAN,
                         .arrival = arrival_of(o->arrival),
                         .burstiness = o->burstiness,
                         .max_concurrency = OPT_INT_UNSET,
                         .num_prompts = o->num_prompts,
                         .duration_s = has_duration
                                           ? clock_to_s((struct span){o->duration_ns})
                                           : (double)NAN,
                         .ramp_up_s = clock_to_s((struct span){o->ramp_up_ns})};
}

static double longest_answer(const struct plan_options *o)
{
    int64_t most = 0;
    for (size_t i = 0; i < o->scenario_count; i++) {
        const struct scenario *s = &o->scenarios[i];
        int64_t tokens = lengths_cell(o->max_tokens, s,
                                      s->text_count > 0 ? (int64_t)s->text_count : 1);
        most = tokens > most ? tokens : most;
    }
    return (double)most;
}

static int64_t open_prompts(const struct plan_options *out, const struct load *load)
{
    double longer = fmax(1, longest_answer(out) / OPEN_ANSWER_TOKENS);
    double wanted = load->rate_rps * (OPEN_S * longer + load->ramp_up_s / 2);
    if (isinf(load->rate_rps) || wanted < OPEN_PROMPTS)
        return OPEN_PROMPTS;
    return wanted < ARRIVALS_MOST ? (int64_t)ceil(wanted) : ARRIVALS_MOST;
}

static void fill_open(const struct run_opts *o, const struct plan_options *out,
                      struct load *loads)
{
    for (size_t i = 0; i < o->request_rates.count; i++) {
        loads[i] = common_load(o);
        loads[i].kind = LOAD_OPEN;
        loads[i].rate_rps = o->request_rates.items[i];
        loads[i].max_concurrency = o->max_concurrency;
        if (o->num_prompts == OPT_INT_UNSET && o->duration_ns == OPT_INT_UNSET)
            loads[i].num_prompts = open_prompts(out, &loads[i]);
    }
}

static void fill_closed(const struct run_opts *o, const struct opt_ints *slots,
                        struct load *loads)
{
    for (size_t i = 0; i < slots->count; i++) {
        int64_t prompts = PROMPTS_A_SLOT * slots->items[i], first = slots->items[i];
        loads[i] = common_load(o);
        loads[i].kind = LOAD_CLOSED;
        loads[i].concurrency = slots->items[i];
        if (o->num_prompts == OPT_INT_UNSET && o->duration_ns == OPT_INT_UNSET)
            loads[i].num_prompts =
                first + (prompts > LEAST_CLOSED_PROMPTS ? prompts : LEAST_CLOSED_PROMPTS);
    }
}

enum status run_loads_build(const struct opt_parse *p, const struct run_opts *o,
                            struct arena *a, struct plan_options *out, struct err *e)
{
    int64_t cap = o->max_concurrency;
    struct opt_ints slots = o->concurrency;
    if (check_together(p, o, e) != STATUS_OK)
        return e->code;
    if (run_loads_cap_is_closed(o))
        slots = (struct opt_ints){&cap, 1};
    bool is_open = o->request_rates.count > 0;
    size_t count = is_open ? o->request_rates.count : slots.count;
    if (count == 0)
        return status_fail(e, STATUS_BAD_OPTION, "--concurrency", "none given");
    struct load *loads = arena_alloc(a, count, sizeof *loads);
    if (loads == NULL)
        return status_no_memory(e, "options");
    if (is_open)
        fill_open(o, out, loads);
    else
        fill_closed(o, &slots, loads);
    out->loads = loads;
    out->load_count = count;
    return STATUS_OK;
}

/* --- --sweep-rates --- */

#define MOST_RATES 32

static bool read_range(const char *text, double *from, double *to)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL)
        return false;
    struct str low = {text, (size_t)(dots - text)};
    return str_to_double(low, from) && str_to_double(str_from(dots + 2), to) &&
           *from >= 0.001 && *to > *from && isfinite(*to);
}

enum status run_loads_sweep(const struct opt_parse *p, struct run_opts *o,
                            struct arena *a, struct err *e)
{
    double from, to;
    size_t n = 0;
    if (o->sweep_rates == NULL)
        return STATUS_OK;
    if (is_set(p, "request-rate"))
        return refuse("--sweep-rates", "given with --request-rate", "Use one of the two",
                      e);
    if (!read_range(o->sweep_rates, &from, &to) || to / from > exp2(MOST_RATES - 2)) {
        status_fail(e, STATUS_BAD_OPTION, "--sweep-rates", "\"%s\" is no range of rates",
                    o->sweep_rates);
        return status_hint(e, "Write e.g. 1..32: from 0.001 on, the lower first");
    }
    double *rates = arena_alloc(a, MOST_RATES, sizeof *rates);
    if (rates == NULL)
        return status_no_memory(e, "options");
    for (; ldexp(from, (int)n) < to * (1 - 1e-9); n++)
        rates[n] = ldexp(from, (int)n);
    rates[n++] = to;
    o->request_rates = (struct opt_doubles){rates, n};
    return STATUS_OK;
}

/* --- goodput --- */

static const struct {
    const char *name, *member;
} limits_known[] = {
    {"ttft", "ttft_ms"}, {"tpot", "tpot_ms"}, {"e2e", "e2e_ms"}, {"e2el", "e2e_ms"}};

/* The option that gave the limits. */
static const char *limits_option(const struct run_opts *o)
{
    return o->slo.count > 0 ? "--slo" : "--goodput";
}

static enum status read_limit(const struct run_opts *o, const char *text, size_t *which,
                              double *ms, struct err *e)
{
    struct str value = str_from(text);
    struct str name = str_cut(&value, ':');
    int64_t ns;
    for (*which = 0; *which < COUNT_OF(limits_known); ++*which)
        if (str_is(name, limits_known[*which].name))
            break;
    if (*which == COUNT_OF(limits_known)) {
        status_fail(e, STATUS_BAD_OPTION, limits_option(o), "\"%s\" is not a known limit",
                    text);
        return status_hint(e, "Write ttft:500ms, tpot:50ms or e2e:10s");
    }
    if (!str_to_span_ns(value, &ns) || ns == 0) {
        status_fail(e, STATUS_BAD_OPTION, limits_option(o),
                    "\"%s\" needs a time with a unit after the colon", text);
        return status_hint(e, "Write e.g. %s:500ms", limits_known[*which].name);
    }
    *ms = (double)ns / 1e6;
    return STATUS_OK;
}

enum status run_loads_goodput(const struct run_opts *o, struct arena *a, const char **out,
                              struct err *e)
{
    const struct opt_strings *limits = &o->goodput;
    struct buf text;
    struct jsonw w;
    bool seen[COUNT_OF(limits_known)] = {false};
    enum status s = STATUS_OK;
    *out = NULL;
    if (limits->count == 0)
        return STATUS_OK;
    buf_init(&text, SLO_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; s == STATUS_OK && i < limits->count; i++) {
        size_t which;
        double ms = 0;
        s = read_limit(o, limits->items[i], &which, &ms, e);
        which -= which == COUNT_OF(limits_known) - 1; /* e2el is e2e */
        if (s == STATUS_OK && seen[which])
            s = refuse(limits_option(o), "a limit is given twice", "Give each once", e);
        if (s != STATUS_OK)
            break;
        seen[which] = true;
        jsonw_num(&w, limits_known[which].member, ms);
    }
    jsonw_object_end(&w);
    if (s == STATUS_OK) {
        *out = arena_strdup(a, buf_cstr(&text));
        if (*out == NULL || text.failed != STATUS_OK)
            s = status_no_memory(e, "options");
    }
    buf_fini(&text);
    return s;
}
