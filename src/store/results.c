#include "store/results.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "stats/rows.h"
#include "stats/search.h"
#include "stats/settle.h"
#include "stats/told.h"
#include "store/findings.h"
#include "store/journal.h"
#include "store/journal_line.h"
#include "text/json.h"

#define FILE_CAP_BYTES ((size_t)2 << 30)
#define STAMP_TRIES    1000

static bool file_paths(const struct run_data *run, const char *dir, struct arena *a,
                       struct results *r)
{
    const char *mode = run->serving_mode;
    r->env_path = arena_printf(a, "%s/env_info_%s.json", dir, run->stamp);
    r->results_path = arena_printf(a, "%s/%s_results_%s.json", dir, mode, run->stamp);
    r->summary_path = arena_printf(a, "%s/%s_summary_%s.json", dir, mode, run->stamp);
    return r->env_path != NULL && r->results_path != NULL && r->summary_path != NULL;
}

enum status results_build(const struct run_data *run, const char *output_dir,
                          struct arena *a, struct results *out, struct err *e)
{
    *out = (struct results){0};
    if (!file_paths(run, output_dir, a, out))
        return status_no_memory(e, output_dir);
    if (rows_build_all(run, a, &out->rows, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; out->rows != NULL && i < run->repeat_count; i++)
        out->failed_rows += value_is_known(out->rows[i].v[FIELD_error]);
    struct summary summary;
    if (summary_build(run, out->rows, a, &summary, e) != STATUS_OK)
        return e->code;
    out->cells = summary.entries;
    out->cell_count = summary.count;
    return STATUS_OK;
}

static void generated_at(struct jsonw *w, const struct run_data *run)
{
    char text[CLOCK_TEXT_BYTES];
    clock_iso_local((struct wall){run->start.ns + run->end_ns}, run->utc_offset_s, text);
    jsonw_str(w, "generated_at", text);
}

/* The environment without its bulky parts, for each results file. */
static void compact_env(struct jsonw *w, const struct run_data *run)
{
    static const char *const left_out[] = {"environment_variables", "benchmark_config",
                                           "client"};
    struct err e;
    json_t *env = NULL;
    struct buf text;
    buf_init(&text, FILE_CAP_BYTES);
    if (json_from_text(str_from(run->env_json), "env", &env, &e) == STATUS_OK) {
        for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
            json_object_del(env, left_out[i]);
        json_t *cpu = json_object_get(env, "cpu");
        if (json_is_object(cpu))
            json_object_del(cpu, "flags");
    }
    bool is_text = env != NULL && json_to_text(env, &text) == STATUS_OK;
    jsonw_raw(w, "env", is_text ? buf_cstr(&text) : "{}");
    buf_fini(&text);
    json_decref(env);
}

static void test_write(struct jsonw *w, const char *key, double level,
                       const struct sprt *t)
{
    if (isnan(level)) {
        jsonw_null(w, key);
        return;
    }
    jsonw_object(w, key);
    jsonw_num(w, "level", level);
    jsonw_int(w, "good", t->good);
    jsonw_int(w, "bad", t->bad);
    jsonw_object_end(w);
}

/* The answer of a search; of other runs nothing. */
static void capacity_write(struct jsonw *w, const struct run_data *run,
                           const struct row *rows)
{
    struct search_answer a;
    if (!search_answer(run, rows, &a))
        return;
    jsonw_object(w, "capacity");
    jsonw_str(w, "state", search_state(&a));
    jsonw_str(w, "unit", a.search.is_rate ? "requests/s" : "requests in flight");
    jsonw_num(w, "share", a.search.share);
    jsonw_num(w, "low", a.low);
    jsonw_num(w, "high", a.high);
    jsonw_num(w, "error", a.is_confirmed ? SPRT_ERROR : (double)NAN);
    jsonw_int(w, "blocks", (int64_t)a.blocks);
    test_write(w, "passed", a.found.passed, &a.found.pass);
    test_write(w, "failed", a.found.failed, &a.found.fail);
    jsonw_num(w, "window_s", a.window_s);
    jsonw_num(w, "tokens_per_second", a.tokens_per_second);
    jsonw_num(w, "usd_per_million_output_tokens", a.usd_per_million_output_tokens);
    jsonw_int(w, "requests_due", a.due);
    jsonw_int(w, "requests_late", a.late);
    jsonw_bool(w, "loadgen_passes", a.loadgen_passes);
    jsonw_object_end(w);
}

static void results_text(const struct run_data *run, const struct results *r,
                         struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "metadata");
    jsonw_int(&w, "total_runs", (int64_t)run->repeat_count);
    jsonw_int(&w, "failed_rows", r->failed_rows);
    generated_at(&w, run);
    jsonw_int(&w, "format", RECORD_FORMAT);
    jsonw_str(&w, "run_id", field_str(&run->fields, FIELD_run_id));
    jsonw_str(&w, "tool", run->tool);
    jsonw_raw(&w, "command", run->command_json);
    jsonw_raw(&w, "options", run->options_json);
    jsonw_str(&w, "plan_sha256", run->plan_sha256);
    jsonw_int(&w, "seed", run->seed);
    jsonw_bool(&w, "complete", run->is_complete);
    capacity_write(&w, run, r->rows);
    compact_env(&w, run);
    jsonw_object_end(&w);
    jsonw_array(&w, "results");
    for (size_t i = 0; i < run->repeat_count; i++)
        journal_fields(&w, NULL, &r->rows[i]);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    buf_char(out, '\n');
}

