#include "store/journal_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "store/decode.h"
#include "store/journal.h"
#include "store/journal_line.h"
#include "store/journal_order.h"
#include "text/jsonr_object.h"

#define BAD_EVENTS    "events of a request do not match"
#define HAS_CHANGED   "it has changed since it was written"
#define HAVE_CHANGED  "its lines have changed since they were written"
#define IF_EDITED     "; if you edited it, remove its \"sum\""
#define IF_ANY_EDITED "; if you edited them, remove the \"sum\" of this one"
#define EDITED_RUN                                                                      \
    "Lines without their last member \"sum\" are read as they are: remove it from the " \
    "lines that you edited. To name a machine, edit nothing: inferbench merge "         \
    "g5.xlarge=FILE"

/* State of one reading. */
struct reading {
    struct arena *arena;
    struct run_data *run;
    struct err *e;
    const char *where; /* file:line */
    char place[160];   /* text behind where */
    struct journal_note *note;
    struct journal_order order;
    struct journal_whole whole;
    struct jsonr_object line;
    struct decode decode;
    uint64_t sum; /* of the lines since the repeat under way began */
    bool has_run;
    bool is_changed; /* they, or its end, are not as they were written */
    size_t clock_room;
    bool is_past_end; /* a second run line came: what follows is another journal's */
};

static enum status bad(struct reading *rd, const char *what)
{
    return status_fail(rd->e, STATUS_BAD_INPUT, rd->where, "%s", what);
}

/* A copy of a string member; NULL where there is none, or no memory. */
static const char *text_of(struct reading *rd, const char *key)
{
    return jsonr_object_text(&rd->line, key, rd->arena);
}

/* A copy of a member as it stands. */
static const char *raw_text(struct reading *rd, const char *key)
{
    struct jsonr_value v = jsonr_object_get(&rd->line, key);
    return v.kind != JSONR_NONE ? arena_str(rd->arena, v.text) : NULL;
}

static void fields_of(struct reading *rd, struct row *out)
{
    struct jsonr_value fields = jsonr_object_get(&rd->line, "fields");
    struct jsonr r;
    struct str key;
    jsonr_init(&r, fields.text, NULL, NULL);
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &key))
        decode_field(&rd->decode, key, jsonr_value(&r), out);
}

static void read_percentiles(struct reading *rd)
{
    struct run_data *run = rd->run;
    struct jsonr_value list = jsonr_object_get(&rd->line, "percentiles");
    size_t room = 0;
    struct jsonr r;
    jsonr_init(&r, list.text, NULL, NULL);
    jsonr_enter(&r, '[');
    while (jsonr_item(&r)) {
        struct jsonr_value v = jsonr_value(&r);
        if (!arena_grow(rd->arena, &run->percentiles, run->percentile_count, &room,
                        sizeof *run->percentiles))
            return;
        run->percentiles[run->percentile_count++] = jsonr_num(v);
    }
}

static void read_limits(struct reading *rd)
{
    struct run_data *run = rd->run;
    struct jsonr_value limits = jsonr_object_get(&rd->line, "limits");
    size_t room = 0;
    struct jsonr r;
    struct str code;
    jsonr_init(&r, limits.text, NULL, NULL);
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &code)) {
        struct jsonr_value v = jsonr_value(&r);
        if (!arena_grow(rd->arena, &run->limits, run->limit_count, &room,
                        sizeof *run->limits))
            return;
        run->limits[run->limit_count++] = (struct limit){arena_str(rd->arena, code),
                                                         jsonr_num(v)};
    }
}

static bool is_run_whole(const struct run_data *run)
{
    return run->tool != NULL && run->serving_mode != NULL && run->stamp != NULL &&
           run->command_json != NULL && run->options_json != NULL &&
           run->env_json != NULL;
}

/* --client-threads, which the options have as text. */
static int64_t threads_of(struct jsonr_value options)
{
    int64_t n, threads = 1;
    struct jsonr r;
    struct str key;
    jsonr_init(&r, options.text, NULL, NULL);
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &key)) {
        struct str text = jsonr_inner(jsonr_value(&r));
        if (str_is(key, "client-threads") && str_to_i64(text, &n) && n > 0)
            threads = n;
    }
    return threads;
}

