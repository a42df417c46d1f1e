#include "cli/run_setup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/formats.h"
#include "plan/plan.h"
#include "probe/prices.h"
#include "stats/verdict.h"
#include "text/json.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "options", "out of memory");
}

/* --- scenarios --- */

bool run_setup_is_unnamed(const struct run_job *j)
{
    return opt_source_of(&j->parse, "scenarios") == OPT_FROM_DEFAULT;
}

enum status run_setup_scenarios(struct run_job *j, struct scenario_list *out,
                                struct err *e)
{
    const struct run_opts *o = j->opts;
    struct arena *a = &j->arena;
    struct scenario_list extra = {0};
    size_t data_count = o->datasets.count;
    if (formats_read(FORMATS_SCENARIOS, &o->scenario_files, a, &extra, e) != STATUS_OK ||
        formats_read(FORMATS_DATASET, &o->datasets, a, &extra, e) != STATUS_OK)
        return e->code;
    if (run_setup_is_unnamed(j) && extra.count > 0) {
        *out = extra;
        return STATUS_OK;
    }
    struct opt_strings names = {
        arena_alloc(a, o->scenarios.count + data_count + 1, sizeof(char *)), 0};
    if (names.items == NULL)
        return no_memory(e);
    for (size_t i = 0; i < o->scenarios.count; i++)
        names.items[names.count++] = o->scenarios.items[i];
    for (size_t i = 0; extra.items != NULL && i < data_count; i++)
        names.items[names.count++] = extra.items[extra.count - data_count + i].name;
    return scenario_pick(&names, &extra, a, out, e);
}

int64_t run_setup_vocabulary(const char *model, int64_t option, struct arena *a)
{
    struct err e;
    json_t *config = NULL;
    int64_t size = 0;
    const char *path = arena_printf(a, "%s/config.json", model);
    if (path != NULL && file_exists(path) &&
        json_from_file(path, TEXT_CAP_BYTES, &config, &e) == STATUS_OK)
        size = json_int_of(config, "vocab_size", 0);
    json_decref(config);
    if (size <= 32)
        size = option != OPT_INT_UNSET ? option : 0;
    return size;
}

/* --- limits and codes --- */

static enum status no_rule(const char *option, const char *code, struct err *e)
{
    size_t count;
    const struct verdict_rule *rules = verdict_rules(&count);
    const char *nearest = rules[0].code;
    for (size_t i = 1; i < count; i++)
        if (str_distance(code, rules[i].code) < str_distance(code, nearest))
            nearest = rules[i].code;
    status_fail(e, STATUS_BAD_OPTION, option, "unknown rule \"%s\"", code);
    return status_hint(e, "Did you mean %s? docs/verdicts.md lists the codes.", nearest);
}

