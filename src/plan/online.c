#include "plan/online.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/arrivals.h"
#include "plan/draw.h"
#include "plan/lengths.h"
#include "plan/prompts.h"
#include "plan/seal.h"

#define PLAN_FORMAT \
    "inferbench online plan 1" /* part of the hash: a new way to draw, a new number */
/* A closed load limited by time has enough requests for a server that needs so little. */
#define CLOSED_TOKEN_S   0.2e-3
#define CLOSED_REQUEST_S 1e-3
#define CLOSED_MOST      200000
#define MOST_IDS         (INT64_C(1) << 28)

static bool is_given(int64_t option)
{
    return option != OPT_INT_UNSET;
}

void online_load_name(const struct online_load *load, char out[ONLINE_NAME_BYTES])
{
    if (load->kind == ONLINE_CLOSED) {
        snprintf(out, ONLINE_NAME_BYTES, "c%" PRId64, load->concurrency);
    } else {
        snprintf(out, ONLINE_NAME_BYTES, "r%.15g", load->rate_rps);
    }
}

/* --- what cannot be --- */

static enum status check_closed(const struct online_load *l, struct err *e)
{
    if (l->concurrency < 1) {
        return status_fail(e, STATUS_BAD_OPTION, "--concurrency",
                           "%" PRId64 " must be positive", l->concurrency);
    }
    if (is_given(l->num_prompts) && l->num_prompts < l->concurrency) {
        status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                    "%" PRId64 " requests cannot fill %" PRId64 " slots", l->num_prompts,
                    l->concurrency);
        return status_hint(e, "Use %" PRId64 " or more, or a smaller --concurrency",
                           l->concurrency);
    }
    return STATUS_OK;
}

static enum status check_infinite(const struct online_load *l, struct err *e)
{
    if (!is_given(l->num_prompts)) {
        status_fail(e, STATUS_BAD_OPTION, "--request-rate",
                    "inf sends all requests at once: --duration does not limit them");
        return status_hint(e, "Set their number with --num-prompts");
    }
    if (l->ramp_up_s > 0) {
        status_fail(e, STATUS_BAD_OPTION, "--ramp-up", "a rate of inf cannot ramp up");
        return status_hint(e, "Give --request-rate a number, or remove --ramp-up");
    }
    return STATUS_OK;
}

static enum status check_open(const struct online_load *l, struct err *e)
{
    if (!(l->rate_rps > 0)) {
        status_fail(e, STATUS_BAD_OPTION, "--request-rate", "%g must be positive",
                    l->rate_rps);
        return status_hint(e, "Write requests per second, e.g. 4 or inf");
    }
    if (is_given(l->max_concurrency) && l->max_concurrency < 1) {
        return status_fail(e, STATUS_BAD_OPTION, "--max-concurrency",
                           "%" PRId64 " must be positive", l->max_concurrency);
    }
    if (isinf(l->rate_rps)) {
        return check_infinite(l, e);
    }
    if (l->arrival == ONLINE_GAMMA && !(l->burstiness > 0 && isfinite(l->burstiness))) {
        status_fail(e, STATUS_BAD_OPTION, "--burstiness", "%g must be positive",
                    l->burstiness);
        return status_hint(e, "1 is Poisson, less is burstier, more is steadier");
    }
    return STATUS_OK;
}

static enum status check_times(const struct online_load *l, struct err *e)
{
    bool has_duration = !isnan(l->duration_s);

    if (has_duration && !(l->duration_s > 0 && isfinite(l->duration_s))) {
        status_fail(e, STATUS_BAD_OPTION, "--duration",
                    "%g s must be a positive, finite duration", l->duration_s);
        return status_hint(e, "Write e.g. 60s");
    }
    if (!(l->ramp_up_s >= 0) || (has_duration && l->ramp_up_s >= l->duration_s)) {
        status_fail(e, STATUS_BAD_OPTION, "--ramp-up", "%g s leaves no time at full load",
                    l->ramp_up_s);
        return status_hint(e, "Make --ramp-up shorter than --duration");
    }
    return STATUS_OK;
}

static enum status check_load(const struct online_load *l, struct err *e)
{
    if (!is_given(l->num_prompts) && isnan(l->duration_s)) {
        status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                    "no limit on the length of a repeat");
        return status_hint(e, "Set --num-prompts or --duration");
    }
    if (is_given(l->num_prompts) &&
        (l->num_prompts < 1 || l->num_prompts > ARRIVALS_MOST)) {
        return status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                           "%" PRId64 " is not in 1..%d", l->num_prompts, ARRIVALS_MOST);
    }
    enum status s = check_times(l, e);
    if (s != STATUS_OK) {
        return s;
    }
    return l->kind == ONLINE_CLOSED ? check_closed(l, e) : check_open(l, e);
}

