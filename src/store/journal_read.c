#include "store/journal_read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/journal_events.h"
#include "text/json.h"

#define JOURNAL_CAP_BYTES ((size_t)4 << 30)
#define TEXT_CAP_BYTES    ((size_t)64 << 20)
#define BAD_EVENTS        "events of a request that do not fit together"

/* State of one reading. Arrays grow in the arena by doubling. */
struct reading {
    struct arena *arena;
    struct run_data *run;
    struct err *e;
    const char *where;                           /* file:line */
    char place[160];                             /* text behind where */
    size_t cell_room, repeat_room, request_room; /* request_room: of the last repeat */
    bool has_run;
    bool ran_out; /* of memory, for a text of the line being read */
};

static enum status bad(struct reading *rd, const char *what)
{
    return status_fail(rd->e, STATUS_BAD_INPUT, rd->where, "%s", what);
}

static enum status no_memory(struct reading *rd)
{
    return status_fail(rd->e, STATUS_NO_MEMORY, rd->where, "out of memory");
}

/* Room for one more item of `size` bytes behind items[0..count). */
static void *grown(struct reading *rd, void *items, size_t count, size_t *room,
                   size_t size)
{
    if (count < *room)
        return items;
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *more = arena_alloc(rd->arena, wanted, size);
    if (more != NULL && count > 0)
        memcpy(more, items, count * size);
    if (more != NULL)
        *room = wanted;
    return more;
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
        return no_memory(rd);
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
            return no_memory(rd);
    }
    return STATUS_OK;
}

static bool is_run_whole(const struct run_data *run)
{
    return run->tool != NULL && run->serving_mode != NULL && run->stamp != NULL &&
           run->command_json != NULL && run->options_json != NULL &&
           run->env_json != NULL;
}

static enum status read_run(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    if (rd->has_run)
        return bad(rd, "a second run line: two journals in one file");
    run->definitions = (int)json_int_of(line, "format", 0);
    if (run->definitions < 1 || run->definitions > RECORD_FORMAT)
        return bad(rd, "not a journal of format 1 or 2. A newer inferbench can read it");
    rd->has_run = true;
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
        return no_memory(rd);
    if (!is_run_whole(run))
        return bad(rd, "a run line without its members");
    fields_of(rd, line, &run->fields);
    return read_numbers(rd, line);
}

