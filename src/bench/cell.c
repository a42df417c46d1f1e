#include "bench/cell.h"

#include "bench/kind.h"
#include "bench/setting.h"
#include "plan/blocks.h"
#include "stats/match_field.h"

#define CAP_BYTES ((size_t)16 << 30)

const char *cell_name(const struct bench *b, size_t index)
{
    const struct plan_cell *c = &b->plan->cells[index];
    char label[KIND_LABEL_BYTES];
    kind_of(c->load)->label(c, label);
    const char *setting = c->setting->name;
    const char *name = arena_printf(b->arena, "%s%s%s %s", setting != NULL ? setting : "",
                                    setting != NULL ? " " : "", c->scenario->name, label);
    return name != NULL ? name : c->scenario->name;
}

enum status cell_draw(const struct bench *b, struct plan_which which, struct arena *a,
                      struct plan_repeat *out, struct err *e)
{
    which.vocab_size = b->session.facts.vocab_size;
    which.block_size = b->session.facts.block_size;
    which.lacks_ids = b->session.facts.lacks_ids;
    which.lacks_salt = b->session.facts.lacks_salt;
    which.lacks_cache = match_field_is_caching_off(&b->session.facts.fields);
    enum status s = blocks_check(b->plan, &which, e);
    return s == STATUS_OK ? plan_draw(b->plan, &which, a, out, e) : s;
}

/* Before its planned length, an answer. */
static bool may_stop(const struct session *s)
{
    return s->settings.stop_at_eos || s->facts.lacks_lengths;
}

static void fill_fields(const struct bench *b, const struct plan_cell *cell,
                        struct row *f)
{
    const struct session *s = &b->session;
    bool is_open = s->engine != NULL;
    if (is_open)
        *f = s->facts.fields;
    if (b->model_name != NULL)
        f->v[FIELD_model_name] = value_str(b->model_name);
    if (cell->setting->name != NULL)
        f->v[FIELD_label] = value_str(cell->setting->name);
    f->v[FIELD_scenario] = value_str(cell->scenario->name);
    f->v[FIELD_max_output_tokens] = value_int(cell->max_tokens);
    f->v[FIELD_dataset] = value_str(cell->scenario->dataset);
    f->v[FIELD_plan_sha256] = value_str(cell->sha256);
    f->v[FIELD_stop_at_eos] = value_bool(may_stop(s));
    const struct scenario *sc = cell->scenario;
    if (sc->prefixes > 0)
        f->v[FIELD_prefix_share] = value_num(
            (double)sc->shared_tokens / (double)(sc->shared_tokens + sc->own_tokens));
    if (cell->arm != PLAN_ARM_NONE)
        f->v[FIELD_cache_arm] = value_str(draw_arm_name(cell->arm));
    if ((s->ops->flags & ENGINE_SIMULATED) != 0)
        f->v[FIELD_is_simulated] = value_bool(true);
    const char *hardware = b->hardware_type;
    if (hardware == NULL)
        hardware = is_open ? s->facts.hardware_type : "unknown";
    f->v[FIELD_hardware_type] = value_str(hardware);
    kind_of(cell->load)->fields(b, cell, f);
}

static enum status fill_setting(const struct bench *b, const struct plan_cell *cell,
                                struct arena *a, struct row *f, struct err *e)
{
    const struct session *s = &b->session;
    const struct setting_place p = {.run_id = b->run_id,
                                    .engine = s->ops->name,
                                    .opening = b->openings,
                                    .position = (int64_t)cell->position + 1,
                                    .number = cell->setting->number};
    return setting_fill(&p, s->engine != NULL ? &s->facts : NULL, a, f, e);
}

/* What is known of the prompts without an engine, or with it. */
static enum status fill_prompts(const struct bench *b, size_t index, struct arena *a,
                                struct cell_data *out, struct err *e)
{
    const struct plan_cell *cell = &b->plan->cells[index];
    const struct plan_which which = {.cell = index, .repeat = 1};
    struct plan_repeat first;
    out->longest_prompt_tokens = TOKENS_UNKNOWN;
    if (b->session.engine == NULL) {
        if (!load_is_online(cell->load) && cell->scenario->text_count == 0)
            out->longest_prompt_tokens = cell->scenario->shared_tokens +
                                         cell->scenario->own_tokens;
        return STATUS_OK;
    }
    if (cell_draw(b, which, a, &first, e) != STATUS_OK)
        return e->code;
    out->shares_prefix = first.shares_prefix;
    out->longest_prompt_tokens = first.longest_tokens;
    return STATUS_OK;
}

enum status cell_write(struct bench *b, size_t index, struct err *e)
{
    const struct plan_cell *cell = &b->plan->cells[index];
    const struct load *load = cell->load;
    struct cell_data data = {.has_fixed_lengths = !may_stop(&b->session),
                             .has_gaps = b->with_gaps,
                             .ramp_up_s = load->ramp_up_s};
    struct arena a;
    if (load->kind == LOAD_OPEN && load->max_concurrency != OPT_INT_UNSET)
        data.max_concurrency = load->max_concurrency;
    arena_init(&a, CAP_BYTES);
    enum status s = fill_prompts(b, index, &a, &data, e);
    fill_fields(b, cell, &data.fields);
    if (s == STATUS_OK)
        s = fill_setting(b, cell, &a, &data.fields, e);
    if (s == STATUS_OK)
        s = journal_cell(b->journal, index, &data, e);
    arena_fini(&a);
    return s;
}
