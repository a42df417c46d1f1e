#include "bench/offline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/collect.h"
#include "bench/repeat.h"
#include "bench/setting.h"
#include "stats/settle.h"

#define EVENT_BATCH      256
#define REPEAT_CAP_BYTES ((size_t)8 << 30)
#define WAIT_S           0.2

struct offline_note {
    const char *text;
    const struct offline_note *next;
};

static bool fits_open_engine(const struct offline *o, const struct plan_cell *cell)
{
    const struct plan_cell *open = &o->plan->cells[o->open_cell];
    return o->session.engine != NULL && open->setting == cell->setting &&
           (!o->loads_per_batch || open->load->batch_size == cell->load->batch_size);
}

/* Prints what an engine says of itself, the first time that it says it. */
static void tell_note(struct offline *o, const char *text)
{
    if (text == NULL)
        return;
    for (const struct offline_note *n = o->notes; n != NULL; n = n->next)
        if (strcmp(n->text, text) == 0)
            return;
    log_line(o->log, LOG_NOTE, "%s", text);
    struct offline_note *told = arena_alloc(o->arena, 1, sizeof *told);
    const char *copy = arena_strdup(o->arena, text);
    if (told == NULL || copy == NULL)
        return;
    *told = (struct offline_note){.text = copy, .next = o->notes};
    o->notes = told;
}

static enum status open_for(struct offline *o, size_t index, struct err *e)
{
    const struct plan_cell *cell = &o->plan->cells[index];
    struct engine_settings s = o->settings;
    session_close(&o->session);
    s.enable_prefix_caching = cell->caching;
    if (o->loads_per_batch)
        s.max_num_seqs = cell->load->batch_size;
    o->open_cell = index;
    o->openings++;
    if (session_open(&o->session, o->ops, &s, &o->watch, e) != STATUS_OK)
        return e->code;
    tell_note(o, o->session.facts.notes);
    return session_tokenize(&o->session, o->plan, o->arena, e);
}

/* The cell's own fields over what the engine says of itself. */
static void cell_fields(const struct offline *o, const struct plan_cell *cell,
                        struct row *f)
{
    bool is_open = o->session.engine != NULL;
    if (is_open)
        *f = o->session.facts.fields;
    f->v[FIELD_scenario] = value_str(cell->scenario->name);
    f->v[FIELD_batch_size] = value_int(cell->load->batch_size);
    f->v[FIELD_max_output_tokens] = value_int(cell->max_tokens);
    f->v[FIELD_dataset] = value_str(cell->scenario->dataset);
    f->v[FIELD_plan_sha256] = value_str(cell->sha256);
    f->v[FIELD_stop_at_eos] = value_bool(o->settings.stop_at_eos);
    f->v[FIELD_enable_prefix_caching] = value_bool(is_open ? o->session.facts.is_caching
                                                           : cell->caching);
    const char *hardware = o->hardware_type;
    if (hardware == NULL)
        hardware = is_open ? o->session.facts.hardware_type : "unknown";
    f->v[FIELD_hardware_type] = value_str(hardware);
    if ((o->ops->flags & ENGINE_SIMULATED) != 0)
        f->v[FIELD_is_simulated] = value_bool(true);
    else if (f->v[FIELD_is_simulated].kind == VALUE_ABSENT)
        f->v[FIELD_is_simulated] = value_bool(false);
}

static enum status fill_setting(const struct offline *o, const struct plan_cell *cell,
                                struct arena *a, struct row *f, struct err *e)
{
    const struct setting_place p = {.run_id = o->run_id,
                                    .engine = o->ops->name,
                                    .opening = o->openings,
                                    .position = (int64_t)cell->setting + 1};
    bool is_open = o->session.engine != NULL;
    return setting_fill(&p, is_open ? &o->session.facts : NULL, a, f, e);
}

static enum status draw(const struct offline *o, struct plan_which which, struct arena *a,
                        struct plan_repeat *out, struct err *e)
{
    which.vocab_size = o->session.facts.vocab_size;
    which.block_size = o->session.facts.block_size;
    return plan_draw(o->plan, &which, a, out, e);
}