static enum status read_cell(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    if (json_int_of(line, "cell", -1) != (int64_t)run->cell_count)
        return bad(rd, "cells out of order");
    run->cells = grown(rd, run->cells, run->cell_count, &rd->cell_room,
                       sizeof *run->cells);
    if (run->cells == NULL)
        return no_memory(rd);
    struct cell_data *c = &run->cells[run->cell_count++];
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

static enum status read_repeat(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    int64_t cell = json_int_of(line, "cell", -1);
    if (cell < 0 || cell >= (int64_t)run->cell_count)
        return bad(rd, "a repeat of a cell that is not there");
    run->repeats = grown(rd, run->repeats, run->repeat_count, &rd->repeat_room,
                         sizeof *run->repeats);
    if (run->repeats == NULL)
        return no_memory(rd);
    struct repeat_data *r = &run->repeats[run->repeat_count++];
    rd->request_room = 0;
    r->cell = (int32_t)cell;
    r->repeat = (int32_t)json_int_of(line, "repeat", 0);
    r->is_warmup = json_bool_of(line, "warmup", false);
    r->start_ns = json_int_of(line, "at_ns", 0);
    r->requests_planned = json_int_of(line, "planned", 0);
    r->expected_cached_tokens = json_int_of(line, "expected_cached_tokens",
                                            TOKENS_UNKNOWN);
    return STATUS_OK;
}

/* The repeat that a line belongs to must be the one under way. */
static struct repeat_data *current(struct reading *rd, const json_t *line)
{
    struct run_data *run = rd->run;
    if (run->repeat_count == 0)
        return NULL;
    struct repeat_data *r = &run->repeats[run->repeat_count - 1];
    bool same = r->cell == json_int_of(line, "cell", -1) &&
                r->repeat == json_int_of(line, "repeat", -1) && !r->is_ended;
    return same ? r : NULL;
}

static enum record_status status_of(const char *name)
{
    static const struct {
        const char *name;
        enum record_status status;
    } known[] = {{"ok", RECORD_OK},
                 {"failed", RECORD_FAILED},
                 {"unanswered", RECORD_UNANSWERED},
                 {"interrupted", RECORD_INTERRUPTED},
                 {"cancelled", RECORD_INTERRUPTED}}; /* format 1 */
    for (size_t i = 0; name != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].status;
    return RECORD_FAILED;
}

static void read_times(const json_t *line, struct request_record *q)
{
    q->due_ns = json_int_of(line, "due_ns", NS_UNKNOWN);
    q->ready_ns = json_int_of(line, "ready_ns", NS_UNKNOWN);
    q->sent_ns = json_int_of(line, "sent_ns", NS_UNKNOWN);
    q->first_ns = json_int_of(line, "first_ns", NS_UNKNOWN);
    q->last_ns = json_int_of(line, "last_ns", NS_UNKNOWN);
    q->done_ns = json_int_of(line, "done_ns", NS_UNKNOWN);
    q->prefill_ns = json_int_of(line, "prefill_ns", NS_UNKNOWN);
    q->decode_ns = json_int_of(line, "decode_ns", NS_UNKNOWN);
    q->connect_ns = json_int_of(line, "connect_ns", NS_UNKNOWN);
    q->tls_ns = json_int_of(line, "tls_ns", NS_UNKNOWN);
}

static void read_counts(const json_t *line, struct request_record *q)
{
    q->http_status = (int32_t)json_int_of(line, "http_status", 0);
    q->tokens_in = json_int_of(line, "tokens_in", TOKENS_UNKNOWN);
    q->tokens_out = json_int_of(line, "tokens_out", TOKENS_UNKNOWN);
    q->tokens_cached = json_int_of(line, "tokens_cached", TOKENS_UNKNOWN);
    q->max_tokens = json_int_of(line, "max_tokens", 0);
    q->source = record_source_find(json_str_of(line, "token_source"));
    q->first_event_tokens = json_int_of(line, "first_event_tokens", 1);
}

static enum status read_request(struct reading *rd, const json_t *line)
{
    struct repeat_data *r = current(rd, line);
    if (r == NULL)
        return bad(rd, "a request outside of its repeat");
    r->requests = grown(rd, r->requests, r->request_count, &rd->request_room,
                        sizeof *r->requests);
    if (r->requests == NULL)
        return no_memory(rd);
    struct request_record *q = &r->requests[r->request_count++];
    q->index = (int32_t)json_int_of(line, "index", 0);
    q->status = status_of(json_str_of(line, "status"));
    q->fail = record_fail_find(json_str_of(line, "class"));
    read_times(line, q);
    read_counts(line, q);
    if (!take_str(rd, line, "error", &q->error))
        return no_memory(rd);
    enum status s = rd->run->definitions == 1
                        ? journal_events_read_old(rd->arena, line, q)
                        : journal_events_read(rd->arena, line, q);
    return s == STATUS_NO_MEMORY ? no_memory(rd)
           : s == STATUS_OK      ? s
                                 : bad(rd, BAD_EVENTS);
}

static enum status read_repeat_end(struct reading *rd, const json_t *line)
{
    struct repeat_data *r = current(rd, line);
    if (r == NULL)
        return bad(rd, "the end of a repeat that did not begin");
    r->is_ended = true;
    r->phase_ns = json_int_of(line, "phase_ns", 0);
    fields_of(rd, line, &r->fields);
    return take_str(rd, line, "error", &r->error) ? STATUS_OK : no_memory(rd);
}

/* Times, counts and the sums that are made of them stay far from the ends of int64_t: 115
 * days, a million million tokens of one request, all gaps of one answer. A seed may be
 * any number. */
static bool is_possible(const char *key, const json_t *v)
{
    const double most_ns = 1e16, most_count = 1e12, most_wall_ns = 4e18;
    double sum = fabs(json_number_value(v));
    size_t len = strlen(key);
    bool is_time = len > 3 && strcmp(key + len - 3, "_ns") == 0;
    for (size_t i = 0; i < json_array_size(v); i++)
        sum += fabs(json_number_value(json_array_get(v, i)));
    if (strcmp(key, "seed") == 0)
        return true;
    if (strcmp(key, "start_wall_ns") == 0)
        return sum <= most_wall_ns;
    return sum <= (is_time ? most_ns : most_count);
}

static enum status check_numbers(struct reading *rd, json_t *line)
{
    const char *key;
    json_t *v;
    json_object_foreach(line, key, v)
    {
        if (!is_possible(key, v))
            return status_fail(rd->e, STATUS_BAD_INPUT, rd->where,
                               "%.40s: a number that cannot be", key);
    }
    return STATUS_OK;
}

static enum status read_line(struct reading *rd, const json_t *line)
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
    };
    const char *type = json_str_of(line, "type");
    if (type == NULL)
        return bad(rd, "a line without a type");
    if (!rd->has_run && strcmp(type, "run") != 0)
        return bad(rd, "the first line is not a run line: not a journal");
    rd->run->end_ns = json_int_of(line, "at_ns", rd->run->end_ns);
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (strcmp(type, readers[i].type) == 0)
            return readers[i].read(rd, line);
    if (strcmp(type, "run_end") == 0) {
        rd->run->is_complete = json_bool_of(line, "complete", false);
        if (!take_str(rd, line, "cause", &rd->run->end_cause))
            return no_memory(rd);
    }
    return STATUS_OK;
}