static enum status check_loads(const struct online_options *o, struct err *e)
{
    char name[ONLINE_NAME_BYTES], other[ONLINE_NAME_BYTES];

    if (o->load_count == 0) {
        return status_fail(e, STATUS_BAD_OPTION, "--concurrency", "none given");
    }
    for (size_t i = 0; i < o->load_count; i++) {
        enum status s = check_load(&o->loads[i], e);
        if (s != STATUS_OK) {
            return s;
        }
        online_load_name(&o->loads[i], name);
        for (size_t k = 0; k < i; k++) {
            online_load_name(&o->loads[k], other);
            if (strcmp(name, other) == 0) {
                return status_fail(e, STATUS_BAD_OPTION,
                                   o->loads[i].kind == ONLINE_CLOSED ? "--concurrency"
                                                                     : "--request-rate",
                                   "%s given twice", name + 1);
            }
        }
    }
    return STATUS_OK;
}

static enum status check_options(const struct online_options *o, struct err *e)
{
    const struct lengths lengths = {o->max_tokens, o->max_model_len};

    if (o->caching_count < 1 || o->caching_count > 2) {
        return status_fail(e, STATUS_INTERNAL, "plan", "%zu caching settings",
                           o->caching_count);
    }
    if (o->num_runs < 2) {
        status_fail(e, STATUS_BAD_OPTION, "--num-runs",
                    "%" PRId64 " is too few: run 0 is the warm-up", o->num_runs);
        return status_hint(e, "Use 2 or more; 4 or more give a spread");
    }
    if (o->warmup_requests < 0 || o->warmup_requests > ARRIVALS_MOST) {
        return status_fail(e, STATUS_BAD_OPTION, "--warmup-requests",
                           "%" PRId64 " is not in 0..%d", o->warmup_requests,
                           ARRIVALS_MOST);
    }
    enum status s = check_loads(o, e);
    return s != STATUS_OK
               ? s
               : lengths_scenarios(&lengths, o->scenarios, o->scenario_count, e);
}

/* --- cells --- */

static void seal_load(struct digest *d, const struct online_load *l)
{
    seal_int(d, l->kind);
    seal_int(d, l->kind == ONLINE_CLOSED ? l->concurrency : 0);
    seal_num(d, l->kind == ONLINE_OPEN ? l->rate_rps : 0);
    seal_int(d, l->arrival);
    seal_num(d, l->arrival == ONLINE_GAMMA ? l->burstiness : 1);
    seal_int(d, l->max_concurrency);
    seal_int(d, l->num_prompts);
    seal_num(d, l->duration_s);
    seal_num(d, l->ramp_up_s);
}

static enum status hash_plan(const struct online_options *o, char out[DIGEST_HEX_BYTES])
{
    struct digest d;

    if (digest_init(&d) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    seal_text(&d, PLAN_FORMAT);
    seal_int(&d, o->seed);
    seal_int(&d, o->num_runs);
    seal_int(&d, o->max_tokens);
    seal_int(&d, o->is_prefix_warm);
    seal_int(&d, o->is_chat);
    seal_int(&d, o->warmup_requests);
    for (size_t i = 0; i < o->load_count; i++) {
        seal_load(&d, &o->loads[i]);
    }
    seal_scenarios(&d, o->scenarios, o->scenario_count);
    digest_hex(&d, out);
    return STATUS_OK;
}

static enum status hash_cell(const struct online_options *o, struct online_cell *cell)
{
    struct digest d;
    const struct seal_work work = {.scenario = cell->scenario,
                                   .seed = o->seed,
                                   .max_tokens = o->max_tokens,
                                   .is_prefix_warm = o->is_prefix_warm};

