#include "run/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "engines/registry.h"
#include "plan/blocks.h"
#include "plan/lengths.h"
#include "run/capacity.h"
#include "run/mode.h"
#include "run/peers.h"
#include "run/percentiles.h"
#include "run/precision.h"
#include "run/settings.h"
#include "stats/verdict.h"
#include "text/json.h"

#define CONFIG_CAP_BYTES ((size_t)64 << 20)
#define DEFAULT_NUM_SEQS 256

/* --- what is asked for --- */

static enum status no_rule(const char *option, const char *code, struct err *e)
{
    const char *nearest = verdict_rules[0].code;
    for (int i = 1; i < RULE_COUNT; i++)
        if (str_distance(code, verdict_rules[i].code) < str_distance(code, nearest))
            nearest = verdict_rules[i].code;
    status_fail(e, STATUS_BAD_OPTION, option, "unknown rule \"%s\"", code);
    return status_hint(e, "Did you mean %s? docs/verdicts.md lists the codes.", nearest);
}

static enum status check_limits(struct run *r, struct err *e)
{
    const struct opt_strings *in = &r->opts->limits;
    r->data.limits = arena_alloc(r->arena, in->count + 1, sizeof *r->data.limits);
    if (r->data.limits == NULL)
        return status_no_memory(e, "options");
    for (size_t i = 0; i < in->count; i++) {
        struct str value = str_from(in->items[i]);
        struct str code = str_cut(&value, '=');
        struct limit *l = &r->data.limits[i];
        l->code = arena_str(r->arena, code);
        if (l->code == NULL)
            return status_no_memory(e, "options");
        if (verdict_find(l->code) == NULL)
            return no_rule("--limit", l->code, e);
        if (!str_to_double(value, &l->value)) {
            status_fail(e, STATUS_BAD_OPTION, "--limit", "\"%s\" is not CODE=VALUE",
                        in->items[i]);
            return status_hint(e, "Write e.g. ERRORS=0.01; docs/verdicts.md lists the "
                                  "codes.");
        }
    }
    r->data.limit_count = in->count;
    return STATUS_OK;
}

static enum status check_accepted(struct run *r, struct err *e)
{
    struct str rest = str_from(r->opts->accept_invalid);
    while (rest.len > 0) {
        const char *code = arena_str(r->arena, str_trim(str_cut(&rest, ',')));
        if (code == NULL)
            return status_no_memory(e, "options");
        if (verdict_find(code) == NULL)
            return no_rule("--accept-invalid", code, e);
    }
    return STATUS_OK;
}

/* Two arms share one engine, whose cache is on. */
static enum status check_arms(struct run *r, struct err *e)
{
    static const struct {
        const char *option, *why;
    } others[] = {
        {"test-prefix-caching", "measures OFF and ON in two engines"},
        {"num-runs", "follows from --ab-blocks"},
        {"setting", "starts an engine for each"},
        {"launches", "starts the engine again, and --ab measures inside one"},
        {"prefix-reuse", "does not go with new prompts in each repeat"},
    };
    if (r->opts->ab == NULL) {
        if (opt_source_of(r->parse, "ab-blocks") == OPT_FROM_DEFAULT)
            return STATUS_OK;
        status_fail(e, STATUS_BAD_OPTION, "--ab-blocks", "given without --ab");
        return status_hint(e, "Add --ab interleaved");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (opt_source_of(r->parse, others[i].option) == OPT_FROM_DEFAULT)
            continue;
        status_fail(e, STATUS_BAD_OPTION, "--ab", "given with --%s, which %s",
                    others[i].option, others[i].why);
        return status_hint(e, "Use one of the two");
    }
    return STATUS_OK;
}

static enum status check(struct run *r, struct err *e)
{
    if (check_limits(r, e) != STATUS_OK || check_accepted(r, e) != STATUS_OK)
        return e->code;
    return check_arms(r, e);
}

/* --- the plan --- */

/* Of time, process and the kernel's random bytes. */
static enum status identify(struct run *r, struct err *e)
{
    struct buf random;
    struct err ignored;
    struct rng g;
    buf_init(&random, 64);
    if (file_read("/proc/sys/kernel/random/uuid", &random, &ignored) != STATUS_OK)
        buf_clear(&random);
    const char *name = arena_printf(r->arena, "run/%s/%lld", buf_cstr(&random),
                                    (long long)clock_now().ns);
    rng_init(&g, (uint64_t)clock_wall().ns, name != NULL ? name : "run");
    buf_fini(&random);
    char *id = arena_printf(r->arena, "%016llx%016llx", (unsigned long long)rng_u64(&g),
                            (unsigned long long)rng_u64(&g));
    if (id == NULL)
        return status_no_memory(e, "options");
    r->data.fields.v[FIELD_run_id] = value_str(id);
    return run_peers_identify(r, id, strlen(id) + 1, e);
}

static enum status build(struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct scenario_list scenarios = {0};
    struct plan_options p = {.max_tokens = o->max_tokens,
                             .num_runs = o->ab != NULL ? blocks_runs(o->ab_blocks)
                                                       : o->num_runs,
                             .ab_blocks = o->ab != NULL ? o->ab_blocks : 0,
                             .launches = o->launches,
                             .is_prefix_warm = strcmp(o->prefix_reuse, "warm") == 0,
                             .seed = o->seed};
    if (identify(r, e) != STATUS_OK || run_settings_build(r, &p, e) != STATUS_OK)
        return e->code;
    p.run_id = field_str(&r->data.fields, FIELD_run_id);
    if (r->mode->scenarios(r, &scenarios, e) != STATUS_OK)
        return e->code;
    p.scenarios = scenarios.items;
    p.scenario_count = scenarios.count;
    if (r->mode->loads(r, &p, e) != STATUS_OK ||
        run_precision_plan(r, &p, e) != STATUS_OK ||
        run_capacity_plan(r, &p, e) != STATUS_OK)
        return e->code;
    return plan_build(&p, r->arena, &r->plan, e);
}

