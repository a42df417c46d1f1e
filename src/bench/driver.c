#include "bench/driver.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "bench/cell.h"
#include "bench/kind.h"
#include "plan/blocks.h"

#define REPEAT_CAP_BYTES ((size_t)16 << 30)
#define NO_CELL          SIZE_MAX

struct note {
    const char *text;
    const struct note *next;
};

struct driving {
    const struct driver *d;
    struct bench *b;
    struct next_outcome *past; /* [count], room for `room` */
    size_t count, room;
    size_t cell;              /* of the last turn; NO_CELL: none */
    bool *is_written;         /* [cell_room] is its line in the journal? */
    size_t open_cell;         /* that the session was opened for */
    const struct note *notes; /* of engines, already told */
};

/* --- the engine of a cell --- */

static bool fits_open_engine(const struct driving *g, const struct plan_cell *cell)
{
    const struct plan_cell *open = &g->b->plan->cells[g->open_cell];
    return g->b->session.engine != NULL && open->setting == cell->setting &&
           open->launch == cell->launch &&
           (!g->d->loads_per_batch || open->load->batch_size == cell->load->batch_size);
}

/* Prints what an engine says of itself, the first time that it says it. */
static void tell_note(struct driving *g, const char *text)
{
    struct bench *b = g->b;
    if (text == NULL)
        return;
    for (const struct note *n = g->notes; n != NULL; n = n->next)
        if (strcmp(n->text, text) == 0)
            return;
    log_line(b->log, LOG_NOTE, "%s", text);
    struct note *told = arena_alloc(b->arena, 1, sizeof *told);
    const char *copy = arena_strdup(b->arena, text);
    if (told == NULL || copy == NULL)
        return;
    *told = (struct note){.text = copy, .next = g->notes};
    g->notes = told;
}

static enum status open_for(struct driving *g, size_t index, struct err *e)
{
    struct bench *b = g->b;
    const struct plan_cell *cell = &b->plan->cells[index];
    session_close(&b->session);
    b->session.settings.enable_prefix_caching = cell->setting->caching;
    b->session.settings.max_model_len = cell->setting->max_model_len;
    b->session.settings.rest = cell->setting->words;
    if (g->d->loads_per_batch)
        b->session.settings.max_num_seqs = cell->load->batch_size;
    g->open_cell = index;
    b->openings++;
    if (session_open(&b->session, &b->watch, e) != STATUS_OK)
        return e->code;
    tell_note(g, b->session.facts.notes);
    return load_is_online(cell->load)
               ? STATUS_OK
               : session_tokenize(&b->session, b->plan, b->arena, e);
}

/* The row of a cell whose engine did not open. */
static enum status record_unopened(struct bench *b, size_t index, const struct err *why,
                                   struct err *e)
{
    const struct plan_cell *cell = &b->plan->cells[index];
    struct repeat_data r = {.cell = (int32_t)index,
                            .is_warmup = true,
                            .start_ns = clock_since(b->journal->start).ns,
                            .expected_cached_tokens = TOKENS_UNKNOWN,
                            .error = why->code == STATUS_INTERRUPTED ? "interrupted"
                                                                     : why->what};
    if (!load_is_online(cell->load))
        r.requests_planned = cell->counts[0];
    if (cell_write(b, index, e) != STATUS_OK ||
        journal_repeat(b->journal, &r, e) != STATUS_OK ||
        journal_repeat_end(b->journal, &r, e) != STATUS_OK)
        return e->code;
    progress_repeat_done(b->progress, (double)NAN, r.error);
    return STATUS_OK;
}

