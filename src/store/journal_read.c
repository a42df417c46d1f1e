#include "store/journal_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/lines.h"
#include "store/journal.h"
#include "store/journal_line.h"
#include "store/journal_order.h"
#include "text/json.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)
#define BAD_EVENTS     "events of a request do not match"
#define HAS_CHANGED    "it has changed since it was written"
#define HAVE_CHANGED   "its lines have changed since they were written"
#define IF_EDITED      "; if you edited it, remove its \"sum\""
#define IF_ANY_EDITED  "; if you edited them, remove the \"sum\" of this one"
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
    uint64_t sum; /* of the lines since the repeat under way began */
    bool has_run;
    bool is_changed;  /* they, or its end, are not as they were written */
    bool is_past_end; /* a second run line came: what follows is another journal's */
    bool ran_out;     /* of memory, for a text of the line being read */
};

static enum status bad(struct reading *rd, const char *what)
{
    return status_fail(rd->e, STATUS_BAD_INPUT, rd->where, "%s", what);
}

/* Copies a string member; *out is NULL where there is none. */
static bool take_str(struct reading *rd, const json_t *line, const char *key,
                     const char **out)
{
    const char *s = json_str_of(line, key);
    *out = s != NULL ? arena_strdup(rd->arena, s) : NULL;
    return s == NULL || *out != NULL;
}

static const char *raw_text(struct reading *rd, const json_t *value)
{
    struct buf b;
    char *copy = NULL;
    buf_init(&b, TEXT_CAP_BYTES);
    if (value != NULL && json_to_text(value, &b) == STATUS_OK)
        copy = arena_strdup(rd->arena, buf_cstr(&b));
    rd->ran_out = rd->ran_out || (value != NULL && copy == NULL);
    buf_fini(&b);
    return copy;
}

static struct value value_of(struct reading *rd, const json_t *v, enum value_kind kind)
{
    if (json_is_boolean(v))
        return value_bool(json_is_true(v));
    if (json_is_integer(v))
        return kind == VALUE_NUM ? value_num((double)json_integer_value(v))
                                 : value_int(json_integer_value(v));
    if (json_is_real(v))
        return value_num(json_real_value(v));
    if (json_is_string(v)) {
        const char *copy = arena_strdup(rd->arena, json_string_value(v));
        rd->ran_out = rd->ran_out || copy == NULL;
        return value_str(copy);
    }
    if (json_is_object(v) || json_is_array(v))
        return value_json(raw_text(rd, v));
    return value_null();
}

static void fields_of(struct reading *rd, const json_t *line, struct row *out)
{
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(line, "fields"), key, v)
    {
        enum field_id id = field_find(key);
        if (id != FIELD_COUNT)
            out->v[id] = value_of(rd, v, field_table[id].kind);
    }
}

static enum status read_numbers(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    const json_t *percentiles = json_object_get(line, "percentiles");
    json_t *limits = json_object_get(line, "limits");
    run->percentiles = arena_alloc(rd->arena, json_array_size(percentiles) + 1,
                                   sizeof(double));
    run->limits = arena_alloc(rd->arena, json_object_size(limits) + 1,
                              sizeof(struct limit));
    if (run->percentiles == NULL || run->limits == NULL)
        return status_no_memory(rd->e, rd->where);
    for (size_t i = 0; i < json_array_size(percentiles); i++)
        run->percentiles[run->percentile_count++] = json_number_value(
            json_array_get(percentiles, i));
    const char *code;
    json_t *value;
    json_object_foreach(limits, code, value)
    {
        struct limit *l = &run->limits[run->limit_count++];
        l->code = arena_strdup(rd->arena, code);
        l->value = json_number_value(value);
        if (l->code == NULL)
            return status_no_memory(rd->e, rd->where);
    }
    return STATUS_OK;
}

static bool is_run_whole(const struct run_data *run)
{
    return run->tool != NULL && run->serving_mode != NULL && run->stamp != NULL &&
           run->command_json != NULL && run->options_json != NULL &&
           run->env_json != NULL;
}

/* --client-threads, which the options have as text. */
static int64_t threads_of(const json_t *line)
{
    int64_t n;
    const char *text = json_str_of(json_object_get(line, "options"), "client-threads");
    return text != NULL && str_to_i64(str_from(text), &n) && n > 0 ? n : 1;
}

