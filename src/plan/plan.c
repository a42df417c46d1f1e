#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan/hits.h"
#include "plan/prompts.h"
#include "text/digest.h"

#define PLAN_FORMAT \
    "inferbench plan 1" /* part of the hash: a new way to draw, a new number */
#define COMMON_BLOCK_TOKENS 16
#define MAX_BATCH           1000000

static bool is_given(int64_t option)
{
    return option != OPT_INT_UNSET;
}

static enum status check_length(const struct plan_options *o, const char *where,
                                int64_t prompt, int64_t answer, struct err *e)
{
    if (prompt <= o->max_model_len && answer <= o->max_model_len - prompt) {
        return STATUS_OK;
    }
    status_fail(e, STATUS_BAD_OPTION, where,
                "%" PRId64 " prompt tokens and %" PRId64 " of the answer make %" PRId64
                ", more than --max-model-len %" PRId64,
                prompt, answer, prompt + answer, o->max_model_len);
    return status_hint(
        e,
        "Use --max-model-len %" PRId64
        " or more if the model allows it, a smaller --max-tokens, or leave "
        "this scenario out of --scenarios",
        prompt + answer);
}

/* Answer tokens that request i of a scenario may have: --max-tokens, the text's own, the
 * scenario's. */
static int64_t answer_tokens(const struct plan_options *o, const struct scenario *s,
                             size_t text)
{
    if (is_given(o->max_tokens)) {
        return o->max_tokens;
    }
    if (s->text_count > 0 && is_given(s->texts[text].max_tokens)) {
        return s->texts[text].max_tokens;
    }
    return s->max_tokens;
}

/* The limit of a cell: the largest of its requests. */
static int64_t cell_tokens(const struct plan_options *o, const struct scenario *s,
                           int64_t batch_size)
{
    int64_t most = answer_tokens(o, s, 0);

    for (size_t i = 1; i < s->text_count && (int64_t)i < batch_size; i++) {
        int64_t t = answer_tokens(o, s, i);
        most = t > most ? t : most;
    }
    return most;
}

static enum status check_scenario(const struct plan_options *o, size_t index,
                                  struct err *e)
{
    const struct scenario *s = &o->scenarios[index];
    char where[96];

    snprintf(where, sizeof where, "scenario %s", s->name);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(o->scenarios[i].name, s->name) == 0) {
            return status_fail(e, STATUS_BAD_OPTION, where, "named twice");
        }
    }
    if (s->text_count > 0) {
        return STATUS_OK; /* lengths are known once the engine has tokenized them */
    }
    return check_length(o, where, s->shared_tokens + s->own_tokens,
                        answer_tokens(o, s, 0), e);
}

static enum status check_batches(const struct plan_options *o, struct err *e)
{
    for (size_t i = 0; i < o->batch_sizes.count; i++) {
        int64_t b = o->batch_sizes.items[i];
        if (b < 1 || b > MAX_BATCH) {
            return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes",
                               "%" PRId64 " is not in 1..%d", b, MAX_BATCH);
        }
        for (size_t k = 0; k < i; k++) {
            if (o->batch_sizes.items[k] == b) {
                return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes",
                                   "%" PRId64 " given twice", b);
            }
        }
    }
    return STATUS_OK;
}

static enum status check_options(const struct plan_options *o, struct err *e)
{
    if (o->scenario_count == 0) {
        return status_fail(e, STATUS_BAD_OPTION, "--scenarios", "none given");
    }
    if (o->batch_sizes.count == 0) {
        return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes", "none given");
    }
    if (o->caching_count < 1 || o->caching_count > 2) {
        return status_fail(e, STATUS_INTERNAL, "plan", "%zu caching settings",
                           o->caching_count);
    }
    if (o->num_runs < 2) {
        status_fail(e, STATUS_BAD_OPTION, "--num-runs",
                    "%" PRId64 " is too few: run 0 is the warm-up", o->num_runs);
        return status_hint(e, "Use 2 or more; from 3 on the spread is known");
    }
    if (is_given(o->max_tokens) && o->max_tokens < 1) {
        return status_fail(e, STATUS_BAD_OPTION, "--max-tokens",
                           "%" PRId64 " is not positive", o->max_tokens);
    }
    enum status s = check_batches(o, e);
    for (size_t i = 0; s == STATUS_OK && i < o->scenario_count; i++) {
        s = check_scenario(o, i, e);
    }
    return s;
}

static void hash_int(struct digest *d, int64_t v)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64 ",", v);

    digest_add(d, text, (size_t)len);
}

static void hash_text(struct digest *d, const char *text)
{
    hash_int(d, (int64_t)strlen(text));
    digest_add(d, text, strlen(text));
}

static enum status hash_plan(const struct plan_options *o, char out[DIGEST_HEX_BYTES])
{
    struct digest d;