    if (digest_init(&d) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    seal_work(&d, &work);
    seal_text(&d, o->is_chat ? "chat" : "completions");
    seal_int(&d, o->warmup_requests);
    seal_load(&d, cell->load);
    digest_hex(&d, cell->sha256);
    return STATUS_OK;
}

static void arrival_stream(const struct online_cell *c, int64_t repeat, char *out,
                           size_t size)
{
    char load[ONLINE_NAME_BYTES];

    online_load_name(c->load, load);
    snprintf(out, size, "arrival/%s/%s/%" PRId64, c->scenario->name, load, repeat);
}

/* Answer tokens of the scenario's shortest answers. */
static int64_t least_tokens(const struct online_options *o, const struct scenario *s)
{
    int64_t least = lengths_answer(o->max_tokens, s, 0);

    for (size_t i = 1; i < s->text_count; i++) {
        int64_t t = lengths_answer(o->max_tokens, s, i);
        least = t < least ? t : least;
    }
    return least;
}

/* Requests of a closed load, which no clock draws. */
static int64_t closed_count(const struct online_options *o, const struct online_cell *c)
{
    const struct online_load *l = c->load;
    int64_t length = c->scenario->shared_tokens + c->scenario->own_tokens;
    double each_s = CLOSED_TOKEN_S * (double)least_tokens(o, c->scenario);

    if (is_given(l->num_prompts)) {
        return l->num_prompts;
    }
    each_s = each_s > CLOSED_REQUEST_S ? each_s : CLOSED_REQUEST_S;
    double wanted = ceil(l->duration_s / each_s * (double)l->concurrency);
    int64_t count = wanted < CLOSED_MOST ? (int64_t)wanted : CLOSED_MOST;
    if (length > 0 && count > MOST_IDS / length) {
        count = MOST_IDS / length;
    }
    return count > l->concurrency ? count : l->concurrency;
}

static int64_t count_repeat(const struct online_options *o, const struct online_cell *c,
                            int64_t repeat)
{
    char stream[192];

    if (c->load->kind == ONLINE_CLOSED) {
        return closed_count(o, c);
    }
    arrival_stream(c, repeat, stream, sizeof stream);
    return (int64_t)arrivals_count(
        &(struct arrivals){.load = c->load, .seed = o->seed, .stream = stream});
}

static enum status too_many(const struct online_cell *c, int64_t num_runs, struct err *e)
{
    status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                "more than %d requests in a repeat or %" PRId64 " in %" PRId64
                " repeats of scenario %s",
                ARRIVALS_MOST, PROMPTS_MAX_COUNT, num_runs, c->scenario->name);
    return status_hint(e, "Use a smaller --num-prompts, --duration or --request-rate");
}

static enum status count_requests(const struct online_options *o, struct arena *a,
                                  struct online_cell *c, struct err *e)
{
    int64_t *counts = arena_alloc(a, (size_t)o->num_runs, sizeof *counts);

    if (counts == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, "plan", "out of memory");
    }
    c->counts = counts;
    for (int64_t k = 0; k < o->num_runs; k++) {
        counts[k] = count_repeat(o, c, k);
        c->most = counts[k] > c->most ? counts[k] : c->most;
        if (counts[k] == 0) {
            status_fail(e, STATUS_BAD_OPTION, "--duration",
                        "at %g requests/s none is due within %g s in repeat %" PRId64 "",
                        c->load->rate_rps, c->load->duration_s, k);
            return status_hint(e, "Make --duration longer, or give --num-prompts");
        }
        if (counts[k] > ARRIVALS_MOST) {
            return too_many(c, o->num_runs, e);
        }
    }
    return c->most > PROMPTS_MAX_COUNT / o->num_runs ? too_many(c, o->num_runs, e)
                                                     : STATUS_OK;
}

static enum status fill_cells(struct online_plan *p, struct arena *a, struct err *e)
{
    const struct online_options *o = &p->options;
    size_t of_setting = o->scenario_count * o->load_count;

    for (size_t i = 0; i < p->cell_count; i++) {
        struct online_cell *c = &p->cells[i];
        *c = (struct online_cell){
            .scenario = &o->scenarios[i % of_setting / o->load_count],
            .load = &o->loads[i % o->load_count],
            .caching = o->caching[i / of_setting],
            .setting = i / of_setting};
        if (c->setting > 0) { /* OFF and ON are one draw */
            c->counts = p->cells[i - of_setting].counts;
            c->most = p->cells[i - of_setting].most;
        } else if (count_requests(o, a, c, e) != STATUS_OK) {
            return e->code;
        }
        c->max_tokens = lengths_cell(o->max_tokens, c->scenario, c->most);
        if (hash_cell(o, c) != STATUS_OK) {
            return status_fail(e, STATUS_NO_MEMORY, "plan", "out of memory");
        }
    }
    return STATUS_OK;
}

enum status online_build(const struct online_options *o, struct arena *a,
                         struct online_plan *out, struct err *e)
{
    struct online_plan p = {.options = *o};
    enum status s = check_options(o, e);

    if (s != STATUS_OK) {
        return s;
    }
    p.cell_count = o->caching_count * o->scenario_count * o->load_count;
    p.cells = arena_alloc(a, p.cell_count, sizeof *p.cells);
    if (p.cells == NULL || hash_plan(o, p.sha256) != STATUS_OK) {
        return status_fail(e, STATUS_NO_MEMORY, "plan", "out of memory for %zu cells",
                           p.cell_count);
    }
    s = fill_cells(&p, a, e);
    if (s == STATUS_OK) {
        *out = p;
    }
    return s;
}