/* Which process of how many; false where that cannot be. */
static bool read_ranks(const struct jsonr_object *line, struct run_data *run)
{
    int64_t ranks = jsonr_object_int(line, "ranks", 0);
    int64_t rank = jsonr_object_int(line, "rank", ranks > 0 ? RANK_ALL : 0);
    run->rank = (int32_t)rank;
    run->ranks = (int32_t)ranks;
    if (ranks == 0)
        return rank == 0;
    return ranks > 1 && ranks <= JOURNAL_RANKS_MAX && rank >= RANK_ALL && rank < ranks;
}

static enum status read_run(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct run_data *run = rd->run;
    if (rd->has_run)
        return bad(rd, "a second run line: two journals in one file");
    run->definitions = (int)jsonr_object_int(line, "format", 0);
    if (run->definitions < 1 || run->definitions > RECORD_FORMAT)
        return bad(rd, "not a journal of format 1 or 2: a newer inferbench may read it");
    run->has_asked_percentiles = jsonr_object_bool(line, "asked_percentiles",
                                                   run->definitions == 1);
    run->start.ns = jsonr_object_int(line, "start_wall_ns", 0);
    rd->note->start_monotonic_ns = jsonr_object_int(line, "start_monotonic_ns", 0);
    run->utc_offset_s = (int32_t)jsonr_object_int(line, "utc_offset_s", 0);
    run->seed = jsonr_object_int(line, "seed", 0);
    run->command_json = raw_text(rd, "command");
    run->options_json = raw_text(rd, "options");
    run->env_json = raw_text(rd, "env");
    run->tool = text_of(rd, "tool");
    run->serving_mode = text_of(rd, "serving_mode");
    run->stamp = text_of(rd, "stamp");
    run->plan_sha256 = text_of(rd, "plan_sha256");
    if (rd->arena->has_failed)
        return status_no_memory(rd->e, rd->where);
    rd->whole.client_threads = threads_of(jsonr_object_get(line, "options"));
    if (!is_run_whole(run))
        return bad(rd, "a run line without its members");
    if (!read_ranks(line, run))
        return bad(rd, "rank, ranks: numbers that cannot be");
    if (journal_check_run(line, rd->where, rd->e) != STATUS_OK)
        return rd->e->code;
    fields_of(rd, &run->fields);
    read_percentiles(rd);
    read_limits(rd);
    rd->has_run = true;
    return STATUS_OK;
}

/* Repeats that began before the line; older journals do not tell. */
static int64_t begun_of(const struct jsonr_object *line)
{
    return jsonr_object_int(line, "begun", -1);
}

static enum status read_cell(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct cell_data *c;
    int64_t number = jsonr_object_int(line, "cell", -1);
    const struct journal_name before = {.cell = number, .repeat = -1};
    if (journal_order_begun(&rd->order, before, begun_of(line), rd->e) != STATUS_OK ||
        journal_order_cell(&rd->order, number, &c, rd->e) != STATUS_OK)
        return rd->e->code;
    c->has_fixed_lengths = jsonr_object_bool(line, "fixed_lengths", false);
    c->has_gaps = jsonr_object_bool(line, "gaps", true);
    c->shares_prefix = jsonr_object_bool(line, "shares_prefix", false);
    c->longest_prompt_tokens = jsonr_object_int(line, "longest_prompt_tokens",
                                                TOKENS_UNKNOWN);
    double ramp_up_s = jsonr_object_num(line, "ramp_up_s");
    c->ramp_up_s = ramp_up_s > 0 ? ramp_up_s : 0;
    c->max_concurrency = jsonr_object_int(line, "max_concurrency", 0);
    fields_of(rd, &c->fields);
    return STATUS_OK;
}

static struct journal_name name_of(const struct jsonr_object *line)
{
    return (struct journal_name){jsonr_object_int(line, "cell", -1),
                                 jsonr_object_int(line, "repeat", -1)};
}