    if (digest_init(&d) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    hash_text(&d, PLAN_FORMAT);
    hash_int(&d, o->seed);
    hash_int(&d, o->num_runs);
    hash_int(&d, o->max_tokens);
    hash_int(&d, o->is_prefix_warm);
    for (size_t i = 0; i < o->batch_sizes.count; i++) {
        hash_int(&d, o->batch_sizes.items[i]);
    }
    for (size_t i = 0; i < o->scenario_count; i++) {
        const struct scenario *s = &o->scenarios[i];
        hash_text(&d, s->name);
        hash_int(&d, s->shared_tokens);
        hash_int(&d, s->own_tokens);
        hash_int(&d, s->max_tokens);
        hash_int(&d, (int64_t)s->text_count);
        for (size_t k = 0; k < s->text_count; k++) {
            hash_text(&d, s->texts[k].text);
            hash_int(&d, s->texts[k].max_tokens);
        }
    }
    digest_hex(&d, out);
    return STATUS_OK;
}

static void fill_cells(struct plan *p)
{
    const struct plan_options *o = &p->options;
    struct plan_cell *cell = p->cells;

    for (size_t c = 0; c < o->caching_count; c++) {
        for (size_t s = 0; s < o->scenario_count; s++) {
            for (size_t b = 0; b < o->batch_sizes.count; b++, cell++) {
                int64_t batch = o->batch_sizes.items[b];
                *cell = (struct plan_cell){
                    .scenario = &o->scenarios[s],
                    .batch_size = batch,
                    .max_tokens = cell_tokens(o, &o->scenarios[s], batch),
                    .caching = o->caching[c],
                    .setting = c};
            }
        }
    }
}

enum status plan_build(const struct plan_options *o, struct arena *a, struct plan *out,
                       struct err *e)
{
    struct plan p = {.options = *o};
    enum status s = check_options(o, e);

    if (s != STATUS_OK) {
        return s;
    }
    p.cell_count = o->caching_count * o->scenario_count * o->batch_sizes.count;
    p.cells = arena_alloc(a, p.cell_count, sizeof *p.cells);
    if (p.cells == NULL || hash_plan(o, p.sha256) != STATUS_OK) {
        return status_fail(e, STATUS_NO_MEMORY, "plan", "no memory for %zu cells",
                           p.cell_count);
    }
    fill_cells(&p);
    *out = p;
    return STATUS_OK;
}

/* One repeat without its hits. */
static enum status draw_ids(const struct plan *p, const struct plan_which *w,
                            struct arena *a, struct plan_repeat *out, struct err *e)
{
    const struct plan_cell *c = &p->cells[w->cell];
    const struct scenario *s = c->scenario;
    struct prompts prompts = {.scenario = s->name,
                              .batch_size = c->batch_size,
                              .num_runs = p->options.num_runs,
                              .shared_tokens = s->shared_tokens,
                              .own_tokens = s->own_tokens,
                              .vocab_size = w->vocab_size,
                              .seed = p->options.seed,
                              .is_prefix_warm = p->options.is_prefix_warm};
    int32_t *ids;
    enum status st = prompts_draw(&prompts, w->repeat, a, &ids, e);

    if (st != STATUS_OK) {
        return st;
    }
    size_t length = (size_t)(s->shared_tokens + s->own_tokens);
    for (size_t i = 0; i < out->count; i++) {
        out->requests[i].ids = ids + i * length;
        out->requests[i].id_count = length;
    }
    return STATUS_OK;
}

/* A salt keeps the texts of one cell, and in cold runs of one repeat, from hits of
 * another's. */
static enum status take_texts(const struct plan *p, const struct plan_which *w,
                              struct arena *a, struct plan_repeat *out, struct err *e)
{
    const struct plan_cell *c = &p->cells[w->cell];
    const struct scenario *s = c->scenario;
    const char *salt = p->options.is_prefix_warm
                           ? arena_printf(a, "inferbench/%s/%" PRId64 "/warm", s->name,
                                          c->batch_size)
                           : arena_printf(a, "inferbench/%s/%" PRId64 "/%" PRId64,
                                          s->name, c->batch_size, w->repeat);

    if (salt == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, s->name, "no memory for a salt");
    }
    for (size_t i = 0; i < out->count; i++) {
        const struct plan_text *t = &s->texts[i % s->text_count];
        if (t->ids == NULL) {
            return status_fail(e, STATUS_INTERNAL, s->name, "text %zu has no token ids",
                               i % s->text_count + 1);
        }
        out->requests[i].ids = t->ids;
        out->requests[i].id_count = t->id_count;
        out->requests[i].salt = salt;
    }
    return STATUS_OK;
}

static enum status draw_requests(const struct plan *p, const struct plan_which *w,
                                 struct arena *a, struct plan_repeat *out, struct err *e)
{
    const struct plan_cell *c = &p->cells[w->cell];
    const struct scenario *s = c->scenario;

