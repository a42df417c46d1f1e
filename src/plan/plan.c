#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/opt.h"
#include "base/rng.h"
#include "plan/arrivals.h"
#include "plan/draw.h"
#include "plan/lengths.h"
#include "plan/prompts.h"
#include "plan/hash.h"

/* Part of the hash: a new way to draw, a new number. */
#define BATCH_FORMAT  "inferbench plan 1"
#define ONLINE_FORMAT "inferbench online plan 1"

/* --- what cannot be --- */

static enum status check_loads(const struct plan_options *o, struct err *e)
{
    char name[LOAD_NAME_BYTES], other[LOAD_NAME_BYTES];
    if (o->load_count == 0)
        return status_fail(e, STATUS_INTERNAL, "plan", "no loads");
    for (size_t i = 0; i < o->load_count; i++) {
        const struct load *l = &o->loads[i];
        if (load_check(l, e) != STATUS_OK)
            return e->code;
        load_name(l, name);
        for (size_t k = 0; k < i; k++) {
            load_name(&o->loads[k], other);
            if (strcmp(name, other) == 0)
                return status_fail(e, STATUS_BAD_OPTION, load_option(l), "%s given twice",
                                   name + strspn(name, "cr"));
        }
    }
    return STATUS_OK;
}

static enum status check_options(const struct plan_options *o, struct err *e)
{
    const struct lengths lengths = {o->max_tokens, o->max_model_len};
    if (o->setting_count == 0)
        return status_fail(e, STATUS_INTERNAL, "plan", "no settings");
    if (o->num_runs < 2) {
        status_fail(e, STATUS_BAD_OPTION, "--num-runs",
                    "%" PRId64 " is too few: run 0 is the warm-up", o->num_runs);
        return status_hint(e, "Use 2 or more; 4 or more give a spread");
    }
    if (o->warmup_requests < 0 || o->warmup_requests > ARRIVALS_MOST)
        return status_fail(e, STATUS_BAD_OPTION, "--warmup-requests",
                           "%" PRId64 " is not in 0..%d", o->warmup_requests,
                           ARRIVALS_MOST);
    enum status s = check_loads(o, e);
    return s != STATUS_OK
               ? s
               : lengths_scenarios(&lengths, o->scenarios, o->scenario_count, e);
}

/* --- cells --- */

static enum status hash_plan(const struct plan_options *o, char out[DIGEST_HEX_BYTES])
{
    bool is_online = load_is_online(&o->loads[0]);
    struct digest d;
    if (digest_init(&d) != STATUS_OK)
        return STATUS_NO_MEMORY;
    plan_hash_text(&d, is_online ? ONLINE_FORMAT : BATCH_FORMAT);
    plan_hash_int(&d, o->seed);
    plan_hash_int(&d, o->num_runs);
    plan_hash_int(&d, o->max_tokens);
    plan_hash_int(&d, o->is_prefix_warm);
    if (is_online) {
        plan_hash_int(&d, o->is_chat);
        plan_hash_int(&d, o->warmup_requests);
    }
    for (size_t i = 0; i < o->load_count; i++)
        load_hash(&o->loads[i], &d);
    plan_hash_scenarios(&d, o->scenarios, o->scenario_count);
    digest_hex(&d, out);
    return STATUS_OK;
}

static enum status hash_cell(const struct plan_options *o, struct plan_cell *cell)
{
    bool is_online = load_is_online(cell->load);
    struct digest d;
    const struct plan_hash_work work = {.scenario = cell->scenario,
                                        .seed = o->seed,
                                        .max_tokens = o->max_tokens,
                                        .is_prefix_warm = o->is_prefix_warm};
    if (digest_init(&d) != STATUS_OK)
        return STATUS_NO_MEMORY;
    plan_hash_work(&d, &work);
    plan_hash_text(&d, !is_online ? "batch" : o->is_chat ? "chat" : "completions");
    if (is_online)
        plan_hash_int(&d, o->warmup_requests);
    load_hash(cell->load, &d);
    digest_hex(&d, cell->sha256);
    return STATUS_OK;
}