static enum status begin_cell(struct driving *g, size_t index, struct err *why,
                              struct err *e)
{
    struct bench *b = g->b;
    bool is_other_arm = g->cell != NO_CELL &&
                        next_group(b->plan, index) == next_group(b->plan, g->cell);
    if (g->cell != NO_CELL && !is_other_arm && g->d->pause.run != NULL)
        g->d->pause.run(g->d->pause.arg);
    g->cell = index;
    b->in_flight_mean = 0;
    b->is_short_told = false;
    progress_repeat(b->progress, cell_name(b, index), 0, 0);
    if (!fits_open_engine(g, &b->plan->cells[index]) &&
        open_for(g, index, why) != STATUS_OK) {
        session_close(&b->session);
        enum status w = record_unopened(b, index, why, e);
        return w != STATUS_OK ? w : why->code;
    }
    if (g->is_written[index])
        return STATUS_OK;
    g->is_written[index] = true;
    return cell_write(b, index, e);
}

/* --- repeats --- */

/* Cold: emptied before each repeat; warm: before the first one of the cell. Of several
 * processes one does it. */
static enum status empty_cache(struct bench *b, int64_t repeat, struct err *e)
{
    bool is_done = true;
    const struct session *s = &b->session;
    if (!s->facts.is_caching || (b->plan->options.is_prefix_warm && repeat > 0) ||
        b->share.rank > 0)
        return STATUS_OK;
    enum status st = s->ops->reset_prefix(s->engine, &is_done, e);
    if (st == STATUS_OK && !is_done && repeat == 0)
        log_line(b->log, LOG_DEBUG,
                 "the prefix cache could not be cleared: each repeat uses a new prefix "
                 "instead");
    return st;
}

static enum status draw(struct bench *b, struct bench_repeat *r, struct err *why)
{
    struct repeat_data *d = &r->data;
    const struct plan_cell *cell = &b->plan->cells[d->cell];
    const struct load *load = cell->load;
    const struct plan_which which = {.cell = (size_t)d->cell, .repeat = d->repeat};
    enum status s = cell_draw(b, which, r->arena, &r->plan, why);
    if (s == STATUS_OK)
        s = empty_cache(b, d->repeat, why);
    if (s == STATUS_OK)
        s = share_take(&b->share, r->arena, &r->plan, why);
    int64_t count = (int64_t)(r->plan.count - r->plan.warmup_count);
    progress_repeat(b->progress, b->progress->cell, d->repeat, cell->max_tokens * count);
    d->expected_cached_tokens = s == STATUS_OK ? r->plan.expected_cached_tokens
                                               : TOKENS_UNKNOWN;
    bool is_timed = !load_has_due(load) && load->duration_s > 0; /* NAN is not */
    d->requests_planned = is_timed ? 0 :                         /* as many as fit */
                              share_part(cell->counts[d->repeat], b->share.rank,
                                         share_count(&b->share));
    d->start_ns = clock_since(b->journal->start).ns;
    return s;
}

static enum status run_repeat(struct bench *b, struct next_turn turn, struct err *why,
                              struct err *e)
{
    struct arena a;
    struct bench_repeat r = {
        .data = {.cell = (int32_t)turn.cell,
                 .repeat = (int32_t)turn.repeat,
                 .is_warmup = blocks_is_warmup(b->plan, turn.repeat)},
        .arena = &a};
    const struct kind *kind = kind_of(b->plan->cells[turn.cell].load);
    arena_init(&a, REPEAT_CAP_BYTES);
    b->last_load = progress_load_unknown();
    enum status s = draw(b, &r, why);
    enum status w = journal_repeat(b->journal, &r.data, e);
    if (w == STATUS_OK && s == STATUS_OK)
        s = kind->run(b, &r, why, e);
    if (s != STATUS_OK && r.data.error == NULL)
        r.data.error = bench_cause(s, why, &a);
    int64_t block = blocks_of(b->plan, turn.repeat);
    if (block >= 0)
        r.data.fields.v[FIELD_ab_block] = value_int(block);
    if (e->code == STATUS_OK)
        w = journal_repeat_end(b->journal, &r.data, e);
    if (e->code == STATUS_OK)
        kind->tell(b, &r.data);
    arena_fini(&a);
    return w != STATUS_OK ? w : s;
}