static void spread_write(struct jsonw *w, const char *key, const struct spread *s)
{
    jsonw_object(w, key);
    jsonw_num(w, "mean", s->mean);
    jsonw_num(w, "min", s->min);
    jsonw_num(w, "max", s->max);
    jsonw_num(w, "std", s->std);
    jsonw_num(w, "ci95_low", s->ci95_low);
    jsonw_num(w, "ci95_high", s->ci95_high);
    jsonw_object_end(w);
}

static void percentiles_write(struct jsonw *w, const char *key,
                              const struct run_data *run, const struct percentile *p)
{
    jsonw_object(w, key);
    for (size_t i = 0; i < run->percentile_count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "p%g", p[i].p);
        jsonw_num(w, name, p[i].value);
        (void)snprintf(name, sizeof name, "p%g_low", p[i].p);
        jsonw_num(w, name, p[i].low);
        (void)snprintf(name, sizeof name, "p%g_high", p[i].p);
        jsonw_num(w, name, p[i].high);
    }
    jsonw_object_end(w);
}

static void copy_fields(struct jsonw *w, const struct summary_entry *c,
                        const enum field_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        findings_write_value(w, field_table[ids[i]].name, c->row->v[ids[i]]);
}

/* --- the layout of an entry: what offline_benchmark.py has, in its order and under its
 * names, then ours */

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static const enum field_id first_fields[] = {
    FIELD_instance_type, FIELD_serving_mode,      FIELD_batch_size,
    FIELD_input_length,  FIELD_max_output_tokens, FIELD_enable_prefix_caching};
static const enum field_id later_fields[] = {FIELD_scenario, FIELD_label, FIELD_engine,
                                             FIELD_request_rate};

struct spread_key {
    enum metric metric;
    const char *key;
};
static const struct spread_key first_spreads[] = {
    {METRIC_tokens_per_second, "tokens_per_second"},
    {METRIC_time_per_token, "time_per_token_ms"},
    {METRIC_first_token_latency, "first_token_latency_sec"},
    {METRIC_inter_token_latency, "inter_token_latency_ms"},
};
/* All other metrics follow these, in order of the field table. */
static const struct spread_key later_spreads[] = {
    {METRIC_cache_hit_rate, "cache_hit_rate"},
    {METRIC_usd_per_million_output_tokens, "usd_per_million_output_tokens"},
    {METRIC_usd_per_million_tokens, "usd_per_million_tokens"},
};

static void spreads_write(struct jsonw *w, const struct summary_entry *c,
                          const struct spread_key *keys, size_t count,
                          bool is_done[METRIC_COUNT])
{
    for (size_t i = 0; i < count; i++) {
        spread_write(w, keys[i].key, &c->spread[keys[i].metric]);
        is_done[keys[i].metric] = true;
    }
}