/* One line of text; sets *was_cut for a last line that a crash left unfinished. */
static enum status one_line(struct reading *rd, struct str text, bool is_last,
                            bool *was_cut)
{
    json_t *line = NULL;
    enum status s = json_from_text(text, rd->where, &line, rd->e);
    if (s == STATUS_BAD_INPUT && is_last && rd->has_run) {
        *was_cut = true;
        return STATUS_OK;
    }
    if (s == STATUS_OK)
        s = check_numbers(rd, line);
    if (s == STATUS_OK)
        s = read_line(rd, line);
    if (s == STATUS_OK && rd->ran_out)
        s = no_memory(rd);
    json_decref(line);
    return s;
}

static enum status all_lines(struct reading *rd, struct str text, const char *path,
                             struct journal_note *note)
{
    enum { NUMBER_BYTES = 24 };
    size_t len = strlen(path), room = sizeof rd->place - NUMBER_BYTES;
    const char *tail = len > room ? path + len - room : path;
    for (int64_t number = 1; text.len > 0; number++) {
        bool is_whole = memchr(text.ptr, '\n', text.len) != NULL;
        struct str line = str_cut(&text, '\n');
        (void)snprintf(rd->place, sizeof rd->place, "%s:%lld", tail, (long long)number);
        rd->where = rd->place;
        if (!is_whole && rd->has_run) {
            note->was_cut = true;
            return STATUS_OK;
        }
        enum status s = one_line(rd, line, text.len == 0, &note->was_cut);
        if (s != STATUS_OK || note->was_cut)
            return s;
        note->line_count = number;
    }
    rd->where = path;
    return rd->has_run ? STATUS_OK : bad(rd, "empty: nothing was recorded");
}

enum status journal_read(const char *path, struct arena *a, struct run_data *out,
                         struct journal_note *note, struct err *e)
{
    struct buf text;
    struct err local;
    *out = (struct run_data){0};
    *note = (struct journal_note){0};
    struct reading rd = {
        .arena = a, .run = out, .e = e != NULL ? e : &local, .where = path};
    buf_init(&text, JOURNAL_CAP_BYTES);
    enum status s = file_read(path, &text, rd.e);
    if (s == STATUS_OK)
        s = all_lines(&rd, (struct str){buf_cstr(&text), text.len}, path, note);
    buf_fini(&text);
    return s;
}
