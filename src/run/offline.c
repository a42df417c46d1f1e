/* What is of an offline run alone. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "run/estimate.h"
#include "run/mode.h"
#include "run/plan.h"
#include "run/scenarios.h"
#include "run/settings.h"
#include "track/entry.h"

#define OLD_DEFAULT_MODEL    "Qwen/Qwen3-0.6B-Instruct"
#define MODEL_OF_OLD_DEFAULT "Qwen/Qwen3-0.6B"

static enum status check(struct run *r, struct err *e)
{
    (void)e;
    if (strcmp(r->opts->model, OLD_DEFAULT_MODEL) != 0)
        return STATUS_OK;
    log_line(r->host->log, LOG_NOTE, "note: %s does not exist on the hub; %s is used",
             OLD_DEFAULT_MODEL, MODEL_OF_OLD_DEFAULT);
    r->opts->model = MODEL_OF_OLD_DEFAULT;
    return STATUS_OK;
}

static const char *engine(const struct run *r)
{
    return r->opts->engine;
}

/* A batch size a load. */
static enum status loads(struct run *r, struct plan_options *o, struct err *e)
{
    const struct opt_ints *sizes = &r->opts->batch_sizes;
    if (sizes->count == 0)
        return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes", "none given");
    struct load *loads = arena_alloc(r->arena, sizes->count, sizeof *loads);
    if (loads == NULL)
        return status_no_memory(e, "--batch-sizes");
    for (size_t i = 0; i < sizes->count; i++)
        loads[i] = (struct load){.kind = LOAD_BATCH, .batch_size = sizes->items[i]};
    o->loads = loads;
    o->load_count = sizes->count;
    return STATUS_OK;
}

static int64_t largest_batch(const struct run *r)
{
    const struct opt_ints *sizes = &r->opts->batch_sizes;
    int64_t largest = 0;
    for (size_t i = 0; i < sizes->count; i++)
        largest = sizes->items[i] > largest ? sizes->items[i] : largest;
    return largest;
}

static int64_t settings(struct run *r, struct engine_settings *s)
{
    const struct plan_options *o = &r->plan.options;
    s->timeout_s = r->opts->engine_timeout_s;
    for (size_t i = 0; i < o->scenario_count; i++)
        s->needs_tokenizer = s->needs_tokenizer || o->scenarios[i].text_count > 0;
    return largest_batch(r);
}

/* Neuron compiles for a batch size: loading per cell lowers it to the cell's own. */
static void opened(struct run *r)
{
    const char *hardware = r->opts->hardware_type;
    bool is_neuron = r->env.nvidia_devices == 0 && r->env.neuron_devices > 0;
    if (hardware != NULL)
        is_neuron = strcmp(hardware, "neuron") == 0;
    if (is_neuron)
        r->settings.max_num_seqs = largest_batch(r);
    r->loads_per_batch = is_neuron && strcmp(r->opts->neuron_batch, "per-cell") == 0;
}

/* --- --dry-run --- */

static void dry_head(const struct run *r, struct buf *out)
{
    buf_printf(out, "Plan of %s on engine %s (nothing is run)\n\n", r->opts->model,
               r->opts->engine);
}

static void dry_cells(const struct run *r, struct buf *out)
{
    const struct plan *p = &r->plan;
    int64_t requests = 0, tokens = 0;
    buf_printf(out, "\n%-18s %10s %8s %8s %9s %14s\n", "cell", "batch size",
               run_settings_head(&p->options), "repeats", "requests", "output tokens");
    for (size_t i = 0; i < p->cell_count; i++) {
        const struct plan_cell *c = &p->cells[i];
        int64_t n = c->load->batch_size * p->options.num_runs;
        requests += n;
        tokens += n * c->max_tokens;
        if (c->launch > 0)
            continue; /* as in the first one */
        buf_printf(out,
                   "%-18s %10" PRId64 " %8s %8" PRId64 " %9" PRId64 " %14" PRId64 "\n",
                   c->scenario->name, c->load->batch_size, run_settings_cell(c),
                   p->options.num_runs, n, n * c->max_tokens);
    }
    run_plan_count(p, out);
    buf_printf(out, ":\n%" PRId64 " requests, at most %" PRId64 " output tokens\n",
               requests, tokens);
}

static void dry_end(const struct run *r, struct buf *out)
{
    double estimate_s = run_estimate_s(r);
    if (isnan(estimate_s))
        buf_printf(out, "time: unknown (no earlier results of all cells in %s)\n",
                   r->opts->output_dir);
    else
        buf_printf(out, "time: about %.0f s plus loading, from earlier results in %s\n",
                   estimate_s, r->opts->output_dir);
}

const struct run_mode run_offline = {
    .name = "offline",
    .experiment = ENTRY_OFFLINE_EXPERIMENT,
    .flag = ENGINE_OFFLINE,
    .options = run_opts_offline,
    .option_count = RUN_OPTS_OFFLINE,
    .check = check,
    .engine = engine,
    .scenarios = run_scenarios,
    .loads = loads,
    .settings = settings,
    .opened = opened,
    .dry_head = dry_head,
    .dry_cells = dry_cells,
    .dry_end = dry_end,
    .estimate_s = run_estimate_s,
};