static enum status read_repeat(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct repeat_data *r;
    enum status s = journal_order_begun(&rd->order, name_of(line), begun_of(line), rd->e);
    if (s == STATUS_OK)
        s = journal_order_repeat(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    r->is_warmup = jsonr_object_bool(line, "warmup", false);
    r->start_ns = jsonr_object_int(line, "at_ns", 0);
    r->requests_planned = jsonr_object_int(line, "planned", 0);
    r->expected_cached_tokens = jsonr_object_int(line, "expected_cached_tokens",
                                                 TOKENS_UNKNOWN);
    return STATUS_OK;
}

static enum status read_request(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct repeat_data *r;
    struct request_record *q;
    enum status s = journal_order_current(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    int32_t index = (int32_t)jsonr_object_int(line, "index", 0);
    if (journal_order_request(&rd->order, r, index, &q, rd->e) != STATUS_OK)
        return rd->e->code;
    int64_t rank = jsonr_object_int(line, "rank", 0);
    q->rank = rank > 0 && rank < rd->run->ranks ? (int32_t)rank : 0;
    /* checked before */
    (void)journal_line_status_find(jsonr_object_get(line, "status"), &q->status);
    q->fail = record_fail_find(jsonr_inner(jsonr_object_get(line, "class")));
    q->http_status = (int32_t)jsonr_object_int(line, "http_status", 0);
    journal_line_read_request(line, q);
    q->source = record_source_find(jsonr_inner(jsonr_object_get(line, "token_source")));
    q->first_event_tokens = jsonr_object_int(line, "first_event_tokens", 1);
    q->error = text_of(rd, "error");
    s = rd->run->definitions == 1 ? journal_events_read_old(rd->arena, line, q)
                                  : journal_events_read(rd->arena, line, q);
    if (s == STATUS_OK)
        return s;
    r->request_count--; /* half of it is none */
    return s == STATUS_NO_MEMORY ? status_no_memory(rd->e, rd->where)
                                 : bad(rd, BAD_EVENTS);
}

static enum status read_repeat_end(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct repeat_data *r;
    const char *why;
    enum status s = journal_order_current(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    r->is_ended = true;
    r->phase_ns = jsonr_object_int(line, "phase_ns", 0);
    fields_of(rd, &r->fields);
    if (r->error != NULL) /* of a damaged line */
        return STATUS_OK;
    r->error = text_of(rd, "error");
    if (rd->arena->has_failed)
        return status_no_memory(rd->e, rd->where);
    rd->whole.told = jsonr_object_int(line, "requests", -1);
    s = r->error == NULL ? journal_whole_check(&rd->whole, rd->run, r, rd->arena, &why)
                         : STATUS_OK;
    if (s != STATUS_OK)
        return status_no_memory(rd->e, rd->where);
    if (r->error != NULL)
        return STATUS_OK;
    if (why == NULL && rd->is_changed)
        why = HAVE_CHANGED IF_ANY_EDITED;
    return why == NULL ? STATUS_OK : journal_order_short(&rd->order, r, why, rd->e);
}

static enum status read_clock(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    struct journal_note *note = rd->note;
    if (!arena_grow(rd->arena, &note->clocks, note->clock_count, &rd->clock_room,
                    sizeof *note->clocks))
        return status_no_memory(rd->e, rd->where);
    note->clocks[note->clock_count++] = (struct clock_data){
        .at_ns = jsonr_object_int(line, "at_ns", 0),
        .offset_ns = jsonr_object_int(line, "offset_ns", 0),
        .error_ns = jsonr_object_int(line, "error_ns", 0)};
    return STATUS_OK;
}

static enum status read_run_end(struct reading *rd)
{
    const struct jsonr_object *line = &rd->line;
    const struct journal_name before = {.cell = jsonr_object_int(line, "cells", -1),
                                        .repeat = -1};
    if (journal_order_begun(&rd->order, before, begun_of(line), rd->e) != STATUS_OK)
        return rd->e->code;
    rd->run->is_complete = jsonr_object_bool(line, "complete", false);
    rd->run->end_cause = text_of(rd, "cause");
    return STATUS_OK;
}

/* Without the run line there is no run; its error says how to keep one that was
 * edited. */
static enum status bad_sum(struct reading *rd)
{
    if (rd->has_run)
        return bad(rd, HAS_CHANGED IF_EDITED);
    (void)bad(rd, HAS_CHANGED);
    return status_hint(rd->e, "%s", EDITED_RUN);
}

/* A line without a sum belongs to the repeat under way, whose end has theirs, if anybody
 * has: older journals have none. */
static enum status check_sum(struct reading *rd, const char *type, struct str text)
{
    bool is_end = strcmp(type, "repeat_end") == 0, is_begin = strcmp(type, "repeat") == 0;
    bool has_sum = jsonr_object_find(&rd->line, JOURNAL_SUM_KEY) != NULL;
    bool is_right = !has_sum || journal_line_is_right(text, is_end ? rd->sum : 0);
    if (is_begin)
        rd->sum = 0;
    else if (!has_sum)
        rd->sum = journal_line_sum(rd->sum, text);
    rd->is_changed = !is_right;
    return is_right || is_end ? STATUS_OK : bad_sum(rd);
}

static enum status read_line(struct reading *rd, struct str text)
{
    static const struct {
        const char *type;
        enum status (*read)(struct reading *rd);
    } readers[] = {
        {"", NULL}, /* of a newer inferbench */
        {"run", read_run},
        {"cell", read_cell},
        {"repeat", read_repeat},
        {"request", read_request},
        {"repeat_end", read_repeat_end},
        {"clock", read_clock},
        {"run_end", read_run_end},
    };
    size_t kind = sizeof readers / sizeof readers[0] - 1;
    if (jsonr_object_get(&rd->line, "type").kind != JSONR_STRING)
        return bad(rd, "a line without a type");
    while (kind > 0 && !jsonr_object_is(&rd->line, "type", readers[kind].type))
        kind--;
    const char *type = readers[kind].type;
    bool is_run = readers[kind].read == read_run;
    if (!rd->has_run && !is_run)
        return bad(rd, "the first line is not a run line: not a journal");
    rd->is_past_end = rd->has_run && is_run;
    if (journal_check_line(&rd->line, type, rd->where, rd->e) != STATUS_OK ||
        check_sum(rd, type, str_trim(text)) != STATUS_OK)
        return rd->e->code;
    rd->run->end_ns = jsonr_object_int(&rd->line, "at_ns", rd->run->end_ns);
    return kind > 0 ? readers[kind].read(rd) : STATUS_OK;
}

/* The line being read is damaged: rd->e says how. */
static enum status leave_out(struct reading *rd)
{
    char why[sizeof rd->e->what];
    memcpy(why, rd->e->what, sizeof why);
    return journal_order_damaged(&rd->order, why, rd->e);
}

static enum status parse(struct reading *rd, const struct line *l)
{
    struct jsonr r;
    struct err e;
    if (l->is_unreadable)
        return bad(rd, "longer than any written line, or zeros instead of text");
    jsonr_init(&r, l->text, NULL, &e);
    jsonr_object_read(&r, "the line", &rd->line);
    enum status s = jsonr_end(&r);
    if (s == STATUS_OK && r.has_nonfinite)
        return bad(rd, "not valid JSON: a number that is none");
    if (s == STATUS_NO_MEMORY)
        return status_no_memory(rd->e, rd->where);
    return s == STATUS_OK ? s : bad(rd, e.what);
}

/* One line; sets was_cut for a last one that a crash left unfinished. */
static enum status one_line(struct reading *rd, const struct line *l)
{
    enum status s = parse(rd, l);
    rd->note->was_cut = rd->has_run && l->is_last &&
                        (s == STATUS_BAD_INPUT || !l->is_whole);
    if (s == STATUS_OK && !rd->note->was_cut) {
        s = read_line(rd, l->text);
        if (s == STATUS_OK && rd->arena->has_failed)
            s = status_no_memory(rd->e, rd->where);
        rd->note->line_count += s == STATUS_OK;
    }
    if (rd->note->was_cut && s != STATUS_NO_MEMORY)
        return STATUS_OK;
    return s == STATUS_BAD_INPUT && rd->has_run ? leave_out(rd) : s;
}

static void set_place(struct reading *rd, const char *path, int64_t number)
{
    enum { NUMBER_BYTES = 24 };
    size_t len = strlen(path), room = sizeof rd->place - NUMBER_BYTES;
    const char *tail = len > room ? path + len - room : path;
    (void)snprintf(rd->place, sizeof rd->place, "%s:%lld", tail, (long long)number);
    rd->where = rd->order.where = rd->place;
    rd->order.number = number;
}

static enum status all_lines(struct reading *rd, struct lines *in)
{
    bool has = true;
    while (has) {
        struct line line;
        enum status s = lines_next(in, &line, &has, rd->e);
        if (s != STATUS_OK || !has)
            return s;
        set_place(rd, in->path, line.number);
        s = rd->is_past_end ? leave_out(rd) : one_line(rd, &line);
        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

/* Lines come as answers end: rows do not depend on that. Indices are unique. */
static int by_index(const void *a, const void *b)
{
    const struct request_record *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static void order_requests(struct run_data *run)
{
    for (size_t i = 0; i < run->repeat_count; i++) {
        struct repeat_data *r = &run->repeats[i];
        if (r->request_count > 1)
            qsort(r->requests, r->request_count, sizeof *r->requests, by_index);
    }
}

enum status journal_read(const char *path, struct arena *a, struct run_data *out,
                         struct journal_note *note, struct err *e)
{
    struct lines in;
    struct err local;
    *out = (struct run_data){0};
    *note = (struct journal_note){0};
    struct reading rd = {
        .arena = a, .run = out, .note = note, .e = e != NULL ? e : &local, .where = path};
    journal_order_init(&rd.order, a, out, note);
    decode_init(&rd.decode, a);
    enum status s = lines_open(&in, path, JOURNAL_LINE_CAP_BYTES, rd.e);
    if (s == STATUS_OK)
        s = all_lines(&rd, &in);
    lines_close(&in);
    note->cell_numbers = rd.order.cell_numbers;
    journal_order_fini(&rd.order);
    jsonr_object_fini(&rd.line);
    rd.where = path;
    if (s == STATUS_OK && !rd.has_run)
        s = bad(&rd, "empty: nothing was recorded");
    order_requests(out);
    out->is_complete = out->is_complete && note->repeats_lost == 0;
    return s;
}

void journal_read_warn(const struct journal_note *note, const char *raw_dir,
                       struct log *log)
{
    if (note->was_cut)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped the last line, cut off by a crash", raw_dir);
    if (note->lines_damaged > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped %" PRId64
                 " damaged line%s, the first is line %" PRId64
                 "; repeats with an error because of that: %zu",
                 raw_dir, note->lines_damaged, str_plural(note->lines_damaged),
                 note->first_damaged,
                 note->repeats_damaged - note->repeats_short - note->repeats_gone);
    if (note->repeats_short > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: lines are missing or changed in %zu repeat%s; the "
                 "error of each says where",
                 raw_dir, note->repeats_short, str_plural((int64_t)note->repeats_short));
    if (note->repeats_gone > 0)
        log_line(
            log, LOG_WARN,
            "%s/journal.jsonl: no line is left of %zu repeat%s that began, the first is "
            "repeat %" PRId64 " of cell %" PRId64 " (the first cell is 0)",
            raw_dir, note->repeats_gone, str_plural((int64_t)note->repeats_gone),
            note->gone_repeat, note->gone_cell);
    if (note->repeats_lost > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped %zu repeat%s: the cell line is damaged or "
                 "missing, or more than 1,000 repeats are missing",
                 raw_dir, note->repeats_lost, str_plural((int64_t)note->repeats_lost));
}