static enum status read_run(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    if (rd->has_run)
        return bad(rd, "a second run line: two journals in one file");
    run->definitions = (int)json_int_of(line, "format", 0);
    if (run->definitions < 1 || run->definitions > RECORD_FORMAT)
        return bad(rd, "not a journal of format 1 or 2: a newer inferbench may read it");
    run->has_asked_percentiles = json_bool_of(line, "asked_percentiles",
                                              run->definitions == 1);
    run->start.ns = json_int_of(line, "start_wall_ns", 0);
    run->utc_offset_s = (int32_t)json_int_of(line, "utc_offset_s", 0);
    run->seed = json_int_of(line, "seed", 0);
    run->command_json = raw_text(rd, json_object_get(line, "command"));
    run->options_json = raw_text(rd, json_object_get(line, "options"));
    run->env_json = raw_text(rd, json_object_get(line, "env"));
    if (!take_str(rd, line, "tool", &run->tool) ||
        !take_str(rd, line, "serving_mode", &run->serving_mode) ||
        !take_str(rd, line, "stamp", &run->stamp) ||
        !take_str(rd, line, "plan_sha256", &run->plan_sha256))
        rd->ran_out = true;
    if (rd->ran_out)
        return status_no_memory(rd->e, rd->where);
    rd->whole.client_threads = threads_of(line);
    if (!is_run_whole(run))
        return bad(rd, "a run line without its members");
    if (journal_check_run(line, rd->where, rd->e) != STATUS_OK)
        return rd->e->code;
    fields_of(rd, line, &run->fields);
    rd->has_run = true;
    return read_numbers(rd, line);
}

/* Repeats that began before the line; older journals do not tell. */
static int64_t begun_of(const json_t *line)
{
    return json_int_of(line, "begun", -1);
}

static enum status read_cell(struct reading *rd, const json_t *line)
{
    struct cell_data *c;
    int64_t number = json_int_of(line, "cell", -1);
    const struct journal_name before = {.cell = number, .repeat = -1};
    if (journal_order_begun(&rd->order, before, begun_of(line), rd->e) != STATUS_OK ||
        journal_order_cell(&rd->order, number, &c, rd->e) != STATUS_OK)
        return rd->e->code;
    c->has_fixed_lengths = json_bool_of(line, "fixed_lengths", false);
    c->has_gaps = json_bool_of(line, "gaps", true);
    c->shares_prefix = json_bool_of(line, "shares_prefix", false);
    c->longest_prompt_tokens = json_int_of(line, "longest_prompt_tokens", TOKENS_UNKNOWN);
    double ramp_up_s = json_num_of(line, "ramp_up_s");
    c->ramp_up_s = ramp_up_s > 0 ? ramp_up_s : 0;
    c->max_concurrency = json_int_of(line, "max_concurrency", 0);
    fields_of(rd, line, &c->fields);
    return STATUS_OK;
}

static struct journal_name name_of(const json_t *line)
{
    return (struct journal_name){json_int_of(line, "cell", -1),
                                 json_int_of(line, "repeat", -1)};
}

