/* From options to a plan, engine settings and the journal's header. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "cli/offline_job.h"
#include "engines/registry.h"
#include "plan/scenario.h"
#include "probe/prices.h"
#include "stats/verdict.h"
#include "text/json.h"
#include "text/jsonw.h"

#define DEFAULT_NUM_SEQS       256
#define DEFAULT_BATCHED_TOKENS 8192
#define GPU_MEMORY_UTILIZATION 0.9
#define TEXT_CAP_BYTES         ((size_t)64 << 20)
#define OLD_DEFAULT_MODEL      "Qwen/Qwen3-0.6B-Instruct"
#define MODEL_OF_OLD_DEFAULT   "Qwen/Qwen3-0.6B"

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "options", "out of memory");
}

/* Appends one list to another, in the arena. */
static enum status append(struct scenario_list *all, const struct scenario_list *more,
                          struct arena *a, struct err *e)
{
    struct scenario *joined = arena_alloc(a, all->count + more->count + 1,
                                          sizeof *joined);
    if (joined == NULL)
        return no_memory(e);
    if (all->count > 0)
        memcpy(joined, all->items, all->count * sizeof *joined);
    if (more->count > 0)
        memcpy(joined + all->count, more->items, more->count * sizeof *joined);
    all->items = joined;
    all->count += more->count;
    return STATUS_OK;
}

