/* From options to a plan, engine settings and the journal's header. */
#include <string.h>

#include "cli/offline_job.h"
#include "cli/run_setup.h"
#include "engines/registry.h"

#define DEFAULT_NUM_SEQS     256
#define OLD_DEFAULT_MODEL    "Qwen/Qwen3-0.6B-Instruct"
#define MODEL_OF_OLD_DEFAULT "Qwen/Qwen3-0.6B"

/* A batch size a load. */
static enum status fill_loads(struct offline_job *j, struct plan_options *o,
                              struct err *e)
{
    const struct opt_ints *sizes = &j->opts.batch_sizes;
    if (sizes->count == 0)
        return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes", "none given");
    struct load *loads = arena_alloc(&j->job.run.arena, sizes->count, sizeof *loads);
    if (loads == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "--batch-sizes", "out of memory");
    for (size_t i = 0; i < sizes->count; i++)
        loads[i] = (struct load){.kind = LOAD_BATCH, .batch_size = sizes->items[i]};
    o->loads = loads;
    o->load_count = sizes->count;
    return STATUS_OK;
}

static enum status build_plan(struct offline_job *j, struct err *e)
{
    const struct offline_opts *opts = &j->opts;
    struct plan_options o = {.max_tokens = opts->run.max_tokens,
                             .num_runs = opts->run.num_runs,
                             .caching = {opts->enable_prefix_caching, true},
                             .caching_count = 1,
                             .is_prefix_warm = strcmp(opts->run.prefix_reuse, "warm") ==
                                               0,
                             .max_model_len = opts->max_model_len,
                             .seed = opts->run.seed};
    struct scenario_list scenarios;
    if (opts->test_prefix_caching) {
        o.caching[0] = false;
        o.caching_count = 2;
    }
    if (fill_loads(j, &o, e) != STATUS_OK ||
        run_setup_identify(&j->job, o.caching, o.caching_count, e) != STATUS_OK ||
        run_setup_scenarios(&j->job, &scenarios, e) != STATUS_OK)
        return e->code;
    o.scenarios = scenarios.items;
    o.scenario_count = scenarios.count;
    return plan_build(&o, &j->job.run.arena, &j->plan, e);
}

static int64_t largest_batch(const struct opt_ints *sizes)
{
    int64_t largest = 0;
    for (size_t i = 0; i < sizes->count; i++)
        largest = sizes->items[i] > largest ? sizes->items[i] : largest;
    return largest;
}

static void engine_settings(struct offline_job *j)
{
    const struct offline_opts *o = &j->opts;
    int64_t largest = largest_batch(&o->batch_sizes);
    bool has_texts = false;
    for (size_t i = 0; i < j->plan.options.scenario_count; i++)
        has_texts = has_texts || j->plan.options.scenarios[i].text_count > 0;
    j->settings = (struct engine_settings){
        .model = o->run.model,
        .max_model_len = o->max_model_len,
        .max_num_seqs = largest > DEFAULT_NUM_SEQS ? largest : DEFAULT_NUM_SEQS,
        .seed = o->run.seed,
        .temperature = o->run.temperature,
        .top_p = o->run.top_p,
        .stop_at_eos = o->run.stop_at_eos,
        .needs_tokenizer = has_texts,
        .own = &o->vllm,
        .rest = j->job.parse.rest,
        .timeout_s = o->engine_timeout_s,
        .vocab_size = run_setup_vocabulary(o->run.model, o->run.vocab_size,
                                           &j->job.run.arena)};
}

/* What the user's words for the engine say to the plan. */
static enum status settle_engine(struct offline_job *j, struct err *e)
{
    struct engine_settings s = {.max_model_len = j->opts.max_model_len,
                                .rest = j->job.parse.rest,
                                .own = &j->opts.vllm};
    if (registry_find(j->opts.engine, ENGINE_OFFLINE, &j->ops, e) != STATUS_OK ||
        j->ops.settle(&s, &j->opts.vllm, e) != STATUS_OK)
        return e->code;
    j->opts.max_model_len = s.max_model_len;
    return STATUS_OK;
}

enum status offline_setup_plan(struct offline_job *j, struct err *e)
{
    struct offline_opts *o = &j->opts;
    if (run_setup_check(&j->job, e) != STATUS_OK)
        return e->code;
    if (strcmp(o->run.model, OLD_DEFAULT_MODEL) == 0) {
        log_line(&j->job.cli->log, LOG_NOTE,
                 "note: %s does not exist on the hub; %s is used", OLD_DEFAULT_MODEL,
                 MODEL_OF_OLD_DEFAULT);
        o->run.model = MODEL_OF_OLD_DEFAULT;
    }
    if (settle_engine(j, e) != STATUS_OK || build_plan(j, e) != STATUS_OK)
        return e->code;
    j->job.run.cells_planned = (int64_t)j->plan.cell_count;
    engine_settings(j);
    return STATUS_OK;
}

static bool is_neuron(const struct offline_job *j)
{
    if (j->opts.run.hardware_type != NULL)
        return strcmp(j->opts.run.hardware_type, "neuron") == 0;
    return j->job.run.env.nvidia_devices == 0 && j->job.run.env.neuron_devices > 0;
}

enum status offline_setup_run(struct offline_job *j, struct err *e)
{
    const char *notes = NULL;
    if (j->ops.locate(&j->settings, &j->job.run.arena, &j->settings.interpreter, &notes,
                      e) != STATUS_OK)
        return e->code;
    struct run_facts facts = {.engine = j->opts.engine,
                              .instance_type = j->opts.run.instance_type,
                              .python = j->settings.interpreter,
                              .plan_sha256 = j->plan.sha256};
    if (notes != NULL)
        log_line(&j->job.cli->log, LOG_NOTE, "%s", notes);
    if (run_setup_open(&j->job, &facts, e) != STATUS_OK)
        return e->code;
    j->settings.raw_dir = j->job.run.raw_dir;
    j->is_neuron = is_neuron(j);
    if (j->is_neuron) /* compiled for: loading per cell lowers it to the cell's own */
        j->settings.max_num_seqs = largest_batch(&j->opts.batch_sizes);
    return STATUS_OK;
}
