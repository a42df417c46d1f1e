/* From options to a plan, the server's settings and the journal's header. */
#include <string.h>

#include "cli/online_job.h"
#include "cli/online_loads.h"
#include "cli/online_target.h"
#include "cli/run_setup.h"
#include "engines/registry.h"

#define ENGINE               "openai"
#define LAUNCHED_MODEL       "Qwen/Qwen3-0.6B"
#define DEFAULT_NUM_SEQS     256
#define DEFAULT_VOCABULARY   10000
#define LENGTH_ANSWER_TOKENS 128 /* of --input-len scenarios, as of the built-in ones */

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "options", "out of memory");
}

/* The machine is the server's: what this one is says nothing of a remote one. */
static const char *instance_of(const struct online_job *j)
{
    if (j->opts.run.instance_type != NULL || j->is_local)
        return j->opts.run.instance_type;
    return "unknown";
}

/* --- the plan --- */

/* Scenarios in128, in1024 ... of --input-len, behind the others; without any other asked
 * for, alone. */
static enum status pick_scenarios(struct online_job *j, struct scenario_list *out,
                                  struct err *e)
{
    const struct online_opts *o = &j->opts;
    bool is_alone = o->input_len.count > 0 && run_setup_is_unnamed(&j->job) &&
                    o->run.scenario_files.count == 0 && o->run.datasets.count == 0;
    struct scenario_list others = {0};
    if (!is_alone && run_setup_scenarios(&j->job, &others, e) != STATUS_OK)
        return e->code;
    struct scenario *all = arena_alloc(&j->job.run.arena,
                                       others.count + o->input_len.count, sizeof *all);
    if (all == NULL)
        return no_memory(e);
    if (others.count > 0)
        memcpy(all, others.items, others.count * sizeof *all);
    *out = (struct scenario_list){all, others.count};
    for (size_t i = 0; i < o->input_len.count; i++) {
        int64_t tokens = o->input_len.items[i];
        const char *name = arena_printf(&j->job.run.arena, "in%lld", (long long)tokens);
        if (name == NULL)
            return no_memory(e);
        all[out->count++] = (struct scenario){.name = name,
                                              .help = "from --input-len",
                                              .own_tokens = tokens,
                                              .max_tokens = LENGTH_ANSWER_TOKENS};
    }
    return STATUS_OK;
}

/* A server that is not ours is planned for as if it cached: how it is set is read back.
 */
static void pick_caching(const struct online_opts *o, struct plan_options *out)
{
    out->caching[0] = !o->launch || o->enable_prefix_caching;
    out->caching[1] = true;
    out->caching_count = 1;
    if (o->test_prefix_caching) {
        out->caching[0] = false;
        out->caching_count = 2;
    }
}

static enum status build_plan(struct online_job *j, struct err *e)
{
    const struct online_opts *opts = &j->opts;
    struct scenario_list scenarios = {0};
    struct plan_options o = {.max_tokens = opts->run.max_tokens,
                             .num_runs = opts->run.num_runs,
                             .warmup_requests = opts->warmup_requests,
                             .is_prefix_warm = strcmp(opts->run.prefix_reuse, "warm") ==
                                               0,
                             .is_chat = strcmp(opts->endpoint, "chat") == 0,
                             .max_model_len = opts->launch ? opts->max_model_len : 0,
                             .seed = opts->run.seed};
    pick_caching(opts, &o);
    if (run_setup_identify(&j->job, o.caching, o.caching_count, e) != STATUS_OK)
        return e->code;
    o.run = field_str(&j->job.run.data.fields, FIELD_run_id);
    if (pick_scenarios(j, &scenarios, e) != STATUS_OK)
        return e->code;
    o.scenarios = scenarios.items;
    o.scenario_count = scenarios.count;
    if (online_loads_build(&j->job.parse, opts, &j->job.run.arena, &o, e) != STATUS_OK)
        return e->code;
    if (online_loads_cap_is_closed(opts))
        log_line(
            &j->job.cli->log, LOG_NOTE,
            "note: --max-concurrency without --request-rate means --concurrency %lld",
            (long long)opts->max_concurrency);
    return plan_build(&o, &j->job.run.arena, &j->plan, e);
}