static struct load_work work_of(const struct plan_options *o, const struct plan_cell *c,
                                int64_t repeat)
{
    return (struct load_work){.load = c->load,
                              .scenario = c->scenario,
                              .max_tokens = o->max_tokens,
                              .seed = o->seed,
                              .repeat = repeat};
}

static enum status too_many(const struct plan_cell *c, int64_t num_runs, struct err *e)
{
    bool is_online = load_is_online(c->load);
    status_fail(e, STATUS_BAD_OPTION, is_online ? "--num-prompts" : load_option(c->load),
                "more than %d requests in a repeat or %" PRId64 " in %" PRId64
                " repeats of scenario %s",
                ARRIVALS_MOST, PROMPTS_MAX_COUNT, num_runs, c->scenario->name);
    return status_hint(
        e, is_online ? "Use a smaller --num-prompts, --duration or --request-rate"
                     : "Use smaller --batch-sizes or --num-runs");
}

static enum status count_requests(const struct plan_options *o, struct arena *a,
                                  struct plan_cell *c, struct err *e)
{
    int64_t *counts = arena_alloc(a, (size_t)o->num_runs, sizeof *counts);
    if (counts == NULL)
        return status_no_memory(e, "plan");
    c->counts = counts;
    for (int64_t k = 0; k < o->num_runs; k++) {
        const struct load_work w = work_of(o, c, k);
        counts[k] = load_count(&w);
        c->most = counts[k] > c->most ? counts[k] : c->most;
        if (counts[k] == 0) {
            status_fail(e, STATUS_BAD_OPTION, "--duration",
                        "at %g requests/s none is due within %g s in repeat %" PRId64,
                        c->load->rate_rps, c->load->duration_s, k);
            return status_hint(e, "Make --duration longer, or give --num-prompts");
        }
        if (counts[k] > ARRIVALS_MOST)
            return too_many(c, o->num_runs, e);
    }
    return c->most > PROMPTS_MAX_COUNT / o->num_runs ? too_many(c, o->num_runs, e)
                                                     : STATUS_OK;
}

static size_t launches_of(const struct plan_options *o)
{
    return o->launches > 1 ? (size_t)o->launches : 1;
}

size_t plan_setting_at(size_t count, size_t launch, size_t place)
{
    size_t row = launch / 2 % (count % 2 == 0 ? count / 2 : count);
    if (launch % 2 == 1)
        place = count - 1 - place;
    size_t first = place % 2 == 1 ? (place + 1) / 2 : count - place / 2;
    return (first + row) % count;
}

static size_t arms_of(const struct plan_options *o)
{
    return o->ab_blocks > 0 ? 2 : 1;
}

static enum status fill_cells(struct plan *p, struct arena *a, struct err *e)
{
    const struct plan_options *o = &p->options;
    size_t arms = arms_of(o), of_scenario = o->load_count * arms;
    size_t of_setting = o->scenario_count * of_scenario;
    for (size_t i = 0; i < p->cell_count; i++) {
        struct plan_cell *c = &p->cells[i];
        size_t opening = i / of_setting, launch = opening / o->setting_count;
        *c = (struct plan_cell){.scenario = &o->scenarios[i % of_setting / of_scenario],
                                .load = &o->loads[i % of_scenario / arms],
                                .position = plan_setting_at(o->setting_count, launch,
                                                            opening % o->setting_count),
                                .launch = (int64_t)launch};
        c->setting = &o->settings[c->position];
        if (arms > 1)
            c->arm = i % arms == 0 ? PLAN_ARM_OFF : PLAN_ARM_ON;
        size_t back = i % arms > 0 ? 1 : of_setting;
        if (i >= back) { /* all settings, launches and arms are one draw */
            c->counts = p->cells[i - back].counts;
            c->most = p->cells[i - back].most;
        } else if (count_requests(o, a, c, e) != STATUS_OK) {
            return e->code;
        }
        c->max_tokens = lengths_cell(o->max_tokens, c->scenario, c->most);
        if (hash_cell(o, c) != STATUS_OK)
            return status_no_memory(e, "plan");
    }
    return STATUS_OK;
}

