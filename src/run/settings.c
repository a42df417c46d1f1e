#include "run/settings.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "base/visible.h"
#include "base/words.h"
#include "run/mode.h"

#define NAME_MAX_BYTES 64
#define LAUNCHES_SHOWN 4
#define CACHING_WORD   "--enable-prefix-caching"
#define NO_CACHING     "--no-enable-prefix-caching"

/* --- --setting NAME='WORDS' */

static enum status bad_name(const char *name, const char *why, struct err *e)
{
    status_fail(e, STATUS_BAD_OPTION, "--setting", "\"%.80s\" %s", name, why);
    return status_hint(e, "Write --setting NAME='WORDS', NAME being the label of its "
                          "rows, e.g. --setting fast='--max-num-seqs 64'");
}

/* A label that stands in tables, commands and MLflow. */
static enum status check_name(const char *name, const struct plan_setting *before,
                              size_t count, struct err *e)
{
    size_t len = strlen(name);
    if (len == 0)
        return bad_name(name, "has no name", e);
    if (len > NAME_MAX_BYTES)
        return bad_name(name, "is too long for a name: at most 64 bytes", e);
    if (!str_equal(str_trim(str_from(name)), str_from(name)) || name[0] == '-')
        return bad_name(name, "begins or ends as no name does", e);
    if (strchr(name, '\t') != NULL || !visible_is_plain(name, false))
        return bad_name(name, "holds what cannot be shown", e);
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i].name, name) == 0)
            return bad_name(name, "is the name of two settings", e);
    return STATUS_OK;
}

/* Prefix caching is an option of ours, and so no word of the engine's; the last one
 * counts. A server that is started by its own command has its own words. */
static void take_caching(struct plan_setting *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->words.count; i++) {
        const char *word = s->words.items[i];
        bool is_on = strcmp(word, CACHING_WORD) == 0;
        if (is_on || strcmp(word, NO_CACHING) == 0)
            s->caching = is_on;
        else
            s->words.items[kept++] = word;
    }
    s->words.count = kept;
}

/* Words of all settings, then its own, which win. */
static enum status join(const struct opt_strings *all, struct arena *a,
                        struct plan_setting *s, struct err *e)
{
    size_t count = all->count + s->words.count;
    const char **items = arena_alloc(a, count + 1, sizeof *items);
    if (items == NULL)
        return status_no_memory(e, "--setting");
    if (all->count > 0)
        memcpy(items, all->items, all->count * sizeof *items);
    if (s->words.count > 0)
        memcpy(items + all->count, s->words.items, s->words.count * sizeof *items);
    s->words = (struct opt_strings){items, count};
    return STATUS_OK;
}

static enum status check_options(const struct run_opts *o, struct err *e)
{
    if (o->label != NULL) {
        status_fail(e, STATUS_BAD_OPTION, "--label", "given with --setting");
        return status_hint(e, "Leave it out: the rows of a setting have its NAME as "
                              "label");
    }
    if (!o->test_prefix_caching)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--test-prefix-caching", "given with --setting");
    return status_hint(e, "Make it settings: --setting off=" NO_CACHING
                          " --setting on=" CACHING_WORD);
}