static enum status read_repeat(struct reading *rd, const json_t *line)
{
    struct repeat_data *r;
    enum status s = journal_order_begun(&rd->order, name_of(line), begun_of(line), rd->e);
    if (s == STATUS_OK)
        s = journal_order_repeat(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    r->is_warmup = json_bool_of(line, "warmup", false);
    r->start_ns = json_int_of(line, "at_ns", 0);
    r->requests_planned = json_int_of(line, "planned", 0);
    r->expected_cached_tokens = json_int_of(line, "expected_cached_tokens",
                                            TOKENS_UNKNOWN);
    return STATUS_OK;
}

static enum status read_request(struct reading *rd, const json_t *line)
{
    struct repeat_data *r;
    struct request_record *q;
    enum status s = journal_order_current(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    int32_t index = (int32_t)json_int_of(line, "index", 0);
    if (journal_order_request(&rd->order, r, index, &q, rd->e) != STATUS_OK)
        return rd->e->code;
    (void)journal_line_status_find(json_str_of(line, "status"), &q->status); /* checked
                                                                                */
    q->fail = record_fail_find(json_str_of(line, "class"));
    q->http_status = (int32_t)json_int_of(line, "http_status", 0);
    journal_line_read_request(line, q);
    q->source = record_source_find(json_str_of(line, "token_source"));
    q->first_event_tokens = json_int_of(line, "first_event_tokens", 1);
    if (!take_str(rd, line, "error", &q->error))
        return status_no_memory(rd->e, rd->where);
    s = rd->run->definitions == 1 ? journal_events_read_old(rd->arena, line, q)
                                  : journal_events_read(rd->arena, line, q);
    if (s == STATUS_OK)
        return s;
    r->request_count--; /* half of it is none */
    return s == STATUS_NO_MEMORY ? status_no_memory(rd->e, rd->where)
                                 : bad(rd, BAD_EVENTS);
}

static enum status read_repeat_end(struct reading *rd, const json_t *line)
{
    struct repeat_data *r;
    const char *why;
    enum status s = journal_order_current(&rd->order, name_of(line), &r, rd->e);
    if (s != STATUS_OK || r == NULL)
        return s;
    r->is_ended = true;
    r->phase_ns = json_int_of(line, "phase_ns", 0);
    fields_of(rd, line, &r->fields);
    if (r->error != NULL) /* of a damaged line */
        return STATUS_OK;
    if (!take_str(rd, line, "error", &r->error))
        return status_no_memory(rd->e, rd->where);
    rd->whole.told = json_int_of(line, "requests", -1);
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

static enum status read_run_end(struct reading *rd, const json_t *line)
{
    const struct journal_name before = {.cell = json_int_of(line, "cells", -1),
                                        .repeat = -1};
    if (journal_order_begun(&rd->order, before, begun_of(line), rd->e) != STATUS_OK)
        return rd->e->code;
    rd->run->is_complete = json_bool_of(line, "complete", false);
    return take_str(rd, line, "cause", &rd->run->end_cause)
               ? STATUS_OK
               : status_no_memory(rd->e, rd->where);
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
static enum status check_sum(struct reading *rd, const json_t *line, const char *type,
                             struct str text)
{
    bool is_end = strcmp(type, "repeat_end") == 0, is_begin = strcmp(type, "repeat") == 0;
    bool has_sum = json_object_get(line, JOURNAL_SUM_KEY) != NULL;
    bool is_right = !has_sum || journal_line_is_right(text, is_end ? rd->sum : 0);
    if (is_begin)
        rd->sum = 0;
    else if (!has_sum)
        rd->sum = journal_line_sum(rd->sum, text);
    rd->is_changed = !is_right;
    return is_right || is_end ? STATUS_OK : bad_sum(rd);
}

static enum status read_line(struct reading *rd, json_t *line, struct str text)
{
    static const struct {
        const char *type;
        enum status (*read)(struct reading *rd, const json_t *line);
    } readers[] = {
        {"run", read_run},
        {"cell", read_cell},
        {"repeat", read_repeat},
        {"request", read_request},
        {"repeat_end", read_repeat_end},
        {"run_end", read_run_end},
    };
    const char *type = json_str_of(line, "type");
    if (type == NULL)
        return bad(rd, "a line without a type");
    bool is_run = strcmp(type, "run") == 0;
    if (!rd->has_run && !is_run)
        return bad(rd, "the first line is not a run line: not a journal");
    rd->is_past_end = rd->has_run && is_run;
    if (journal_check_line(line, type, rd->where, rd->e) != STATUS_OK ||
        check_sum(rd, line, type, str_trim(text)) != STATUS_OK)
        return rd->e->code;
    rd->run->end_ns = json_int_of(line, "at_ns", rd->run->end_ns);
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (strcmp(type, readers[i].type) == 0)
            return readers[i].read(rd, line);
    return STATUS_OK;
}

/* The line being read is damaged: rd->e says how. */
static enum status leave_out(struct reading *rd)
{
    char why[sizeof rd->e->what];
    memcpy(why, rd->e->what, sizeof why);
    return journal_order_damaged(&rd->order, why, rd->e);
}

static enum status parse(struct reading *rd, const struct line *l, json_t **out)
{
    if (l->is_unreadable)
        return bad(rd, "longer than any written line, or zeros instead of text");
    return json_from_text(l->text, rd->where, out, rd->e);
}

/* One line; sets was_cut for a last one that a crash left unfinished. */
static enum status one_line(struct reading *rd, const struct line *l)
{
    json_t *line = NULL;
    enum status s = parse(rd, l, &line);
    rd->note->was_cut = rd->has_run && l->is_last &&
                        (s == STATUS_BAD_INPUT || !l->is_whole);
    if (s == STATUS_OK && !rd->note->was_cut) {
        s = read_line(rd, line, l->text);
        if (s == STATUS_OK && rd->ran_out)
            s = status_no_memory(rd->e, rd->where);
        rd->note->line_count += s == STATUS_OK;
    }
    json_decref(line);
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
    enum status s = lines_open(&in, path, JOURNAL_LINE_CAP_BYTES, rd.e);
    if (s == STATUS_OK)
        s = all_lines(&rd, &in);
    lines_close(&in);
    journal_order_fini(&rd.order);
    rd.where = path;
    if (s == STATUS_OK && !rd.has_run)
        s = bad(&rd, "empty: nothing was recorded");
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