    *out = (struct plan_repeat){.count = (size_t)c->batch_size};
    out->requests = arena_alloc(a, out->count, sizeof *out->requests);
    if (out->requests == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, s->name, "no memory for %zu requests",
                           out->count);
    }
    enum status st = s->text_count > 0 ? take_texts(p, w, a, out, e)
                                       : draw_ids(p, w, a, out, e);
    if (st != STATUS_OK) {
        return st;
    }
    for (size_t i = 0; i < out->count; i++) {
        struct engine_request *r = &out->requests[i];
        r->index = (int32_t)i;
        r->max_tokens = answer_tokens(&p->options, s,
                                      s->text_count > 0 ? i % s->text_count : 0);
        if ((int64_t)r->id_count > out->longest_tokens) {
            out->longest_tokens = (int64_t)r->id_count;
        }
    }
    return STATUS_OK;
}

/* A cache as the requests fill it, in the order in which they are added. */
struct counter {
    const struct plan *plan;
    struct hits hits;
    struct arena arena; /* of repeats drawn only for their effect on the cache */
    struct err *e;
};

static enum status add_repeat(struct counter *c, const struct plan_repeat *r,
                              int64_t *sum)
{
    int64_t total = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct engine_request *q = &r->requests[i];
        int64_t cached;
        if (hits_add(&c->hits, q->ids, q->id_count, &cached) != STATUS_OK) {
            return status_fail(c->e, STATUS_NO_MEMORY, "plan",
                               "no memory to count prefix-cache hits");
        }
        total += cached;
    }
    *sum = total;
    return STATUS_OK;
}

/* Draws and adds repeats from..to-1 of the cell; *sum: hits of the last. */
static enum status add_others(struct counter *c, struct plan_which w, int64_t to,
                              int64_t *sum)
{
    enum status s = STATUS_OK;

    for (; s == STATUS_OK && w.repeat < to; w.repeat++) {
        struct plan_repeat other;
        s = draw_requests(c->plan, &w, &c->arena, &other, c->e);
        if (s == STATUS_OK) {
            s = add_repeat(c, &other, sum);
        }
    }
    return s;
}

/* Hits of repeat *out after those of the repeats that may have filled the cache for it:
 * none in a cold run, all earlier ones in a warm run. A warm repeat 0 says of repeat 1
 * whether anything is shared. */
static enum status count_hits(struct counter *c, const struct plan_which *w,
                              struct plan_repeat *out)
{
    struct plan_which first = *w, second = *w;
    bool is_warm = c->plan->options.is_prefix_warm;
    int64_t sum = 0, later = 0;
    enum status s;

    first.repeat = 0;
    second.repeat = 1;
    s = is_warm ? add_others(c, first, w->repeat, &sum) : STATUS_OK;
    if (s == STATUS_OK) {
        s = add_repeat(c, out, &sum);
    }
    if (s == STATUS_OK && is_warm && w->repeat == 0) {
        s = add_others(c, second, 2, &later);
    }
    if (s == STATUS_OK) {
        out->shares_prefix = sum > 0 || later > 0;
        out->expected_cached_tokens = w->block_size > 0 ? sum : TOKENS_UNKNOWN;
    }
    return s;
}

enum status plan_draw(const struct plan *p, const struct plan_which *w, struct arena *a,
                      struct plan_repeat *out, struct err *e)
{
    struct plan_repeat r;
    struct counter c = {.plan = p, .e = e};

    if (w->cell >= p->cell_count || w->repeat < 0 || w->repeat >= p->options.num_runs) {
        return status_fail(e, STATUS_INTERNAL, "plan",
                           "no repeat %" PRId64 " of cell %zu", w->repeat, w->cell);
    }
    enum status s = draw_requests(p, w, a, &r, e);
    if (s != STATUS_OK) {
        return s;
    }
    hits_init(&c.hits, w->block_size > 0 ? (size_t)w->block_size : COMMON_BLOCK_TOKENS);
    arena_init(&c.arena, a->cap_bytes);
    s = count_hits(&c, w, &r);
    arena_fini(&c.arena);
    hits_fini(&c.hits);
    if (s != STATUS_OK) {
        return s;
    }
    if (!p->cells[w->cell].caching) {
        r.expected_cached_tokens = 0;
    }
    *out = r;
    return STATUS_OK;
}

enum status plan_check_texts(const struct plan *p, struct err *e)
{
    const struct plan_options *o = &p->options;

    for (size_t i = 0; i < o->scenario_count; i++) {
        const struct scenario *s = &o->scenarios[i];
        for (size_t k = 0; k < s->text_count; k++) {
            char where[160];
            snprintf(where, sizeof where, "scenario %s, text %zu", s->name, k + 1);
            if (s->texts[k].id_count == 0) {
                status_fail(e, STATUS_BAD_INPUT, where, "no tokens");
                return status_hint(e, "An empty prompt cannot be answered: remove it");
            }
            enum status st = check_length(o, where, (int64_t)s->texts[k].id_count,
                                          answer_tokens(o, s, k), e);
            if (st != STATUS_OK) {
                return st;
            }
        }
    }
    return STATUS_OK;
}
