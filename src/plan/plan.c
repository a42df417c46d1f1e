#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "plan/draw.h"
#include "plan/lengths.h"
#include "plan/seal.h"

#define PLAN_FORMAT \
    "inferbench plan 1" /* part of the hash: a new way to draw, a new number */
#define MAX_BATCH 1000000

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
    const struct lengths lengths = {o->max_tokens, o->max_model_len};

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
        return status_hint(e, "Use 2 or more; 4 or more give a spread");
    }
    enum status s = check_batches(o, e);
    return s != STATUS_OK
               ? s
               : lengths_scenarios(&lengths, o->scenarios, o->scenario_count, e);
}

static enum status hash_plan(const struct plan_options *o, char out[DIGEST_HEX_BYTES])
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
    for (size_t i = 0; i < o->batch_sizes.count; i++) {
        seal_int(&d, o->batch_sizes.items[i]);
    }
    seal_scenarios(&d, o->scenarios, o->scenario_count);
    digest_hex(&d, out);
    return STATUS_OK;
}

static enum status hash_cell(const struct plan_options *o, struct plan_cell *cell)
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
    seal_text(&d, "batch");
    seal_int(&d, cell->batch_size);
    digest_hex(&d, cell->sha256);
    return STATUS_OK;
}

static enum status fill_cells(struct plan *p)
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
                    .max_tokens = lengths_cell(o->max_tokens, &o->scenarios[s], batch),
                    .caching = o->caching[c],
                    .setting = c};
                if (hash_cell(o, cell) != STATUS_OK) {
                    return STATUS_NO_MEMORY;
                }
            }
        }
    }
    return STATUS_OK;
}

void plan_order_settings(bool *caching, size_t count, const char *run_id)
{
    char stream[80];
    struct rng r;

    snprintf(stream, sizeof stream, "settings/%s", run_id);
    rng_init(&r, 0, stream);
    for (size_t left = count; left > 1; left--) { /* Fisher and Yates */
        size_t other = (size_t)rng_below(&r, left);
        bool moved = caching[left - 1];
        caching[left - 1] = caching[other];
        caching[other] = moved;
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
    if (p.cells == NULL || hash_plan(o, p.sha256) != STATUS_OK ||
        fill_cells(&p) != STATUS_OK) {
        return status_fail(e, STATUS_NO_MEMORY, "plan", "out of memory for %zu cells",
                           p.cell_count);
    }
    *out = p;
    return STATUS_OK;
}

enum status plan_draw(const struct plan *p, const struct plan_which *w, struct arena *a,
                      struct plan_repeat *out, struct err *e)
{
    char cell[32];

    if (w->cell >= p->cell_count || w->repeat < 0 || w->repeat >= p->options.num_runs) {
        return status_fail(e, STATUS_INTERNAL, "plan",
                           "no repeat %" PRId64 " of cell %zu", w->repeat, w->cell);
    }
    const struct plan_cell *c = &p->cells[w->cell];
    snprintf(cell, sizeof cell, "%" PRId64, c->batch_size);
    const struct draw d = {.scenario = c->scenario,
                           .cell = cell,
                           .most = c->batch_size,
                           .num_runs = p->options.num_runs,
                           .max_tokens = p->options.max_tokens,
                           .vocab_size = w->vocab_size,
                           .block_size = w->block_size,
                           .seed = p->options.seed,
                           .is_prefix_warm = p->options.is_prefix_warm,
                           .caching = c->caching};
    return draw_repeat(&d, w->repeat, a, out, e);
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
                return status_hint(e, "Remove the empty prompt");
            }
            enum status st = lengths_check(&lengths, where, (int64_t)s->texts[k].id_count,
                                           lengths_answer(o->max_tokens, s, k), e);
            if (st != STATUS_OK) {
                return st;
            }
        }
    }
    return STATUS_OK;
}