/* --- the engine --- */

/* vocab_size in the config.json of a local model, else --vocab-size, else 0. */
static int64_t vocabulary(struct run *r, const char *model)
{
    struct err e;
    json_t *config = NULL;
    int64_t size = 0, option = r->opts->vocab_size;
    const char *path = arena_printf(r->arena, "%s/config.json",
                                    model != NULL ? model : "");
    if (path != NULL && file_exists(path) &&
        json_from_file(path, CONFIG_CAP_BYTES, &config, &e) == STATUS_OK)
        size = json_range_of(config, "vocab_size", 1, JSON_IDS_MAX, 0);
    json_decref(config);
    if (size <= 32)
        size = option != OPT_INT_UNSET ? option : 0;
    return size;
}

static void fill_settings(struct run *r)
{
    const struct run_opts *o = r->opts;
    struct engine_settings *s = &r->settings;
    *s = (struct engine_settings){.model = o->model,
                                  .max_model_len = o->max_model_len,
                                  .seed = o->seed,
                                  .temperature = o->temperature,
                                  .top_p = o->top_p,
                                  .stop_at_eos = o->stop_at_eos,
                                  .own = &o->vllm,
                                  .rest = r->parse->rest,
                                  .vocab_size = vocabulary(r, o->model)};
    int64_t most = r->mode->settings(r, s);
    s->max_num_seqs = most > DEFAULT_NUM_SEQS ? most : DEFAULT_NUM_SEQS;
}

enum status run_plan(struct run *r, struct err *e)
{
    if (check(r, e) != STATUS_OK || r->mode->check(r, e) != STATUS_OK ||
        registry_find(r->mode->engine(r), r->mode->flag, &r->ops, e) != STATUS_OK ||
        build(r, e) != STATUS_OK || run_peers_check(r, e) != STATUS_OK)
        return e->code;
    fill_settings(r);
    return STATUS_OK;
}

/* --- --dry-run --- */

/* Tokens of the answers: "128", or of a data set's own lengths "16..64". */
static void answer_lengths(int64_t max_tokens, const struct scenario *s, struct buf *out)
{
    int64_t least = lengths_answer(max_tokens, s, 0);
    int64_t most = lengths_cell(max_tokens, s, INT64_MAX);
    for (size_t i = 1; i < s->text_count; i++) {
        int64_t tokens = lengths_answer(max_tokens, s, i);
        least = tokens < least ? tokens : least;
    }
    buf_int(out, least);
    if (most > least)
        buf_printf(out, "..%" PRId64, most);
}

/* "1088 (1024 shared)", "1088 (1024 of 4 shared)" */
static void shared_lengths(const struct scenario *s, struct buf *out)
{
    buf_printf(out, "%" PRId64 " (%" PRId64, s->shared_tokens + s->own_tokens,
               s->shared_tokens);
    if (s->prefixes > 1)
        buf_printf(out, " of %" PRId64, s->prefixes);
    buf_text(out, " shared)");
}

static void scenario_lines(const struct plan_options *o, struct buf *out)
{
    buf_printf(out, "%-18s %-22s %s\n", "scenario", "prompt tokens", "answer tokens");
    for (size_t i = 0; i < o->scenario_count; i++) {
        const struct scenario *s = &o->scenarios[i];
        struct buf lengths;
        buf_init(&lengths, 128);
        if (s->text_count > 0)
            buf_printf(&lengths, "%zu text%s", s->text_count,
                       str_plural((int64_t)s->text_count));
        else if (s->shared_tokens > 0)
            shared_lengths(s, &lengths);
        else
            buf_printf(&lengths, "%" PRId64, s->own_tokens);
        buf_printf(out, "%-18s %-22s ", s->name, buf_cstr(&lengths));
        answer_lengths(o->max_tokens, s, out);
        buf_char(out, '\n');
        buf_fini(&lengths);
    }
}

void run_plan_count(const struct plan *p, struct buf *out)
{
    int64_t launches = p->options.launches > 1 ? p->options.launches : 1;
    size_t cells = p->cell_count / (size_t)launches;
    buf_printf(out, "\n%zu cell%s x ", cells, str_plural((int64_t)cells));
    if (launches > 1)
        buf_printf(out, "%" PRId64 " launches x ", launches);
    buf_printf(out, "%" PRId64 " repeats (", p->options.num_runs);
    if (p->options.ab_blocks > 0)
        buf_printf(out, "%d warm-ups, two in each of %" PRId64 " blocks)", BLOCKS_WARMUPS,
                   p->options.ab_blocks);
    else
        buf_text(out, "repeat 0 is the warm-up)");
}

enum status run_plan_text(const struct run *r, struct buf *out, struct err *e)
{
    const struct plan_options *o = &r->plan.options;
    r->mode->dry_head(r, out);
    scenario_lines(o, out);
    r->mode->dry_cells(r, out);
    run_settings_text(r, out);
    run_percentiles_text(r, out);
    run_precision_text(r, out);
    run_capacity_text(r, out);
    r->mode->dry_end(r, out);
    buf_printf(out, "plan: sha256 %s\n", r->plan.sha256);
    return out->failed == STATUS_OK ? STATUS_OK
                                    : status_fail(e, out->failed, "--dry-run",
                                                  "the plan is too long to print");
}