/* Scenarios of files, then those of data sets. */
static enum status read_extra(struct offline_job *j, struct scenario_list *out,
                              struct err *e)
{
    const struct opt_strings *files = &j->opts.scenario_files, *data = &j->opts.datasets;
    *out = (struct scenario_list){0};
    for (size_t i = 0; i < files->count; i++) {
        struct scenario_list more;
        if (scenario_from_file(files->items[i], &j->arena, &more, e) != STATUS_OK ||
            append(out, &more, &j->arena, e) != STATUS_OK)
            return e->code;
    }
    for (size_t i = 0; i < data->count; i++) {
        struct scenario one;
        struct scenario_list more = {.items = &one, .count = 1};
        if (scenario_from_dataset(data->items[i], &j->arena, &one, e) != STATUS_OK ||
            append(out, &more, &j->arena, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

/* The scenarios to measure: those of --scenarios; without it, all of the given files and
 * data sets; data sets always. */
static enum status pick_scenarios(struct offline_job *j, struct plan_options *o,
                                  struct err *e)
{
    struct scenario_list extra, picked;
    size_t data_count = j->opts.datasets.count;
    if (read_extra(j, &extra, e) != STATUS_OK)
        return e->code;
    bool is_default = opt_source_of(&j->parse, "scenarios") == OPT_FROM_DEFAULT;
    if (is_default && extra.count > 0) {
        o->scenarios = extra.items;
        o->scenario_count = extra.count;
        return STATUS_OK;
    }
    struct opt_strings names = {
        arena_alloc(&j->arena, j->opts.scenarios.count + data_count, sizeof(char *)), 0};
    if (names.items == NULL)
        return no_memory(e);
    for (size_t i = 0; i < j->opts.scenarios.count; i++)
        names.items[names.count++] = j->opts.scenarios.items[i];
    for (size_t i = 0; extra.items != NULL && i < data_count; i++)
        names.items[names.count++] = extra.items[extra.count - data_count + i].name;
    if (scenario_pick(&names, &extra, &j->arena, &picked, e) != STATUS_OK)
        return e->code;
    o->scenarios = picked.items;
    o->scenario_count = picked.count;
    return STATUS_OK;
}

static enum status build_plan(struct offline_job *j, struct err *e)
{
    const struct offline_opts *opts = &j->opts;
    struct plan_options o = {.batch_sizes = opts->batch_sizes,
                             .max_tokens = opts->max_tokens,
                             .num_runs = opts->num_runs,
                             .caching = {opts->enable_prefix_caching, true},
                             .caching_count = 1,
                             .is_prefix_warm = strcmp(opts->prefix_reuse, "warm") == 0,
                             .max_model_len = opts->max_model_len,
                             .seed = opts->seed};
    if (opts->test_prefix_caching) {
        o.caching[0] = false;
        o.caching_count = 2;
    }
    if (pick_scenarios(j, &o, e) != STATUS_OK)
        return e->code;
    return plan_build(&o, &j->arena, &j->plan, e);
}

/* vocab_size in config.json of a local model; 0 if there is none. */
static int64_t vocabulary_of(const char *model, struct arena *a)
{
    struct err e;
    json_t *config = NULL;
    const char *path = arena_printf(a, "%s/config.json", model);
    if (path == NULL || !file_exists(path) ||
        json_from_file(path, TEXT_CAP_BYTES, &config, &e) != STATUS_OK)
        return 0;
    int64_t size = json_int_of(config, "vocab_size", 0);
    json_decref(config);
    return size > 32 ? size : 0;
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
    int64_t vocabulary = vocabulary_of(o->model, &j->arena);
    if (vocabulary == 0 && o->vocab_size != OPT_INT_UNSET)
        vocabulary = o->vocab_size;
    j->settings = (struct engine_settings){
        .model = o->model,
        .python = o->python,
        .engine_mode = o->engine_mode,
        .dtype = o->dtype,
        .load_format = o->load_format,
        .max_model_len = o->max_model_len,
        .max_num_seqs = largest > DEFAULT_NUM_SEQS ? largest : DEFAULT_NUM_SEQS,
        .max_num_batched_tokens = DEFAULT_BATCHED_TOKENS,
        .gpu_memory_utilization = GPU_MEMORY_UTILIZATION,
        .seed = o->seed,
        .temperature = o->temperature,
        .top_p = o->top_p,
        .stop_at_eos = o->stop_at_eos,
        .needs_tokenizer = has_texts,
        .engine_args = o->engine_args,
        .rest = j->parse.rest,
        .timeout_s = o->engine_timeout_s,
        .vocab_size = vocabulary};
}

static enum status no_rule(const char *option, const char *code, struct err *e)
{
    size_t count;
    const struct verdict_rule *rules = verdict_rules(&count);
    const char *nearest = rules[0].code;
    for (size_t i = 1; i < count; i++)
        if (str_distance(code, rules[i].code) < str_distance(code, nearest))
            nearest = rules[i].code;
    status_fail(e, STATUS_BAD_OPTION, option, "there is no rule \"%s\"", code);
    return status_hint(e, "Did you mean %s? docs/verdicts.md lists the codes.", nearest);
}

static enum status check_limits(struct offline_job *j, struct err *e)
{
    const struct opt_strings *in = &j->opts.limits;
    j->run.limits = arena_alloc(&j->arena, in->count + 1, sizeof *j->run.limits);
    if (j->run.limits == NULL)
        return no_memory(e);
    for (size_t i = 0; i < in->count; i++) {
        struct str value = str_from(in->items[i]);
        struct str code = str_cut(&value, '=');
        struct limit *l = &j->run.limits[i];
        l->code = arena_str(&j->arena, code);
        if (l->code == NULL)
            return no_memory(e);
        if (verdict_find(l->code) == NULL)
            return no_rule("--limit", l->code, e);
        if (!str_to_double(value, &l->value)) {
            status_fail(e, STATUS_BAD_OPTION, "--limit", "\"%s\" is not CODE=VALUE",
                        in->items[i]);
            return status_hint(e, "Write e.g. ERRORS=0.01; docs/verdicts.md lists the "
                                  "codes.");
        }
    }
    j->run.limit_count = in->count;
    return STATUS_OK;
}

static enum status check_accepted(struct offline_job *j, struct err *e)
{
    struct str rest = str_from(j->opts.accept_invalid);
    while (rest.len > 0) {
        const char *code = arena_str(&j->arena, str_trim(str_cut(&rest, ',')));
        if (code == NULL)
            return no_memory(e);
        if (verdict_find(code) == NULL)
            return no_rule("--accept-invalid", code, e);
    }
    return STATUS_OK;
}

/* True if `word` is that option, dashes in front or not, '_' standing for '-'. */
static bool is_option(struct str word, const char *name)
{
    while (word.len > 0 && *word.ptr == '-') {
        word.ptr++;
        word.len--;
    }
    if (word.len != strlen(name))
        return false;
    for (size_t i = 0; i < word.len; i++)
        if ((word.ptr[i] == '_' ? '-' : word.ptr[i]) != name[i])
            return false;
    return true;
}

/* What the user gave vLLM itself, by --engine-arg or after "--" (which wins): the value
 * ("" for a switch), or NULL. */
static const char *engine_word(const struct offline_job *j, const char *name)
{
    const char *found = NULL;
    const struct opt_strings *args = &j->opts.engine_args, *rest = &j->parse.rest;
    for (size_t i = 0; i < args->count; i++) {
        struct str value = str_from(args->items[i]);
        if (is_option(str_cut(&value, '='), name))
            found = value.ptr;
    }
    for (size_t i = 0; i < rest->count; i++) {
        struct str value = str_from(rest->items[i]);
        bool has_value = memchr(value.ptr, '=', value.len) != NULL;
        if (!str_starts(value, "--") || !is_option(str_cut(&value, '='), name))
            continue;
        found = has_value ? value.ptr : i + 1 < rest->count ? rest->items[i + 1] : "";
    }
    return found;
}

/* vLLM's own options that would make OFF and ON, or the plan, untrue. */
static enum status check_engine_words(struct offline_job *j, struct err *e)
{
    static const char *const ours[] = {"enable-prefix-caching",
                                       "no-enable-prefix-caching", "model"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (engine_word(j, ours[i]) == NULL)
            continue;
        status_fail(e, STATUS_BAD_OPTION, ours[i],
                    "is for inferbench to set, not for vLLM's own options");
        return status_hint(e, "Write %s before the --",
                           i == 2 ? "--model"
                                  : "--enable-prefix-caching or --test-prefix-caching");
    }
    const char *len = engine_word(j, "max-model-len");
    int64_t tokens;
    if (len != NULL && str_to_i64(str_from(len), &tokens) && tokens > 0)
        j->opts.max_model_len = tokens;
    return STATUS_OK;
}

enum status offline_setup_plan(struct offline_job *j, struct err *e)
{
    struct offline_opts *o = &j->opts;
    if (j->parse.positional.count > 0) {
        status_fail(e, STATUS_BAD_OPTION, j->parse.positional.items[0],
                    "a word that belongs to no option");
        return status_hint(e, "inferbench offline --help lists the options.");
    }
    if (strcmp(o->model, OLD_DEFAULT_MODEL) == 0) {
        log_line(&j->cli->log, LOG_NOTE, "note: %s does not exist on the hub; %s is used",
                 OLD_DEFAULT_MODEL, MODEL_OF_OLD_DEFAULT);
        o->model = MODEL_OF_OLD_DEFAULT;
    }
    if (registry_find(o->engine, ENGINE_OFFLINE, &j->ops, e) != STATUS_OK ||
        check_engine_words(j, e) != STATUS_OK || check_limits(j, e) != STATUS_OK ||
        check_accepted(j, e) != STATUS_OK || build_plan(j, e) != STATUS_OK)
        return e->code;
    engine_settings(j);
    return STATUS_OK;
}

/* --- the journal's header --- */

static const char *options_text(struct offline_job *j)
{
    struct buf out, value;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < j->parse.count; i++) {
        buf_init(&value, TEXT_CAP_BYTES);
        opt_value_text(&j->parse, &j->parse.table[i], &value);
        const char *name = j->parse.table[i].name;
        jsonw_str(&w, name, env_mask(name, buf_cstr(&value), &j->arena));
        buf_fini(&value);
    }
    jsonw_array(&w, "rest");
    for (size_t i = 0; i < j->parse.rest.count; i++)
        jsonw_str(&w, NULL, env_mask("rest", j->parse.rest.items[i], &j->arena));
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    const char *text = arena_strdup(&j->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

/* The words of the command line; values of secret-looking options are masked. */
static const char *command_text(struct offline_job *j)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_array(&w, NULL);
    jsonw_str(&w, NULL, "inferbench");
    jsonw_str(&w, NULL, "offline");
    for (int i = 0; i < j->argc; i++) {
        bool is_value = i > 0 && j->argv[i][0] != '-' && env_is_secret(j->argv[i - 1]);
        const char *name = is_value ? j->argv[i - 1] : "";
        jsonw_str(&w, NULL, env_mask(name, j->argv[i], &j->arena));
    }
    jsonw_array_end(&w);
    const char *text = arena_strdup(&j->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static const char *metadata_text(struct offline_job *j)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < j->opts.metadata.count; i++) {
        struct str value = str_from(j->opts.metadata.items[i]);
        struct str key = str_cut(&value, '=');
        const char *name = arena_str(&j->arena, key);
        const char *text = arena_str(&j->arena, value);
        if (name != NULL && text != NULL)
            jsonw_str(&w, name, env_mask(name, text, &j->arena));
    }
    jsonw_object_end(&w);
    const char *text = arena_strdup(&j->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static enum status price_fields(struct offline_job *j, const char *instance,
                                struct row *f, struct err *e)
{
    struct price p = {.usd_per_hour = j->opts.price_per_hour,
                      .source = "--price-per-hour"};
    if (isnan(p.usd_per_hour) &&
        prices_find(instance, j->env.region, &j->arena, &p, e) != STATUS_OK)
        return e->code;
    bool is_known = !isnan(p.usd_per_hour);
    f->v[FIELD_price_usd_per_hour] = value_num(p.usd_per_hour);
    f->v[FIELD_price_source] = value_str(is_known ? p.source : NULL);
    return STATUS_OK;
}

/* 32 hex digits that no other run has: time, process and the kernel's random bytes. */
static const char *new_run_id(struct offline_job *j)
{
    struct buf random;
    struct err e;
    struct rng r;
    buf_init(&random, 64);
    if (file_read("/proc/sys/kernel/random/uuid", &random, &e) != STATUS_OK)
        buf_clear(&random);
    const char *name = arena_printf(&j->arena, "run/%s/%lld", buf_cstr(&random),
                                    (long long)clock_now().ns);
    rng_init(&r, (uint64_t)j->run.start.ns, name != NULL ? name : "run");
    buf_fini(&random);
    return arena_printf(&j->arena, "%016llx%016llx", (unsigned long long)rng_u64(&r),
                        (unsigned long long)rng_u64(&r));
}

static enum status run_fields(struct offline_job *j, struct err *e)
{
    const struct offline_opts *o = &j->opts;
    struct value *f = j->run.fields.v;
    const char *instance = o->instance_type != NULL ? o->instance_type
                                                    : j->env.instance_type;
    if (instance == NULL)
        instance = "unknown";
    f[FIELD_run_id] = value_str(new_run_id(j));
    f[FIELD_model_name] = value_str(o->model_name != NULL ? o->model_name : o->model);
    f[FIELD_instance_type] = value_str(instance);
    f[FIELD_serving_mode] = value_str("offline");
    f[FIELD_label] = value_str(o->label != NULL ? o->label : instance);
    f[FIELD_metadata] = value_json(metadata_text(j));
    f[FIELD_engine] = value_str(o->engine);
    f[FIELD_seed] = value_int(o->seed);
    f[FIELD_temperature] = value_num(o->temperature);
    f[FIELD_top_p] = value_num(o->top_p);
    f[FIELD_prefix_reuse] = value_str(o->prefix_reuse);
    return price_fields(j, instance, &j->run.fields, e);
}

static bool is_neuron(const struct offline_job *j)
{
    if (j->opts.hardware_type != NULL)
        return strcmp(j->opts.hardware_type, "neuron") == 0;
    return j->env.nvidia_devices == 0 && j->env.neuron_devices > 0;
}

enum status offline_setup_run(struct offline_job *j, struct err *e)
{
    struct run_data *run = &j->run;
    const char *notes = NULL;
    if (j->ops.locate(&j->settings, &j->arena, &j->settings.python, &notes, e) !=
            STATUS_OK ||
        results_claim(j->opts.output_dir, run, &j->arena, &j->raw_dir, e) != STATUS_OK)
        return e->code;
    if (notes != NULL)
        log_line(&j->cli->log, LOG_NOTE, "%s", notes);
    j->settings.raw_dir = j->raw_dir;
    j->journal_path = arena_printf(&j->arena, "%s/journal.jsonl", j->raw_dir);
    run->options_json = options_text(j);
    const struct env_request q = {.python = j->settings.python,
                                  .use_imds = !j->opts.no_imds,
                                  .config_json = run->options_json,
                                  .tool = j->cli->tool};
    if (env_collect(&q, &j->arena, &j->env, e) != STATUS_OK ||
        run_fields(j, e) != STATUS_OK)
        return e->code;
    j->is_neuron = is_neuron(j);
    if (j->is_neuron) /* compiled for: loading per cell lowers it to the cell's own */
        j->settings.max_num_seqs = largest_batch(&j->opts.batch_sizes);
    run->serving_mode = "offline";
    run->tool = j->cli->tool;
    run->command_json = command_text(j);
    run->env_json = j->env.json;
    run->plan_sha256 = j->plan.sha256;
    run->seed = j->opts.seed;
    run->percentiles = j->opts.percentiles.items;
    run->percentile_count = j->opts.percentiles.count;
    if (j->journal_path == NULL || run->options_json == NULL || run->command_json == NULL)
        return no_memory(e);
    return STATUS_OK;
}