static enum status write_cell(struct offline *o, size_t index, struct err *e)
{
    const struct plan_cell *cell = &o->plan->cells[index];
    struct cell_data data = {.has_fixed_lengths = !o->settings.stop_at_eos,
                             .has_gaps = o->with_gaps,
                             .longest_prompt_tokens = TOKENS_UNKNOWN};
    struct arena a;
    struct plan_repeat first;
    enum status s = STATUS_OK;
    arena_init(&a, REPEAT_CAP_BYTES);
    if (o->session.engine != NULL) {
        s = draw(o, (struct plan_which){.cell = index, .repeat = 1}, &a, &first, e);
        if (s == STATUS_OK) {
            data.shares_prefix = first.shares_prefix;
            data.longest_prompt_tokens = first.longest_tokens;
        }
    } else if (cell->scenario->text_count == 0) {
        data.longest_prompt_tokens = cell->scenario->shared_tokens +
                                     cell->scenario->own_tokens;
    }
    cell_fields(o, cell, &data.fields);
    if (s == STATUS_OK)
        s = fill_setting(o, cell, &a, &data.fields, e);
    if (s == STATUS_OK)
        s = journal_cell(o->journal, index, &data, e);
    arena_fini(&a);
    return s;
}

/* Events until every request has ended. STATUS_INTERRUPTED and failures of the engine
 * leave the rest of the requests open. */
static enum status run_requests(struct offline *o, const struct plan_repeat *plan,
                                struct collect *c, struct err *e)
{
    struct event events[EVENT_BATCH];
    const struct engine_ops *ops = o->ops;
    for (size_t i = 0; i < plan->count; i++)
        if (ops->submit(o->session.lane, &plan->requests[i], e) != STATUS_OK)
            return e->code;
    while (c->ended < c->count) {
        struct event_list list = {.items = events, .cap = EVENT_BATCH};
        struct instant until = clock_after(clock_now(), clock_seconds(WAIT_S));
        if (ops->next(o->session.lane, until, &o->watch, &list, e) != STATUS_OK)
            return e->code;
        for (size_t i = 0; i < list.count; i++)
            if (collect_event(c, &events[i], e) != STATUS_OK)
                return e->code;
    }
    return STATUS_OK;
}

static enum status empty_cache(struct offline *o, int64_t repeat, struct err *e)
{
    bool is_done = false;
    enum status s = repeat_empty_cache(&o->session, o->plan->options.is_prefix_warm,
                                       repeat, &is_done, e);
    if (s == STATUS_OK && !is_done && repeat == 0)
        log_line(o->log, LOG_DEBUG,
                 "the prefix cache could not be cleared: each repeat uses a new prefix "
                 "instead");
    return s;
}

static double output_tokens_per_s(const struct repeat_data *r)
{
    int64_t tokens = 0, first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < r->request_count; i++) {
        const struct request_record *q = &r->requests[i];
        if (q->status != RECORD_OK || q->last_ns == NS_UNKNOWN)
            continue;
        tokens += q->tokens_out;
        first = q->sent_ns < first ? q->sent_ns : first;
        last = q->last_ns > last ? q->last_ns : last;
    }
    return last > first ? (double)tokens * 1e9 / (double)(last - first) : (double)NAN;
}

static enum status write_repeat(struct offline *o, struct repeat_data *r, struct err *e)
{
    for (size_t i = 0; i < r->request_count; i++)
        if (journal_request(o->journal, r, &r->requests[i], o->with_gaps, e) != STATUS_OK)
            return e->code;
    if (journal_repeat_end(o->journal, r, e) != STATUS_OK)
        return e->code;
    settle_repeat(r); /* what is written is raw */
    progress_repeat_done(o->progress, output_tokens_per_s(r), r->error);
    return STATUS_OK;
}

/* A repeat of which nothing succeeded measured nothing: its error is the first request's.
 */
static enum status all_failed(struct repeat_data *r, struct err *why)
{
    for (size_t i = 0; i < r->request_count; i++)
        if (r->requests[i].status == RECORD_OK)
            return STATUS_OK;
    r->error = r->requests[0].error != NULL ? r->requests[0].error
                                            : "every request failed";
    return status_fail(why, STATUS_ENGINE, "every request failed", "%s", r->error);
}

/* Sends the requests of r and books what came of them. The return value and *why tell
 * what ended the repeat early; *e is set only where nothing more can be recorded. */