/* --- one repeat --- */

static enum status draw_due(const struct online_plan *p, const struct plan_which *w,
                            struct arena *a, struct online_repeat *out, struct err *e)
{
    const struct online_cell *c = &p->cells[w->cell];
    size_t count = (size_t)c->counts[w->repeat];
    char stream[192];

    if (c->load->kind == ONLINE_CLOSED) {
        return STATUS_OK;
    }
    out->due_ns = arena_alloc(a, count, sizeof *out->due_ns);
    if (out->due_ns == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, c->scenario->name,
                           "out of memory for %zu due times", count);
    }
    arrival_stream(c, w->repeat, stream, sizeof stream);
    arrivals_draw(
        &(struct arrivals){.load = c->load, .seed = p->options.seed, .stream = stream},
        out->due_ns, count);
    return STATUS_OK;
}

/* The measured requests and behind them the warm-up's, which are drawn from streams of
 * their own and have their own prefix and salt: they leave nothing in the cache that a
 * measured one could find, and change no draw. */
static enum status join(const struct plan_repeat *measured,
                        const struct plan_repeat *warm, struct arena *a,
                        struct online_repeat *out, struct err *e)
{
    out->count = measured->count + warm->count;
    out->warmup_count = warm->count;
    out->requests = measured->requests;
    out->longest_tokens = measured->longest_tokens;
    out->expected_cached_tokens = measured->expected_cached_tokens;
    out->shares_prefix = measured->shares_prefix;
    if (warm->count == 0) {
        return STATUS_OK;
    }
    out->requests = arena_alloc(a, out->count, sizeof *out->requests);
    if (out->requests == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, "plan", "out of memory for %zu requests",
                           out->count);
    }
    memmove(out->requests, measured->requests, measured->count * sizeof *out->requests);
    for (size_t i = 0; i < warm->count; i++) {
        struct engine_request *r = &out->requests[measured->count + i];
        *r = warm->requests[i];
        r->index = (int32_t)(measured->count + i);
    }
    return STATUS_OK;
}

enum status online_draw(const struct online_plan *p, const struct plan_which *w,
                        struct arena *a, struct online_repeat *out, struct err *e)
{
    const struct online_options *o = &p->options;
    char load[ONLINE_NAME_BYTES], warm_load[ONLINE_NAME_BYTES + 8];
    struct plan_repeat measured, warm = {0};
    struct online_repeat r = {0};

    if (w->cell >= p->cell_count || w->repeat < 0 || w->repeat >= o->num_runs) {
        return status_fail(e, STATUS_INTERNAL, "plan",
                           "no repeat %" PRId64 " of cell %zu", w->repeat, w->cell);
    }
    const struct online_cell *c = &p->cells[w->cell];
    online_load_name(c->load, load);
    snprintf(warm_load, sizeof warm_load, "%s-warmup", load);
    struct draw d = {.scenario = c->scenario,
                     .cell = load,
                     .run = o->run,
                     .most = c->most,
                     .counts = c->counts,
                     .num_runs = o->num_runs,
                     .max_tokens = o->max_tokens,
                     .vocab_size = w->vocab_size,
                     .block_size = w->block_size,
                     .seed = o->seed,
                     .is_prefix_warm = o->is_prefix_warm,
                     .caching = c->caching,
                     .as_text = o->is_chat || c->scenario->text_count > 0,
                     .is_online = true};
    enum status s = draw_repeat(&d, w->repeat, a, &measured, e);
    if (s == STATUS_OK && o->warmup_requests > 0) {
        d.cell = warm_load;
        d.most = o->warmup_requests;
        d.counts = NULL;
        d.first_text = measured.count;
        s = draw_requests(&d, w->repeat, a, &warm, e);
    }
    if (s == STATUS_OK) {
        s = draw_due(p, w, a, &r, e);
    }
    if (s == STATUS_OK) {
        s = join(&measured, &warm, a, &r, e);
    }
    if (s == STATUS_OK) {
        *out = r;
    }
    return s;
}

double online_send_s(const struct online_plan *p, size_t cell, int64_t repeat)
{
    const struct online_cell *c = &p->cells[cell];
    char stream[192];

    if (c->load->kind == ONLINE_CLOSED) {
        return c->load->duration_s;
    }
    arrival_stream(c, repeat, stream, sizeof stream);
    const struct arrivals a = {
        .load = c->load, .seed = p->options.seed, .stream = stream};
    return (double)arrivals_last_ns(&a, (size_t)c->counts[repeat]) / 1e9;
}
