#include "run/open.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "probe/mask.h"
#include "probe/prices.h"
#include "run/mode.h"
#include "run/peers.h"
#include "run/percentiles.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

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
        const char *name = arena_str(r->arena, key);
        const char *text = arena_str(r->arena, value);
        if (name != NULL && text != NULL)
            jsonw_str(&w, name, mask_value(name, text, r->arena));
    }
    jsonw_object_end(&w);
    const char *text = arena_strdup(r->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

/* The machine is the server's: where this one is says nothing of a remote one. */
static const char *region_of(const struct run *r)
{
    if (r->opts->region != NULL || r->is_remote)
        return r->opts->region;
    return r->env.region;
}

static enum status find_price(struct run *r, const char *instance, struct price *out,
                              struct err *e)
{
    struct price_list list;
    *out = (struct price){.usd_per_hour = r->opts->price_per_hour,
                          .source = "--price-per-hour"};
    if (!isnan(out->usd_per_hour))
        return STATUS_OK;
    if (prices_open(r->opts->price_file, clock_wall(), r->arena, &list, e) != STATUS_OK)
        return e->code;
    enum status s = prices_find(&list, instance, region_of(r), r->arena, out);
    return s != STATUS_OK ? status_no_memory(e, "options") : STATUS_OK;
}

static enum status price_fields(struct run *r, const char *instance, struct err *e)
{
    struct value *f = r->data.fields.v;
    struct price p;
    if (find_price(r, instance, &p, e) != STATUS_OK)
        return e->code;
    f[FIELD_price_usd_per_hour] = value_num(p.usd_per_hour);
    f[FIELD_price_source] = value_str(p.source);
    r->no_price = p.why;
    if (p.is_old)
        log_line(r->host->log, LOG_NOTE,
                 "note: the list price of %s was collected more than %d days ago",
                 instance, PRICES_OLD_DAYS);
    else if (p.why != NULL && strcmp(instance, "unknown") != 0)
        log_line(r->host->log, LOG_NOTE, "note: no list price of %s: %s", instance,
                 p.why);
    return STATUS_OK;
}

/* What runs elsewhere says nothing of its machine. */
static void machine_fields(struct run *r)
{
    struct value *f = r->data.fields.v;
    const struct env *env = &r->env;
    f[FIELD_client_machine_sha256] = value_str(env->machine_sha256);
    f[FIELD_machine_sha256] = value_str(r->is_remote ? NULL : env->machine_sha256);
    f[FIELD_driver_version] = value_str(r->is_remote ? NULL : env->driver_version);
}

/* The machine is the server's: what this one is says nothing of a remote one. */
static const char *instance_of(const struct run *r)
{
    const char *instance = r->opts->instance_type;
    if (instance == NULL && !r->is_remote)
        instance = r->env.instance_type;
    return instance != NULL ? instance : "unknown";
}

static enum status fill_fields(struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct value *f = r->data.fields.v;
    const char *instance = instance_of(r);
    f[FIELD_model_name] = value_str(o->model_name != NULL ? o->model_name : o->model);
    f[FIELD_instance_type] = value_str(instance);
    f[FIELD_serving_mode] = value_str(r->mode->name);
    f[FIELD_label] = value_str(o->label != NULL ? o->label : instance);
    f[FIELD_metadata] = value_json(metadata_text(r));
    f[FIELD_engine] = value_str(r->ops.name);
    f[FIELD_seed] = value_int(o->seed);
    f[FIELD_temperature] = value_num(o->temperature);
    f[FIELD_top_p] = value_num(o->top_p);
    f[FIELD_prefix_reuse] = value_str(o->prefix_reuse);
    machine_fields(r);
    return price_fields(r, instance, e);
}

static enum status locate(struct run *r, struct err *e)
{
    struct engine_settings *s = &r->settings;
    const char *notes = NULL;
    if (r->ops.locate(s, r->arena, &s->interpreter, &notes, e) != STATUS_OK)
        return e->code;
    if (notes != NULL)
        log_line(r->host->log, LOG_NOTE, "%s", notes);
    return STATUS_OK;
}

static enum status claim(struct run *r, struct err *e)
{
    const char *own;
    if (run_peers_claim(r, &own, e) != STATUS_OK)
        return e->code;
    r->settings.raw_dir = own;
    r->journal_path = arena_printf(r->arena, "%s/journal.jsonl", own);
    return r->journal_path != NULL ? STATUS_OK : status_no_memory(e, "options");
}

static enum status fill_header(struct run *r, const struct run_command *c, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct run_data *data = &r->data;
    const struct env_request q = {.python = r->settings.interpreter,
                                  .use_imds = !o->no_imds,
                                  .config_json = c->options_json,
                                  .tool = r->host->tool};
    if (env_collect(&q, r->arena, &r->env, e) != STATUS_OK ||
        fill_fields(r, e) != STATUS_OK)
        return e->code;
    data->serving_mode = r->mode->name;
    data->tool = r->host->tool;
    data->options_json = c->options_json;
    data->command_json = c->words_json;
    data->env_json = r->env.json;
    data->plan_sha256 = r->plan.sha256;
    data->seed = o->seed;
    run_percentiles_choose(r, c->has_asked_percentiles);
    data->has_asked_percentiles = c->has_asked_percentiles;
    return r->arena->has_failed ? status_no_memory(e, "options") : STATUS_OK;
}

enum status run_open(struct run *r, const struct run_command *c, struct err *e)
{
    r->journal.fd = -1;
    if (locate(r, e) != STATUS_OK || claim(r, e) != STATUS_OK ||
        fill_header(r, c, e) != STATUS_OK)
        return e->code;
    if (r->mode->opened != NULL)
        r->mode->opened(r);
    if (journal_create(&r->journal, r->journal_path, clock_now(), e) != STATUS_OK)
        return e->code;
    if (journal_run(&r->journal, &r->data, e) != STATUS_OK)
        return e->code;
    return run_peers_opened(r, e);
}