static enum status measure(struct offline *o, struct repeat_data *r,
                           const struct plan_repeat *plan, struct arena *a,
                           struct err *why)
{
    struct collect c;
    struct err later;
    if (collect_init(&c, plan, o->journal->start, a, why) != STATUS_OK)
        return why->code;
    sampler_begin(o->session.sampler);
    enum status s = run_requests(o, plan, &c, why);
    sampler_end(o->session.sampler, &r->fields);
    if (s == STATUS_OK)
        s = o->ops->counters(o->session.engine, &r->fields, why);
    r->error = repeat_cause(s, why, a);
    enum fail_class fail = s == STATUS_OK || s == STATUS_INTERRUPTED ? FAIL_none
                                                                     : FAIL_engine;
    if (collect_finish(&c, fail, r->error, &r->requests, &later) != STATUS_OK) {
        *why = later;
        return later.code;
    }
    r->request_count = c.count;
    if (s == STATUS_OK && r->requests[0].status == RECORD_FAILED)
        s = all_failed(r, why);
    return s;
}

static enum status run_repeat(struct offline *o, size_t cell, int64_t repeat,
                              struct err *why, struct err *e)
{
    struct arena a;
    struct plan_repeat plan = {0};
    struct repeat_data r = {
        .cell = (int32_t)cell, .repeat = (int32_t)repeat, .is_warmup = repeat == 0};
    arena_init(&a, REPEAT_CAP_BYTES);
    enum status s = draw(o, (struct plan_which){.cell = cell, .repeat = repeat}, &a,
                         &plan, why);
    if (s == STATUS_OK)
        s = empty_cache(o, repeat, why);
    const struct plan_cell *pc = &o->plan->cells[cell];
    progress_repeat(o->progress, o->progress->cell, repeat,
                    pc->max_tokens * (int64_t)plan.count);
    r.requests_planned = pc->load->batch_size;
    r.expected_cached_tokens = s == STATUS_OK ? plan.expected_cached_tokens
                                              : TOKENS_UNKNOWN;
    r.start_ns = clock_since(o->journal->start).ns;
    enum status w = journal_repeat(o->journal, &r, e);
    if (w == STATUS_OK && s == STATUS_OK)
        s = measure(o, &r, &plan, &a, why);
    if (s != STATUS_OK && r.error == NULL)
        r.error = repeat_cause(s, why, &a);
    if (w == STATUS_OK)
        w = write_repeat(o, &r, e);
    arena_fini(&a);
    return w != STATUS_OK ? w : s;
}

/* The row of a cell whose engine did not open. */
static enum status record_unopened(struct offline *o, size_t cell, const struct err *why,
                                   struct err *e)
{
    int64_t start_ns = clock_since(o->journal->start).ns;
    struct repeat_data r = repeat_unopened(cell, start_ns, why);
    r.requests_planned = o->plan->cells[cell].load->batch_size;
    if (write_cell(o, cell, e) != STATUS_OK ||
        journal_repeat(o->journal, &r, e) != STATUS_OK)
        return e->code;
    return write_repeat(o, &r, e);
}

static const char *cell_name(const struct offline *o, size_t index)
{
    const struct plan_cell *c = &o->plan->cells[index];
    const char *name = arena_printf(o->arena, "%s bs=%lld cache=%s", c->scenario->name,
                                    (long long)c->load->batch_size,
                                    c->caching ? "on" : "off");
    return name != NULL ? name : c->scenario->name;
}

struct cell_run {
    struct offline *o;
    size_t cell;
};

static enum status run_one(void *arg, int64_t repeat, struct err *why, struct err *e)
{
    const struct cell_run *c = arg;
    return run_repeat(c->o, c->cell, repeat, why, e);
}

static enum status run_cell(void *arg, size_t index, struct err *why, struct err *e)
{
    struct offline *o = arg;
    enum status s = STATUS_OK;
    progress_repeat(o->progress, cell_name(o, index), 0, 0);
    if (!fits_open_engine(o, &o->plan->cells[index]))
        s = open_for(o, index, why);
    if (s != STATUS_OK) {
        session_close(&o->session);
        enum status w = record_unopened(o, index, why, e);
        return w != STATUS_OK ? w : s;
    }
    if (write_cell(o, index, e) != STATUS_OK)
        return e->code;
    struct cell_run c = {.o = o, .cell = index};
    const struct repeats all = {.count = o->plan->options.num_runs,
                                .watch = &o->watch,
                                .arg = &c,
                                .run = run_one};
    s = repeat_all(&all, why, e);
    if (s != STATUS_OK)
        session_close(&o->session);
    return s;
}

enum status offline_run(struct offline *o, struct cells_outcome *out, struct err *e)
{
    const struct cells cells = {.count = o->plan->cell_count,
                                .pause = o->pause,
                                .log = o->log,
                                .arg = o,
                                .run = run_cell};
    enum status s = cells_run(&cells, out, e);
    session_close(&o->session);
    return s;
}
