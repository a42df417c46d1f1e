#include "cli/run_setup.h"

#include <string.h>

#include "base/file.h"
#include "data/formats.h"
#include "plan/plan.h"
#include "probe/mask.h"
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
    const struct run_opts *o = j->run.opts;
    struct arena *a = &j->run.arena;
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
    const char *nearest = verdict_rules[0].code;
    for (int i = 1; i < RULE_COUNT; i++)
        if (str_distance(code, verdict_rules[i].code) < str_distance(code, nearest))
            nearest = verdict_rules[i].code;
    status_fail(e, STATUS_BAD_OPTION, option, "unknown rule \"%s\"", code);
    return status_hint(e, "Did you mean %s? docs/verdicts.md lists the codes.", nearest);
}

static enum status check_limits(struct run_job *j, struct err *e)
{
    const struct opt_strings *in = &j->run.opts->limits;
    j->run.data.limits = arena_alloc(&j->run.arena, in->count + 1,
                                     sizeof *j->run.data.limits);
    if (j->run.data.limits == NULL)
        return no_memory(e);
    for (size_t i = 0; i < in->count; i++) {
        struct str value = str_from(in->items[i]);
        struct str code = str_cut(&value, '=');
        struct limit *l = &j->run.data.limits[i];
        l->code = arena_str(&j->run.arena, code);
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
    j->run.data.limit_count = in->count;
    return STATUS_OK;
}

static enum status check_accepted(struct run_job *j, struct err *e)
{
    struct str rest = str_from(j->run.opts->accept_invalid);
    while (rest.len > 0) {
        const char *code = arena_str(&j->run.arena, str_trim(str_cut(&rest, ',')));
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
        return status_hint(e, "See inferbench %s --help", j->run.mode);
    }
    if (check_limits(j, e) != STATUS_OK)
        return e->code;
    return check_accepted(j, e);
}

/* --- what the journal records of the command --- */

/* A word, masked where the one before it names a secret. */
static const char *masked_word(struct run_job *j, const char *before, const char *word)
{
    bool is_value = word[0] != '-' && before != NULL && mask_is_secret(before);
    return mask_value(is_value ? before : "", word, &j->run.arena);
}

/* What is recorded of an option's value. */
static const char *masked_value(struct run_job *j, const struct opt *o, const char *value)
{
    struct str hidden = opt_hidden_part(o, value);
    if (o->is_address && hidden.len > 0)
        value = arena_printf(&j->run.arena, "%.*s***%s", (int)(hidden.ptr - value), value,
                             hidden.ptr + hidden.len);
    return mask_value(o->name, value, &j->run.arena);
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
        opt_text(&j->parse, o, &value);
        jsonw_str(&w, o->name, masked_value(j, o, buf_cstr(&value)));
        buf_fini(&value);
    }
    jsonw_array(&w, "rest");
    const char **rest = j->parse.rest.items;
    for (size_t i = 0; i < j->parse.rest.count; i++)
        jsonw_str(&w, NULL, masked_word(j, i > 0 ? rest[i - 1] : NULL, rest[i]));
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    const char *text = arena_strdup(&j->run.arena, buf_cstr(&out));
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
    const char *text = arena_str(&j->run.arena, name);
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
    jsonw_str(&w, NULL, j->run.mode);
    for (int i = 0; i < j->words.argc; i++) {
        char **argv = j->words.argv;
        const struct opt *o = is_rest ? NULL : option_of(j, argv[i]);
        is_rest = is_rest || strcmp(argv[i], "--") == 0;
        is_secret = o != NULL ? o->is_secret : is_secret && argv[i][0] != '-';
        if (is_secret && o == NULL)
            jsonw_str(&w, NULL, "***");
        else if (is_secret && strchr(argv[i], '=') != NULL)
            jsonw_str(&w, NULL, arena_printf(&j->run.arena, "--%s=***", o->name));
        else
            jsonw_str(&w, NULL, masked_word(j, i > 0 ? argv[i - 1] : NULL, argv[i]));
    }
    jsonw_array_end(&w);
    const char *text = arena_strdup(&j->run.arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

enum status run_setup_identify(struct run_job *j, bool *caching, size_t count,
                               struct err *e)
{
    if (run_identify(&j->run, e) != STATUS_OK)
        return e->code;
    if (!j->run.opts->dry_run)
        plan_order_settings(caching, count, field_str(&j->run.data.fields, FIELD_run_id));
    return STATUS_OK;
}

enum status run_setup_open(struct run_job *j, struct run_facts *facts, struct err *e)
{
    facts->options_json = options_text(j);
    facts->command_json = command_text(j);
    facts->has_asked_percentiles = opt_source_of(&j->parse, "percentiles") !=
                                   OPT_FROM_DEFAULT;
    if (facts->options_json == NULL || facts->command_json == NULL)
        return no_memory(e);
    return run_open(&j->run, facts, e);
}
