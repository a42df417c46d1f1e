#include "run/run.h"

#include <fcntl.h>
#include <math.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "probe/mask.h"
#include "probe/prices.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "options", "out of memory");
}

static const char *metadata_text(struct run *r)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < r->opts->metadata.count; i++) {
        struct str value = str_from(r->opts->metadata.items[i]);
        struct str key = str_cut(&value, '=');
        const char *name = arena_str(&r->arena, key);
        const char *text = arena_str(&r->arena, value);
        if (name != NULL && text != NULL)
            jsonw_str(&w, name, mask_value(name, text, &r->arena));
    }
    jsonw_object_end(&w);
    const char *text = arena_strdup(&r->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static enum status price_fields(struct run *r, const char *instance, struct err *e)
{
    struct value *f = r->data.fields.v;
    struct price p = {.usd_per_hour = r->opts->price_per_hour,
                      .source = "--price-per-hour"};
    if (isnan(p.usd_per_hour) &&
        prices_find(instance, r->env.region, &r->arena, &p, e) != STATUS_OK)
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
static void machine_fields(struct run *r, bool is_remote)
{
    struct value *f = r->data.fields.v;
    const struct env *env = &r->env;
    f[FIELD_client_machine_sha256] = value_str(env->machine_sha256);
    f[FIELD_machine_sha256] = value_str(is_remote ? NULL : env->machine_sha256);
    f[FIELD_driver_version] = value_str(is_remote ? NULL : env->driver_version);
}

static enum status run_fields(struct run *r, const struct run_facts *facts, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct value *f = r->data.fields.v;
    const char *instance = facts->instance_type != NULL ? facts->instance_type
                                                        : r->env.instance_type;
    if (instance == NULL)
        instance = "unknown";
    f[FIELD_model_name] = value_str(o->model_name != NULL ? o->model_name : o->model);
    f[FIELD_instance_type] = value_str(instance);
    f[FIELD_serving_mode] = value_str(r->mode);
    f[FIELD_label] = value_str(o->label != NULL ? o->label : instance);
    f[FIELD_metadata] = value_json(metadata_text(r));
    f[FIELD_engine] = value_str(facts->engine);
    f[FIELD_seed] = value_int(o->seed);
    f[FIELD_temperature] = value_num(o->temperature);
    f[FIELD_top_p] = value_num(o->top_p);
    f[FIELD_prefix_reuse] = value_str(o->prefix_reuse);
    machine_fields(r, facts->is_remote);
    return price_fields(r, instance, e);
}

enum status run_identify(struct run *r, struct err *e)
{
    const char *id = new_id(&r->arena);
    r->data.fields.v[FIELD_run_id] = value_str(id);
    return id != NULL ? STATUS_OK : no_memory(e);
}

void run_start(struct run *r)
{
    r->data.start = clock_wall();
    r->data.utc_offset_s = clock_utc_offset_s(r->data.start);
}

static enum status claim(struct run *r, struct err *e)
{
    if (results_claim(r->opts->output_dir, &r->data, &r->arena, &r->raw_dir, e) !=
        STATUS_OK)
        return e->code;
    r->journal_path = arena_printf(&r->arena, "%s/journal.jsonl", r->raw_dir);
    return r->journal_path != NULL ? STATUS_OK : no_memory(e);
}

static enum status fill_header(struct run *r, const struct run_facts *facts,
                               struct err *e)
{
    const struct run_opts *o = r->opts;
    struct run_data *data = &r->data;
    const struct env_request q = {.python = facts->python,
                                  .use_imds = !o->no_imds,
                                  .config_json = facts->options_json,
                                  .tool = r->host->tool};
    if (env_collect(&q, &r->arena, &r->env, e) != STATUS_OK ||
        run_fields(r, facts, e) != STATUS_OK)
        return e->code;
    data->serving_mode = r->mode;
    data->tool = r->host->tool;
    data->options_json = facts->options_json;
    data->command_json = facts->command_json;
    data->env_json = r->env.json;
    data->plan_sha256 = facts->plan_sha256;
    data->seed = o->seed;
    data->percentiles = o->percentiles.items;
    data->percentile_count = o->percentiles.count;
    data->has_asked_percentiles = facts->has_asked_percentiles;
    return STATUS_OK;
}

enum status run_open(struct run *r, const struct run_facts *facts, struct err *e)
{
    r->journal.fd = -1;
    if (claim(r, e) != STATUS_OK || fill_header(r, facts, e) != STATUS_OK ||
        journal_create(&r->journal, r->journal_path, clock_now(), e) != STATUS_OK)
        return e->code;
    return journal_run(&r->journal, &r->data, e);
}

/* --- on the way --- */

static void on_tick(void *arg, const struct engine_progress *p)
{
    struct run *r = arg;
    const struct run_host *h = r->host;
    if (r->progress.line.is_terminal && h->is_hung_up != NULL && h->is_hung_up(h->arg)) {
        const char *path = arena_printf(&r->arena, "%s/progress.log", r->raw_dir);
        int fd = path != NULL
                     ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                     : -1;
        progress_detach(&r->progress, fd);
    }
    progress_tick(&r->progress, p);
}

static bool should_stop(void *arg)
{
    const struct run_host *h = ((struct run *)arg)->host;
    return h->stop != NULL && h->stop(h->arg);
}

struct engine_watch run_watch(struct run *r)
{
    return (struct engine_watch){.tick = on_tick, .stop = should_stop, .arg = r};
}

void run_keep_journal(struct run *r)
{
    struct err e;
    bool was_gone;
    if (journal_restore(&r->journal, &was_gone, &e) != STATUS_OK)
        log_error(r->host->log, &e);
    else if (was_gone)
        log_line(r->host->log, LOG_WARN,
                 "%s was deleted or moved during the run; its journal was restored",
                 r->raw_dir);
}
