#include "bench/kind.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "bench/batch.h"
#include "bench/served.h"

/* --- batch --- */

static void batch_label(const struct plan_cell *cell, char out[KIND_LABEL_BYTES])
{
    snprintf(out, KIND_LABEL_BYTES, "bs=%" PRId64 "%s", cell->load->batch_size,
             cell->arm != PLAN_ARM_NONE ? draw_arm_label(cell->arm)
             : cell->setting->caching   ? " cache=on"
                                        : " cache=off");
}

static void batch_fields(const struct bench *b, const struct plan_cell *cell,
                         struct row *f)
{
    const struct session *s = &b->session;
    bool is_caching = s->engine != NULL ? s->facts.is_caching : cell->setting->caching;
    f->v[FIELD_batch_size] = value_int(cell->load->batch_size);
    f->v[FIELD_enable_prefix_caching] = value_bool(is_caching);
    if (f->v[FIELD_is_simulated].kind == VALUE_ABSENT)
        f->v[FIELD_is_simulated] = value_bool(false);
}

/* --- closed and open: on a server --- */

static struct value option_value(int64_t option)
{
    return option != OPT_INT_UNSET ? value_int(option) : value_null();
}

static void be_null(struct value *v)
{
    if (v->kind == VALUE_ABSENT)
        *v = value_null();
}

/* How requests come and go, as it was asked for; what the server does not tell of itself
 * is unknown. */
static void served_fields(const struct bench *b, const struct plan_cell *cell,
                          struct row *f)
{
    const struct engine_target *t = b->session.settings.target;
    const struct load *load = cell->load;
    f->v[FIELD_endpoint] = value_str(t->endpoint);
    f->v[FIELD_arrival] = value_str(load_arrival(load));
    f->v[FIELD_ramp_up_s] = value_num(load->ramp_up_s);
    f->v[FIELD_num_prompts] = option_value(load->num_prompts);
    f->v[FIELD_duration_s] = value_num(load->duration_s);
    f->v[FIELD_warmup_requests] = value_int(b->plan->options.warmup_requests);
    f->v[FIELD_is_streamed] = value_bool(t->is_stream);
    f->v[FIELD_is_keepalive] = value_bool(t->is_keepalive);
    f->v[FIELD_token_counts] = value_str(t->token_counts);
    f->v[FIELD_extra_body] = value_json(b->body_json);
    if (b->slo_json != NULL)
        f->v[FIELD_slo] = value_json(b->slo_json);
    be_null(&f->v[FIELD_enable_prefix_caching]);
    be_null(&f->v[FIELD_is_simulated]);
}

static void closed_label(const struct plan_cell *cell, char out[KIND_LABEL_BYTES])
{
    snprintf(out, KIND_LABEL_BYTES, "c=%" PRId64 "%s", cell->load->concurrency,
             draw_arm_label(cell->arm));
}

static void closed_fields(const struct bench *b, const struct plan_cell *cell,
                          struct row *f)
{
    served_fields(b, cell, f);
    f->v[FIELD_batch_size] = value_int(cell->load->concurrency);
    f->v[FIELD_request_rate] = value_null();
    f->v[FIELD_burstiness] = value_null();
    f->v[FIELD_max_concurrency] = value_null();
}

static void open_label(const struct plan_cell *cell, char out[KIND_LABEL_BYTES])
{
    snprintf(out, KIND_LABEL_BYTES, "%g/s%s", cell->load->rate_rps,
             draw_arm_label(cell->arm));
}

static void open_fields(const struct bench *b, const struct plan_cell *cell,
                        struct row *f)
{
    const struct load *load = cell->load;
    bool is_at_once = isinf(load->rate_rps);
    bool is_gamma = load->arrival == LOAD_GAMMA && !is_at_once;
    served_fields(b, cell, f);
    f->v[FIELD_batch_size] = value_null();
    f->v[FIELD_request_rate] = is_at_once ? value_str("inf") : value_num(load->rate_rps);
    f->v[FIELD_burstiness] = is_gamma ? value_num(load->burstiness) : value_null();
    f->v[FIELD_max_concurrency] = option_value(load->max_concurrency);
}

/* --- all kinds --- */

static const struct kind kinds[LOAD_KIND_COUNT] = {
    [LOAD_BATCH] = {batch_run, batch_tell, batch_label, batch_fields},
    [LOAD_CLOSED] = {served_run, served_tell, closed_label, closed_fields},
    [LOAD_OPEN] = {served_run, served_tell, open_label, open_fields},
};

const struct kind *kind_of(const struct load *l)
{
    return &kinds[l->kind];
}