/* --- the server --- */

/* What the user's words for a launched server say to the plan. */
static enum status settle_engine(struct online_job *j, struct err *e)
{
    struct engine_settings s = {.max_model_len = j->opts.max_model_len,
                                .rest = j->job.parse.rest,
                                .own = &j->opts.vllm};
    if (registry_find(ENGINE, ENGINE_ONLINE, &j->ops, e) != STATUS_OK ||
        j->ops.settle(&s, &j->opts.vllm, e) != STATUS_OK)
        return e->code;
    j->opts.max_model_len = s.max_model_len;
    return STATUS_OK;
}

static int64_t most_in_flight(const struct plan *p)
{
    int64_t most = 0;
    for (size_t i = 0; i < p->options.load_count; i++) {
        const struct load *l = &p->options.loads[i];
        if (l->kind == LOAD_CLOSED && l->concurrency > most)
            most = l->concurrency;
    }
    return most;
}

static void engine_settings(struct online_job *j)
{
    const struct online_opts *o = &j->opts;
    int64_t most = most_in_flight(&j->plan), vocabulary = 0;
    const char *model = o->run.model;
    if (model == NULL && o->launch)
        model = j->opts.run.model = LAUNCHED_MODEL;
    vocabulary = run_setup_vocabulary(model != NULL ? model : "", o->run.vocab_size,
                                      &j->job.run.arena);
    j->settings = (struct engine_settings){
        .model = model,
        .max_model_len = o->max_model_len,
        .max_num_seqs = most > DEFAULT_NUM_SEQS ? most : DEFAULT_NUM_SEQS,
        .seed = o->run.seed,
        .temperature = o->run.temperature,
        .top_p = o->run.top_p,
        .stop_at_eos = o->run.stop_at_eos,
        .own = &o->vllm,
        .rest = j->job.parse.rest,
        .target = &j->target,
        .timeout_s = j->target.ready_timeout_s,
        .vocab_size = vocabulary > 0 ? vocabulary : DEFAULT_VOCABULARY};
}

enum status online_setup_plan(struct online_job *j, struct err *e)
{
    const struct online_opts *o = &j->opts;
    if (run_setup_check(&j->job, e) != STATUS_OK ||
        online_target_build(&j->job.parse, o, &j->job.run.arena, &j->target, e) !=
            STATUS_OK ||
        settle_engine(j, e) != STATUS_OK ||
        online_loads_goodput(&o->goodput, &j->job.run.arena, &j->slo_json, e) !=
            STATUS_OK ||
        online_target_body(o, &j->job.run.arena, &j->body_json, e) != STATUS_OK ||
        build_plan(j, e) != STATUS_OK)
        return e->code;
    j->target.is_closed_load = j->plan.options.loads[0].kind == LOAD_CLOSED;
    j->is_local = online_target_is_local(&j->target, &j->job.run.arena);
    j->target.is_local = j->is_local;
    j->job.run.cells_planned = (int64_t)j->plan.cell_count;
    engine_settings(j);
    return STATUS_OK;
}

enum status online_setup_run(struct online_job *j, struct err *e)
{
    const char *notes = NULL;
    if (j->ops.locate(&j->settings, &j->job.run.arena, &j->settings.interpreter, &notes,
                      e) != STATUS_OK)
        return e->code;
    if (notes != NULL)
        log_line(&j->job.cli->log, LOG_NOTE, "%s", notes);
    struct run_facts facts = {.engine = ENGINE,
                              .instance_type = instance_of(j),
                              .python = j->settings.interpreter,
                              .plan_sha256 = j->plan.sha256,
                              .is_remote = !j->is_local};
    if (run_setup_open(&j->job, &facts, e) != STATUS_OK)
        return e->code;
    j->settings.raw_dir = j->job.run.raw_dir;
    return STATUS_OK;
}