static enum status read_named(const struct run *r, struct plan_setting *out,
                              struct err *e)
{
    const struct run_opts *o = r->opts;
    bool is_command = r->target.launch_command != NULL;
    if (check_options(o, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < o->settings.count; i++) {
        struct str words = str_from(o->settings.items[i]);
        struct str name = str_cut(&words, '=');
        struct plan_setting *s = &out[i];
        s->number = (int64_t)i + 1;
        s->caching = o->enable_prefix_caching || is_command;
        s->name = arena_str(r->arena, name);
        if (s->name == NULL)
            return status_no_memory(e, "--setting");
        if (check_name(s->name, out, i, e) != STATUS_OK ||
            words_cut(words.ptr, "--setting", r->arena, &s->words, e) != STATUS_OK)
            return e->code;
        if (!is_command)
            take_caching(s);
        if (join(&r->parse->rest, r->arena, s, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

/* --- all of them */

/* OFF and ON, or one. */
static void fill_plain(const struct run *r, struct plan_setting *out, size_t count)
{
    const struct run_opts *o = r->opts;
    bool is_read_back = r->mode->flag == ENGINE_ONLINE && !o->launch;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct plan_setting){.number = (int64_t)i + 1,
                                       .caching = count > 1
                                                      ? i == 1
                                                      : o->enable_prefix_caching ||
                                                            is_read_back || o->ab != NULL,
                                       .words = r->parse->rest};
}

/* What the words of each setting say to the plan. */
static enum status settle(struct run *r, struct plan_setting *settings, size_t count,
                          struct err *e)
{
    struct run_opts *o = r->opts;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        struct engine_settings s = {.max_model_len = o->max_model_len,
                                    .rest = settings[i].words,
                                    .own = &o->vllm};
        if (r->target.launch_command == NULL &&
            r->ops.settle(&s, &o->vllm, e) != STATUS_OK)
            return e->code;
        settings[i].max_model_len = s.max_model_len;
        least = s.max_model_len < least ? s.max_model_len : least;
    }
    o->max_model_len = least;
    return STATUS_OK;
}

enum status run_settings_build(struct run *r, struct plan_options *out, struct err *e)
{
    const struct run_opts *o = r->opts;
    size_t named = o->settings.count;
    size_t count = named > 0 ? named : o->test_prefix_caching ? 2 : 1;
    struct plan_setting *settings = arena_alloc(r->arena, count, sizeof *settings);
    if (settings == NULL)
        return status_no_memory(e, "options");
    if (named == 0)
        fill_plain(r, settings, count);
    else if (read_named(r, settings, e) != STATUS_OK)
        return e->code;
    if (settle(r, settings, count, e) != STATUS_OK)
        return e->code;
    if (!o->dry_run)
        plan_order_settings(settings, count, field_str(&r->data.fields, FIELD_run_id));
    out->settings = settings;
    out->setting_count = count;
    out->max_model_len = o->max_model_len;
    return STATUS_OK;
}

/* --- --dry-run --- */

const char *run_settings_name(const struct plan_setting *s)
{
    return s->name != NULL ? s->name : s->caching ? "ON" : "OFF";
}

const char *run_settings_head(const struct plan_options *o)
{
    return o->settings[0].name != NULL ? "setting" : "caching";
}

const char *run_settings_cell(const struct plan_cell *c)
{
    const struct plan_setting *s = c->setting;
    if (c->arm != PLAN_ARM_NONE)
        return draw_arm_label(c->arm) + 1; /* without the blank */
    return s->name != NULL ? s->name : s->caching ? "on" : "off";
}

/* "setting fast: --max-num-seqs 64, prefix caching off" */
static void put_named(const struct run *r, struct buf *out)
{
    const struct plan_options *o = &r->plan.options;
    for (size_t i = 0; i < o->setting_count; i++) {
        const struct plan_setting *s = &o->settings[i];
        buf_printf(out, "setting %s:", s->name);
        for (size_t k = 0; k < s->words.count; k++)
            buf_printf(out, " %s", s->words.items[k]);
        if (r->target.launch_command == NULL)
            buf_printf(out, "%s prefix caching %s", s->words.count > 0 ? "," : "",
                       s->caching ? "on" : "off");
        buf_char(out, '\n');
    }
}

/* "launches: 3 of each setting: OFF ON, ON OFF, OFF ON" */
static void put_launches(const struct plan_options *o, struct buf *out)
{
    bool is_one = o->setting_count == 1;
    buf_printf(out, "launches: %" PRId64, o->launches);
    for (int64_t l = 0; !is_one && l < o->launches && l < LAUNCHES_SHOWN; l++)
        for (size_t i = 0; i < o->setting_count; i++) {
            size_t at = plan_setting_at(o->setting_count, (size_t)l, i);
            const char *before = i > 0 ? " " : l > 0 ? ", " : " of each setting: ";
            buf_printf(out, "%s%s", before, run_settings_name(&o->settings[at]));
        }
    buf_text(out, !is_one && o->launches > LAUNCHES_SHOWN ? ", ...\n" : "\n");
}

void run_settings_text(const struct run *r, struct buf *out)
{
    const struct plan_options *o = &r->plan.options;
    bool is_named = o->settings[0].name != NULL;
    if (is_named)
        put_named(r, out);
    if (o->launches > 1)
        put_launches(o, out);
    if (o->ab_blocks > 0)
        buf_text(out, "order: OFF ON ON OFF or ON OFF OFF ON, drawn for each block at "
                      "the start\n");
    if (o->setting_count > 1)
        buf_printf(out, "order: which %ssetting runs first is drawn at the start\n",
                   is_named ? "" : "prefix-caching ");
}