static void entry_write(struct jsonw *w, const struct run_data *run,
                        const struct summary_entry *c)
{
    bool is_done[METRIC_COUNT] = {false};
    jsonw_object(w, c->key);
    jsonw_int(w, "count", c->count);
    copy_fields(w, c, first_fields, COUNT_OF(first_fields));
    spreads_write(w, c, first_spreads, COUNT_OF(first_spreads), is_done);
    for (int i = 0; i < SUMMARY_POOL_COUNT; i++)
        percentiles_write(w, summary_pools[i], run, c->pools[i]);
    copy_fields(w, c, later_fields, COUNT_OF(later_fields));
    spreads_write(w, c, later_spreads, COUNT_OF(later_spreads), is_done);
    for (int m = 0; m < METRIC_COUNT; m++)
        if (!is_done[m])
            spread_write(w, field_table[field_of_metric((enum metric)m)].name,
                         &c->spread[m]);
    jsonw_int(w, "failed_rows", c->failed_rows);
    jsonw_str(w, "verdict", c->verdict);
    findings_write_codes(w, "reasons", c->reasons);
    findings_write_codes(w, "warnings", c->warnings);
    findings_write_checks(w, "checks", c->checks);
    jsonw_count(w, "repeats_for_2_percent",
                c->repeats_for_2_percent > 0 ? c->repeats_for_2_percent : -1);
    jsonw_count(w, "repeats_for_2_percent_low",
                c->repeats_range.low > 0 ? c->repeats_range.low : -1);
    jsonw_count(w, "repeats_for_2_percent_high",
                c->repeats_range.high > 0 ? c->repeats_range.high : -1);
    jsonw_object_end(w);
}

static void summary_text(const struct run_data *run, const struct results *r,
                         struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "metadata");
    generated_at(&w, run);
    jsonw_int(&w, "total_configurations", (int64_t)r->cell_count);
    jsonw_int(&w, "format", RECORD_FORMAT);
    jsonw_str(&w, "run_id", field_str(&run->fields, FIELD_run_id));
    jsonw_object_end(&w);
    jsonw_object(&w, "summary");
    for (size_t i = 0; i < r->cell_count; i++)
        entry_write(&w, run, &r->cells[i]);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    buf_char(out, '\n');
}

/* One cell's settings as compact JSON text. */
static void settings_text(const struct cell_data *cell, struct buf *out)
{
    struct row fields = {.v = {{0}}};
    struct jsonw w;
    for (int id = 0; id < FIELD_COUNT; id++)
        if (told_by_engine((enum field_id)id))
            fields.v[id] = cell->fields.v[id];
    buf_clear(out);
    jsonw_init(&w, out, 0);
    journal_fields(&w, NULL, &fields);
}

/* The settings that the engine reported: one object for each that differs from the
 * last. */