static enum status check_limits(struct run_job *j, struct err *e)
{
    const struct opt_strings *in = &j->opts->limits;
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

static enum status check_accepted(struct run_job *j, struct err *e)
{
    struct str rest = str_from(j->opts->accept_invalid);
    while (rest.len > 0) {
        const char *code = arena_str(&j->arena, str_trim(str_cut(&rest, ',')));
        if (code == NULL)
            return no_memory(e);
        if (verdict_find(code) == NULL)
            return no_rule("--accept-invalid", code, e);
    }
    return STATUS_OK;
}

enum status run_setup_check(struct run_job *j, struct err *e)
{
    if (j->parse.positional.count > 0) {
        status_fail(e, STATUS_BAD_OPTION, j->parse.positional.items[0],
                    "unexpected argument");
        return status_hint(e, "See inferbench %s --help", j->mode);
    }
    if (check_limits(j, e) != STATUS_OK)
        return e->code;
    return check_accepted(j, e);
}

/* --- the journal's header --- */

/* A word, masked where the one before it names a secret. */
static const char *masked_word(struct run_job *j, const char *before, const char *word)
{
    bool is_value = word[0] != '-' && before != NULL && env_is_secret(before);
    return env_mask(is_value ? before : "", word, &j->arena);
}

/* What is recorded of an option's value. */
static const char *masked_value(struct run_job *j, const struct opt *o, const char *value)
{
    struct str hidden = opt_hidden_part(o, value);
    if (o->is_address && hidden.len > 0)
        value = arena_printf(&j->arena, "%.*s***%s", (int)(hidden.ptr - value), value,
                             hidden.ptr + hidden.len);
    return env_mask(o->name, value, &j->arena);
}

static const char *options_text(struct run_job *j)
{
    struct buf out, value;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < j->parse.count; i++) {
        buf_init(&value, TEXT_CAP_BYTES);
        const struct opt *o = &j->parse.table[i];
        opt_value_text(&j->parse, o, &value);
        jsonw_str(&w, o->name, masked_value(j, o, buf_cstr(&value)));
        buf_fini(&value);
    }
    jsonw_array(&w, "rest");
    const char **rest = j->parse.rest.items;
    for (size_t i = 0; i < j->parse.rest.count; i++)
        jsonw_str(&w, NULL, masked_word(j, i > 0 ? rest[i - 1] : NULL, rest[i]));
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    const char *text = arena_strdup(&j->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

/* The option that a word of the command line is; NULL where it is none. */
static const struct opt *option_of(struct run_job *j, const char *word)
{
    struct str rest = str_from(word);
    if (!str_starts(rest, "--"))
        return NULL;
    struct str name = str_cut(&rest, '=');
    const char *text = arena_str(&j->arena, name);
    return text != NULL ? opt_find(&j->parse, text + 2) : NULL;
}

/* The words of the command line; values of secret options (already overwritten) and of
 * secret-looking ones are masked. */
static const char *command_text(struct run_job *j)
{
    struct buf out;
    struct jsonw w;
    bool is_secret = false, is_rest = false;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_array(&w, NULL);
    jsonw_str(&w, NULL, "inferbench");
    jsonw_str(&w, NULL, j->mode);
    for (int i = 0; i < j->words.argc; i++) {
        char **argv = j->words.argv;
        const struct opt *o = is_rest ? NULL : option_of(j, argv[i]);
        is_rest = is_rest || strcmp(argv[i], "--") == 0;
        is_secret = o != NULL ? o->is_secret : is_secret && argv[i][0] != '-';
        if (is_secret && o == NULL)
            jsonw_str(&w, NULL, "***");
        else if (is_secret && strchr(argv[i], '=') != NULL)
            jsonw_str(&w, NULL, arena_printf(&j->arena, "--%s=***", o->name));
        else
            jsonw_str(&w, NULL, masked_word(j, i > 0 ? argv[i - 1] : NULL, argv[i]));
    }
    jsonw_array_end(&w);
    const char *text = arena_strdup(&j->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static const char *metadata_text(struct run_job *j)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < j->opts->metadata.count; i++) {
        struct str value = str_from(j->opts->metadata.items[i]);
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

static enum status price_fields(struct run_job *j, const char *instance, struct err *e)
{
    struct value *f = j->run.fields.v;
    struct price p = {.usd_per_hour = j->opts->price_per_hour,
                      .source = "--price-per-hour"};
    if (isnan(p.usd_per_hour) &&
        prices_find(instance, j->env.region, &j->arena, &p, e) != STATUS_OK)
        return e->code;
    bool is_known = !isnan(p.usd_per_hour);
    f[FIELD_price_usd_per_hour] = value_num(p.usd_per_hour);
    f[FIELD_price_source] = value_str(is_known ? p.source : NULL);
    return STATUS_OK;
}

/* Of time, process and the kernel's random bytes. */
static const char *new_id(struct arena *a)
{
    struct buf random;
    struct err e;
    struct rng r;
    buf_init(&random, 64);
    if (file_read("/proc/sys/kernel/random/uuid", &random, &e) != STATUS_OK)
        buf_clear(&random);
    const char *name = arena_printf(a, "run/%s/%lld", buf_cstr(&random),
                                    (long long)clock_now().ns);
    rng_init(&r, (uint64_t)clock_wall().ns, name != NULL ? name : "run");
    buf_fini(&random);
    return arena_printf(a, "%016llx%016llx", (unsigned long long)rng_u64(&r),
                        (unsigned long long)rng_u64(&r));
}

/* What runs elsewhere says nothing of its machine. */
static void machine_fields(struct run_job *j, bool is_remote)
{
    struct value *f = j->run.fields.v;
    const struct env *env = &j->env;
    f[FIELD_client_machine_sha256] = value_str(env->machine_sha256);
    f[FIELD_machine_sha256] = value_str(is_remote ? NULL : env->machine_sha256);
    f[FIELD_driver_version] = value_str(is_remote ? NULL : env->driver_version);
}

enum status run_setup_identify(struct run_job *j, bool *caching, size_t count,
                               struct err *e)
{
    const char *id = new_id(&j->arena);
    if (id == NULL)
        return no_memory(e);
    j->run.fields.v[FIELD_run_id] = value_str(id);
    if (!j->opts->dry_run)
        plan_order_settings(caching, count, id);
    return STATUS_OK;
}

static enum status run_fields(struct run_job *j, const struct run_setup_facts *facts,
                              struct err *e)
{
    const struct run_opts *o = j->opts;
    struct value *f = j->run.fields.v;
    const char *instance = facts->instance_type != NULL ? facts->instance_type
                                                        : j->env.instance_type;
    if (instance == NULL)
        instance = "unknown";
    f[FIELD_model_name] = value_str(o->model_name != NULL ? o->model_name : o->model);
    f[FIELD_instance_type] = value_str(instance);
    f[FIELD_serving_mode] = value_str(j->mode);
    f[FIELD_label] = value_str(o->label != NULL ? o->label : instance);
    f[FIELD_metadata] = value_json(metadata_text(j));
    f[FIELD_engine] = value_str(facts->engine);
    f[FIELD_seed] = value_int(o->seed);
    f[FIELD_temperature] = value_num(o->temperature);
    f[FIELD_top_p] = value_num(o->top_p);
    f[FIELD_prefix_reuse] = value_str(o->prefix_reuse);
    machine_fields(j, facts->is_remote);
    return price_fields(j, instance, e);
}

enum status run_setup_claim(struct run_job *j, struct err *e)
{
    if (results_claim(j->opts->output_dir, &j->run, &j->arena, &j->raw_dir, e) !=
        STATUS_OK)
        return e->code;
    j->journal_path = arena_printf(&j->arena, "%s/journal.jsonl", j->raw_dir);
    return j->journal_path != NULL ? STATUS_OK : no_memory(e);
}

enum status run_setup_header(struct run_job *j, const struct run_setup_facts *facts,
                             struct err *e)
{
    const struct run_opts *o = j->opts;
    struct run_data *run = &j->run;
    run->options_json = options_text(j);
    const struct env_request q = {.python = facts->python,
                                  .use_imds = !o->no_imds,
                                  .config_json = run->options_json,
                                  .tool = j->cli->tool};
    if (env_collect(&q, &j->arena, &j->env, e) != STATUS_OK ||
        run_fields(j, facts, e) != STATUS_OK)
        return e->code;
    run->serving_mode = j->mode;
    run->tool = j->cli->tool;
    run->command_json = command_text(j);
    run->env_json = j->env.json;
    run->plan_sha256 = facts->plan_sha256;
    run->seed = o->seed;
    run->percentiles = o->percentiles.items;
    run->percentile_count = o->percentiles.count;
    run->has_asked_percentiles = opt_source_of(&j->parse, "percentiles") !=
                                 OPT_FROM_DEFAULT;
    if (run->options_json == NULL || run->command_json == NULL)
        return no_memory(e);
    return STATUS_OK;
}