void plan_order_settings(struct plan_setting *settings, size_t count, const char *run_id)
{
    char stream[80];
    struct rng r;

    snprintf(stream, sizeof stream, "settings/%s", run_id);
    rng_init(&r, 0, stream);
    for (size_t left = count; left > 1; left--) { /* Fisher and Yates */
        size_t other = (size_t)rng_below(&r, left);
        struct plan_setting moved = settings[left - 1];
        settings[left - 1] = settings[other];
        settings[other] = moved;
    }
}

enum status plan_build(const struct plan_options *o, struct arena *a, struct plan *out,
                       struct err *e)
{
    struct plan p = {.options = *o};
    if (check_options(o, e) != STATUS_OK)
        return e->code;
    p.cell_count = launches_of(o) * o->setting_count * o->scenario_count * o->load_count *
                   arms_of(o);
    p.cell_room = p.cell_count + o->more_cells;
    p.cells = arena_alloc(a, p.cell_room, sizeof *p.cells);
    if (p.cells == NULL || hash_plan(o, p.sha256) != STATUS_OK)
        return status_no_memory(e, "plan");
    enum status s = fill_cells(&p, a, e);
    if (s == STATUS_OK)
        *out = p;
    return s;
}

enum status plan_add(struct plan *p, const struct load *load, struct arena *a,
                     struct err *e)
{
    struct load *copy = arena_alloc(a, 1, sizeof *copy);
    if (copy == NULL)
        return status_no_memory(e, "plan");
    *copy = *load;
    if (p->cell_count >= p->cell_room)
        return status_fail(e, STATUS_INTERNAL, "plan", "no room for another load");
    struct plan_cell c = p->cells[0];
    c.load = copy;
    c.most = 0;
    if (load_check(copy, e) != STATUS_OK ||
        count_requests(&p->options, a, &c, e) != STATUS_OK)
        return e->code;
    c.max_tokens = lengths_cell(p->options.max_tokens, c.scenario, c.most);
    if (hash_cell(&p->options, &c) != STATUS_OK)
        return status_no_memory(e, "plan");
    p->cells[p->cell_count++] = c;
    return STATUS_OK;
}

/* --- one repeat --- */

static enum status draw_due(const struct plan *p, const struct plan_which *w,
                            struct arena *a, int64_t **due_ns, struct err *e)
{
    const struct plan_cell *c = &p->cells[w->cell];
    size_t count = (size_t)c->counts[w->repeat];
    const struct load_work work = work_of(&p->options, c, w->repeat);
    *due_ns = NULL;
    if (!load_has_due(c->load))
        return STATUS_OK;
    *due_ns = arena_alloc(a, count, sizeof **due_ns);
    if (*due_ns == NULL)
        return status_no_memory(e, c->scenario->name);
    load_draw_due(&work, *due_ns, count);
    return STATUS_OK;
}

/* The measured requests and behind them the warm-up's, which are drawn from streams of
 * their own and have their own prefix and salt: they leave nothing in the cache that a
 * measured one could find, and change no draw. */
static enum status join(const struct plan_repeat *measured,
                        const struct plan_repeat *warm, struct arena *a,
                        struct plan_repeat *out, struct err *e)
{
    out->count = measured->count + warm->count;
    out->warmup_count = warm->count;
    out->requests = measured->requests;
    out->longest_tokens = measured->longest_tokens;
    out->expected_cached_tokens = measured->expected_cached_tokens;
    out->shares_prefix = measured->shares_prefix;
    if (warm->count == 0)
        return STATUS_OK;
    out->requests = arena_alloc(a, out->count, sizeof *out->requests);
    if (out->requests == NULL)
        return status_no_memory(e, "plan");
    memmove(out->requests, measured->requests, measured->count * sizeof *out->requests);
    for (size_t i = 0; i < warm->count; i++) {
        struct engine_request *r = &out->requests[measured->count + i];
        *r = warm->requests[i];
        r->index = (int32_t)(measured->count + i);
    }
    return STATUS_OK;
}