static void engine_write(struct jsonw *w, const struct run_data *run)
{
    struct buf texts[2];
    buf_init(&texts[0], FILE_CAP_BYTES);
    buf_init(&texts[1], FILE_CAP_BYTES);
    jsonw_object(w, "engine");
    jsonw_str(w, "name", field_str(&run->fields, FIELD_engine));
    jsonw_array(w, "settings");
    for (size_t i = 0; i < run->cell_count; i++) {
        settings_text(&run->cells[i], &texts[i % 2]);
        const char *now = buf_cstr(&texts[i % 2]),
                   *before = buf_cstr(&texts[(i + 1) % 2]);
        if (i == 0 || strcmp(now, before) != 0)
            jsonw_raw(w, NULL, now);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
    buf_fini(&texts[0]);
    buf_fini(&texts[1]);
}

static enum status env_text_of(const struct run_data *run, struct buf *out, struct err *e)
{
    json_t *env = NULL;
    struct buf part;
    struct jsonw w;
    if (json_from_text(str_from(run->env_json), "env", &env, e) != STATUS_OK)
        return e->code;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    const char *key;
    json_t *value;
    json_object_foreach(env, key, value)
    {
        buf_init(&part, FILE_CAP_BYTES);
        if (json_to_text(value, &part) == STATUS_OK)
            jsonw_raw(&w, key, buf_cstr(&part));
        buf_fini(&part);
    }
    engine_write(&w, run);
    jsonw_object_end(&w);
    buf_char(out, '\n');
    json_decref(env);
    return STATUS_OK;
}

enum status results_write(const struct run_data *run, const struct results *r,
                          struct err *e)
{
    struct buf text;
    buf_init(&text, FILE_CAP_BYTES);
    enum status s = env_text_of(run, &text, e);
    if (s == STATUS_OK)
        s = file_put(r->env_path, &text, e);
    buf_clear(&text);
    if (s == STATUS_OK) {
        results_text(run, r, &text);
        s = file_put(r->results_path, &text, e);
    }
    buf_clear(&text);
    if (s == STATUS_OK) {
        summary_text(run, r, &text);
        s = file_put(r->summary_path, &text, e);
    }
    buf_fini(&text);
    return s;
}

enum status results_claim(const char *output_dir, struct run_data *run, struct arena *a,
                          const char **raw_dir, struct err *e)
{
    char base[CLOCK_TEXT_BYTES];
    clock_stamp(run->start, run->utc_offset_s, base);
    if (file_make_dirs(output_dir, e) != STATUS_OK)
        return e->code;
    for (int n = 1; n <= STAMP_TRIES; n++) {
        char *name = n == 1 ? arena_strdup(a, base) : arena_printf(a, "%s-%d", base, n);
        char *dir = name != NULL ? arena_printf(a, "%s/raw_%s", output_dir, name) : NULL;
        if (dir == NULL)
            return status_no_memory(e, output_dir);
        if (mkdir(dir, 0777) == 0) {
            run->stamp = name;
            *raw_dir = dir;
            return STATUS_OK;
        }
        if (errno != EEXIST) {
            status_errno(e, dir, "cannot create the folder");
            return status_hint(e, "Choose a writable folder with --output-dir.");
        }
    }
    return status_fail(e, STATUS_IO, output_dir, "%d runs of the same second are there",
                       STAMP_TRIES);
}

bool results_name_split(const char *path, struct results_name *out)
{
    static const char mark[] = "_results_", suffix[] = ".json";
    const char *base = file_base_name(path), *at = strstr(base, mark);
    const char *stamp = at != NULL ? at + strlen(mark) : base;
    size_t len = strlen(stamp), end = strlen(suffix);
    if (at == NULL || len < end || strcmp(stamp + len - end, suffix) != 0)
        return false;
    *out = (struct results_name){.folder = {path, (size_t)(base - path)},
                                 .mode = {base, (size_t)(at - base)},
                                 .stamp = {stamp, len - end}};
    return true;
}

const char *results_raw_dir(const char *results_path, struct arena *a)
{
    struct results_name n;
    if (!results_name_split(results_path, &n))
        return NULL;
    const char *raw = arena_printf(a, "%.*sraw_%.*s", (int)n.folder.len, n.folder.ptr,
                                   (int)n.stamp.len, n.stamp.ptr);
    return raw != NULL && file_is_dir(raw) ? raw : NULL;
}

/* The stamp of raw_STAMP, in the arena: what is rebuilt from a folder bears its name, and
 * so never replaces the files of another run. NULL: it has none. */
static const char *stamp_of(const char *raw_dir, struct arena *a)
{
    static const char mark[] = "raw_";
    const char *path = arena_str(a, file_without_slash(raw_dir));
    const char *name = path != NULL ? file_base_name(path) : "";
    const char *stamp = name + strlen(mark);
    bool is_ours = strncmp(name, mark, strlen(mark)) == 0 &&
                   journal_check_stamp(str_from(stamp));
    return is_ours ? stamp : NULL;
}

/* The folder that holds raw_dir, in the arena. */
static const char *parent_of(const char *raw_dir, struct arena *a)
{
    size_t end = file_without_slash(raw_dir).len, len = end;
    while (len > 0 && raw_dir[len - 1] != '/')
        len--;
    struct str name = {raw_dir + len, end - len};
    if (str_is(name, ".") || str_is(name, ".."))
        return arena_printf(a, "%.*s/..", (int)end, raw_dir);
    while (len > 1 && raw_dir[len - 1] == '/')
        len--;
    return len == 0 ? "." : arena_str(a, (struct str){raw_dir, len});
}

enum status results_read(const char *raw_dir, const char *output_dir, struct arena *a,
                         struct recovery *out, struct err *e)
{
    const char *path = arena_printf(a, "%s/journal.jsonl", raw_dir);
    const char *folder = output_dir != NULL ? output_dir : parent_of(raw_dir, a);
    if (path == NULL || folder == NULL)
        return status_no_memory(e, raw_dir);
    if (journal_read(path, a, &out->run, &out->note, e) != STATUS_OK)
        return e->code;
    settle_run(&out->run);
    const char *stamp = stamp_of(raw_dir, a);
    if (stamp != NULL)
        out->run.stamp = stamp;
    return results_build(&out->run, folder, a, &out->results, e);
}