/* --- the run --- */

/* One repeat, and what its cell needs before it. A code equal to e->code: the run cannot
 * go on; else that of *why. */
static enum status take_turn(struct driving *g, struct next_turn turn, struct err *why,
                             struct err *e)
{
    struct bench *b = g->b;
    const struct engine_watch *watch = &b->watch;
    enum status s = STATUS_OK;
    if (turn.cell != g->cell || b->session.engine == NULL)
        s = begin_cell(g, turn.cell, why, e);
    if (s == STATUS_OK)
        s = run_repeat(b, turn, why, e);
    const struct driver_peers *peers = &g->d->peers;
    if (peers->ended != NULL && e->code == STATUS_OK)
        s = peers->ended(peers->arg, s, why, e);
    if (s == STATUS_OK && watch->stop != NULL && watch->stop(watch->arg))
        s = status_fail(why, STATUS_INTERRUPTED, "run", "stopped by a signal");
    if (s != STATUS_OK)
        session_close(&b->session);
    return s;
}

static enum status remember(struct driving *g, struct next_turn turn, enum status s,
                            struct err *e)
{
    if (!mem_grow(&g->past, g->count, &g->room, sizeof *g->past))
        return status_no_memory(e, "run");
    double end_s = clock_to_s(clock_since(g->b->journal->start));
    g->past[g->count++] = (struct next_outcome){turn, s, (double)NAN, end_s};
    return STATUS_OK;
}

static void note_failure(const struct driving *g, struct driver_outcome *out,
                         const struct err *why)
{
    out->cells_failed++;
    if (out->first.code == STATUS_OK)
        out->first = *why;
    log_error(g->b->log, why);
}

/* Whether there is one; values that it depends on are asked for. Of several processes the
 * first decides for all. */
static bool next_turn(struct driving *g, struct next_turn *turn, struct err *e)
{
    const struct bench *b = g->b;
    next_policy *policy = g->d->policy != NULL ? g->d->policy : next_of_grid;
    const struct driver_values *v = &g->d->values;
    const struct driver_peers *peers = &g->d->peers;
    bool has_turn = false;
    if (b->share.rank == 0) {
        if (v->run != NULL && v->run(v->arg, g->past, g->count, e) != STATUS_OK)
            return false;
        has_turn = policy(b->plan, &(struct next_history){g->past, g->count}, turn);
    }
    if (peers->turn != NULL && peers->turn(peers->arg, turn, &has_turn, e) != STATUS_OK)
        return false;
    return has_turn;
}

static enum status run_all(struct driving *g, struct driver_outcome *out, struct err *e)
{
    struct next_turn turn;
    while (next_turn(g, &turn, e)) {
        struct err why = {.code = STATUS_OK};
        enum status s = take_turn(g, turn, &why, e);
        if (e->code != STATUS_OK || remember(g, turn, s, e) != STATUS_OK)
            return e->code;
        out->is_interrupted = s == STATUS_INTERRUPTED;
        if (out->is_interrupted)
            return STATUS_OK;
        if (s != STATUS_OK)
            note_failure(g, out, &why);
    }
    return e->code;
}

enum status driver_run(const struct driver *d, struct driver_outcome *out, struct err *e)
{
    struct driving g = {.d = d, .b = d->bench, .cell = NO_CELL};
    *out = (struct driver_outcome){0};
    e->code = STATUS_OK;
    g.is_written = mem_alloc(g.b->plan->cell_room, sizeof *g.is_written);
    enum status s = g.is_written != NULL ? run_all(&g, out, e)
                                         : status_no_memory(e, "run");
    session_close(&g.b->session);
    mem_free(g.past);
    mem_free(g.is_written);
    out->is_complete = !out->is_interrupted && out->cells_failed == 0 && s == STATUS_OK;
    return s;
}