static struct draw draw_of(const struct plan *p, const struct plan_which *w,
                           const char *name)
{
    const struct plan_options *o = &p->options;
    const struct plan_cell *c = &p->cells[w->cell];
    bool is_online = load_is_online(c->load);
    return (struct draw){.scenario = c->scenario,
                         .cell = name,
                         .run = o->run,
                         .most = c->most,
                         .counts = c->counts,
                         .num_runs = o->num_runs,
                         .max_tokens = o->max_tokens,
                         .vocab_size = w->vocab_size,
                         .block_size = w->block_size,
                         .seed = o->seed,
                         .is_unsalted = is_online && w->lacks_salt,
                         .is_prefix_warm = o->is_prefix_warm,
                         .caching = c->setting->caching,
                         .arm = c->arm,
                         .as_text = is_online && (o->is_chat || w->lacks_ids ||
                                                  c->scenario->text_count > 0),
                         .is_online = is_online};
}

enum status plan_draw(const struct plan *p, const struct plan_which *w, struct arena *a,
                      struct plan_repeat *out, struct err *e)
{
    const struct plan_options *o = &p->options;
    char load[LOAD_NAME_BYTES], warm_load[LOAD_NAME_BYTES + 8];
    struct plan_repeat measured, warm = {0}, r;
    if (w->cell >= p->cell_count || w->repeat < 0 || w->repeat >= o->num_runs)
        return status_fail(e, STATUS_INTERNAL, "plan",
                           "no repeat %" PRId64 " of cell %zu", w->repeat, w->cell);
    load_name(p->cells[w->cell].load, load);
    snprintf(warm_load, sizeof warm_load, "%s-warmup", load);
    struct draw d = draw_of(p, w, load);
    enum status s = draw_repeat(&d, w->repeat, a, &measured, e);
    if (s == STATUS_OK && o->warmup_requests > 0) {
        d.cell = warm_load;
        d.most = o->warmup_requests;
        d.counts = NULL;
        d.first_text = measured.count;
        s = draw_requests(&d, w->repeat, a, &warm, e);
    }
    if (s == STATUS_OK)
        s = join(&measured, &warm, a, &r, e);
    if (s == STATUS_OK)
        s = draw_due(p, w, a, &r.due_ns, e);
    if (s == STATUS_OK)
        *out = r;
    return s;
}

double plan_send_s(const struct plan *p, size_t cell, int64_t repeat)
{
    const struct plan_cell *c = &p->cells[cell];
    const struct load_work w = work_of(&p->options, c, repeat);
    return load_send_s(&w, (size_t)c->counts[repeat]);
}

/* A text that is not blank has tokens, or the tokenizer knows none. */
static const char *why_no_tokens(const char *text)
{
    return str_trim(str_from(text)).len == 0
               ? "Remove the empty prompt"
               : "It is not empty: the model's tokenizer files are missing or damaged";
}

enum status plan_check_texts(const struct plan *p, struct err *e)
{
    const struct plan_options *o = &p->options;
    const struct lengths lengths = {o->max_tokens, o->max_model_len};

    for (size_t i = 0; i < o->scenario_count; i++) {
        const struct scenario *s = &o->scenarios[i];
        for (size_t k = 0; k < s->text_count; k++) {
            char where[160];
            snprintf(where, sizeof where, "scenario %s, text %zu", s->name, k + 1);
            if (s->texts[k].id_count == 0) {
                status_fail(e, STATUS_BAD_INPUT, where, "no tokens");
                return status_hint(e, "%s", why_no_tokens(s->texts[k].text));
            }
            enum status st = lengths_check(&lengths, where, (int64_t)s->texts[k].id_count,
                                           lengths_answer(o->max_tokens, s, k), e);
            if (st != STATUS_OK)
                return st;
        }
    }
    return STATUS_OK;
}
