#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/findings.h"
#include "store/journal_line.h"

static enum status create(const char *path, int *fd, struct err *e)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (*fd < 0)
        return status_errno(e, path, "cannot create the journal");
    (void)flock(*fd, LOCK_EX | LOCK_NB); /* not every file system has locks */
    return STATUS_OK;
}

enum status journal_create(struct journal *j, const char *path, struct instant start,
                           struct err *e)
{
    *j = (struct journal){.path = path, .start = start, .at_ns = NS_UNKNOWN};
    buf_init(&j->line, JOURNAL_LINE_CAP_BYTES);
    return create(path, &j->fd, e);
}

void journal_rewrite(struct journal *j, int fd, const char *path, struct instant start)
{
    *j = (struct journal){.fd = fd, .path = path, .start = start, .is_draft = true};
    buf_init(&j->line, JOURNAL_LINE_CAP_BYTES);
}

void journal_leave(struct journal *j)
{
    j->fd = -1;
    journal_close(j);
}

bool journal_is_live(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a pipe */
    bool is_live = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return is_live;
}

/* Opens a line of that type; the writer is handed to the caller for the rest. */
static struct jsonw line_begin(struct journal *j, const char *type, int64_t at_ns)
{
    struct jsonw w;
    buf_clear(&j->line);
    jsonw_init(&w, &j->line, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "type", type);
    jsonw_int(&w, "at_ns", at_ns);
    return w;
}

static int64_t now_ns(const struct journal *j)
{
    return j->at_ns != NS_UNKNOWN ? j->at_ns : clock_since(j->start).ns;
}

/* Writes the line as it is; with do_sync the file is on the disk afterwards. */
static enum status line_write(struct journal *j, bool do_sync, struct err *e)
{
    buf_char(&j->line, '\n');
    if (j->failed.code == STATUS_OK && j->line.failed != STATUS_OK)
        status_fail(&j->failed, j->line.failed, j->path, "out of memory for a line");
    if (j->failed.code == STATUS_OK) {
        struct str text = {j->line.data, j->line.len};
        if (file_write_all(j->fd, j->path, text, &j->failed) == STATUS_OK && do_sync &&
            !j->is_draft && fdatasync(j->fd) != 0)
            status_errno(&j->failed, j->path, "cannot sync the journal");
    }
    if (e != NULL)
        *e = j->failed;
    return j->failed.code;
}

static struct str line_text(const struct journal *j)
{
    return (struct str){j->line.data, j->line.len};
}

/* The end of a line, with its sum; before: that of the lines it covers as well. */
static enum status line_end_over(struct journal *j, struct jsonw *w, uint64_t before,
                                 bool do_sync, struct err *e)
{
    char text[JOURNAL_SUM_ROOM];
    journal_line_sum_text(journal_line_sum(before, line_text(j)), text);
    jsonw_str(w, JOURNAL_SUM_KEY, text);
    jsonw_object_end(w);
    return line_write(j, do_sync, e);
}

static enum status line_end(struct journal *j, struct jsonw *w, bool do_sync,
                            struct err *e)
{
    return line_end_over(j, w, 0, do_sync, e);
}

static void value_write(struct jsonw *w, enum field_id id, struct value v)
{
    const char *key = field_table[id].name;
    switch (v.kind) {
    case VALUE_ABSENT: break;
    case VALUE_JSON: jsonw_raw(w, key, v.s); break;
    case VALUE_FINDINGS:
        if (id == FIELD_checks)
            findings_write_checks(w, key, v.findings);
        else
            findings_write_codes(w, key, v.findings);
        break;
    default: findings_write_value(w, key, v); break;
    }
}

void journal_fields(struct jsonw *w, const char *key, const struct row *fields)
{
    jsonw_object(w, key);
    for (int i = 0; i < FIELD_COUNT; i++)
        value_write(w, (enum field_id)i, fields->v[i]);
    jsonw_object_end(w);
}

enum status journal_run(struct journal *j, const struct run_data *run, struct err *e)
{
    struct jsonw w = line_begin(j, "run", 0);
    jsonw_int(&w, "format", RECORD_FORMAT);
    jsonw_str(&w, "tool", run->tool);
    jsonw_str(&w, "serving_mode", run->serving_mode);
    jsonw_str(&w, "stamp", run->stamp);
    if (run->ranks > 1 && run->rank != RANK_ALL)
        jsonw_int(&w, "rank", run->rank);
    if (run->ranks > 1)
        jsonw_int(&w, "ranks", run->ranks);
    jsonw_int(&w, "start_wall_ns", run->start.ns);
    jsonw_int(&w, "start_monotonic_ns", j->start.ns);
    jsonw_int(&w, "utc_offset_s", run->utc_offset_s);
    jsonw_int(&w, "seed", run->seed);
    jsonw_str(&w, "plan_sha256", run->plan_sha256);
    jsonw_raw(&w, "command", run->command_json);
    jsonw_raw(&w, "options", run->options_json);
    jsonw_array(&w, "percentiles");
    for (size_t i = 0; i < run->percentile_count; i++)
        jsonw_num(&w, NULL, run->percentiles[i]);
    jsonw_array_end(&w);
    jsonw_bool(&w, "asked_percentiles", run->has_asked_percentiles);
    jsonw_object(&w, "limits");
    for (size_t i = 0; i < run->limit_count; i++)
        jsonw_num(&w, run->limits[i].code, run->limits[i].value);
    jsonw_object_end(&w);
    journal_fields(&w, "fields", &run->fields);
    jsonw_raw(&w, "env", run->env_json);
    return line_end(j, &w, true, e);
}

enum status journal_cell(struct journal *j, size_t index, const struct cell_data *cell,
                         struct err *e)
{
    struct jsonw w = line_begin(j, "cell", now_ns(j));
    if (j->cell_count <= (int64_t)index)
        j->cell_count = (int64_t)index + 1;
    jsonw_int(&w, "cell", (int64_t)index);
    jsonw_int(&w, "begun", j->repeat_count);
    jsonw_bool(&w, "fixed_lengths", cell->has_fixed_lengths);
    jsonw_bool(&w, "gaps", cell->has_gaps);
    jsonw_bool(&w, "shares_prefix", cell->shares_prefix);
    if (cell->longest_prompt_tokens != TOKENS_UNKNOWN)
        jsonw_int(&w, "longest_prompt_tokens", cell->longest_prompt_tokens);
    if (cell->ramp_up_s > 0)
        jsonw_num(&w, "ramp_up_s", cell->ramp_up_s);
    if (cell->max_concurrency > 0)
        jsonw_int(&w, "max_concurrency", cell->max_concurrency);
    journal_fields(&w, "fields", &cell->fields);
    return line_end(j, &w, false, e);
}

/* Counts and times that may be unknown are left out then. */
static void maybe_int(struct jsonw *w, const char *key, int64_t value, int64_t unknown)
{
    if (value != unknown)
        jsonw_int(w, key, value);
}

enum status journal_repeat(struct journal *j, const struct repeat_data *r, struct err *e)
{
    struct jsonw w = line_begin(j, "repeat", r->start_ns);
    j->request_count = 0;
    j->request_sum = 0;
    jsonw_int(&w, "cell", r->cell);
    jsonw_int(&w, "repeat", r->repeat);
    jsonw_int(&w, "begun", j->repeat_count++);
    jsonw_bool(&w, "warmup", r->is_warmup);
    jsonw_int(&w, "planned", r->requests_planned);
    maybe_int(&w, "expected_cached_tokens", r->expected_cached_tokens, TOKENS_UNKNOWN);
    return line_end(j, &w, false, e);
}

static void int_array(struct jsonw *w, const char *key, const int64_t *items,
                      size_t count)
{
    jsonw_array(w, key);
    for (size_t i = 0; i < count; i++)
        jsonw_int(w, NULL, items[i]);
    jsonw_array_end(w);
}

/* "x20t": how often each letter comes; once goes without a number. */
static void run_lengths(struct jsonw *w, const char *key, const struct request_record *r,
                        char (*letter_of)(uint8_t mark))
{
    struct buf text;
    buf_init(&text, JOURNAL_LINE_CAP_BYTES);
    for (size_t i = 0, from; i < r->event_count;) {
        char letter = letter_of(r->marks[i]);
        for (from = i; i < r->event_count && letter_of(r->marks[i]) == letter; i++)
            continue;
        buf_char(&text, letter);
        if (i - from > 1)
            buf_int(&text, (int64_t)(i - from));
    }
    jsonw_str(w, key, buf_cstr(&text));
    buf_fini(&text);
}

static char class_letter(uint8_t mark)
{
    return RECORD_CLASS_LETTERS[RECORD_CLASS(mark)];
}

static char stamp_letter(uint8_t mark)
{
    return RECORD_STAMP_LETTERS[RECORD_STAMP(mark)];
}

/* Arrival, class and stamp of each event. */
static void request_events(struct jsonw *w, const struct request_record *r)
{
    jsonw_int(w, "event_ns", r->at_ns[0]);
    jsonw_array(w, "gaps_ns");
    for (size_t i = 1; i < r->event_count; i++)
        jsonw_int(w, NULL, r->at_ns[i] - r->at_ns[i - 1]);
    jsonw_array_end(w);
    if (r->marks != NULL) {
        run_lengths(w, "classes", r, class_letter);
        run_lengths(w, "stamps", r, stamp_letter);
    }
    if (r->is_counted && r->event_tokens != NULL)
        int_array(w, "event_tokens", r->event_tokens, r->event_count);
}

/* What --no-gaps leaves of them. */
static void request_classes(struct jsonw *w, const struct request_record *r)
{
    for (int i = 0; i < EVENT_CLASS_COUNT; i++) {
        const struct record_class *c = &r->classes[i];
        if (c->count == 0)
            continue;
        jsonw_object(w, record_class_name((enum event_class)i));
        jsonw_int(w, "count", c->count);
        jsonw_int(w, "first_ns", c->first_ns);
        jsonw_int(w, "last_ns", c->last_ns);
        maybe_int(w, "exact", c->stamps[EVENT_EXACT], 0);
        maybe_int(w, "bounded", c->stamps[EVENT_BOUNDED], 0);
        maybe_int(w, "tail", c->stamps[EVENT_TAIL], 0);
        jsonw_object_end(w);
    }
    maybe_int(w, "first_event_tokens", r->first_event_tokens, 1);
}

enum status journal_request(struct journal *j, const struct repeat_data *of,
                            const struct request_record *r, bool with_gaps, struct err *e)
{
    struct jsonw w = line_begin(j, "request", now_ns(j));
    j->request_count++;
    jsonw_int(&w, "cell", of->cell);
    jsonw_int(&w, "repeat", of->repeat);
    jsonw_int(&w, "index", r->index);
    maybe_int(&w, "rank", r->rank, 0);
    jsonw_str(&w, "status", journal_line_status_name(r->status));
    if (r->fail != FAIL_none)
        jsonw_str(&w, "class", record_fail_name(r->fail));
    maybe_int(&w, "http_status", r->http_status, 0);
    journal_line_write_request(&w, r);
    if (r->source != TOKEN_SOURCE_none)
        jsonw_str(&w, "token_source", record_source_name(r->source));
    if (r->is_counted)
        jsonw_bool(&w, "counted", true);
    if (r->status == RECORD_OK && r->event_count > 0 && with_gaps)
        request_events(&w, r);
    else
        request_classes(&w, r);
    if (r->error != NULL)
        jsonw_str(&w, "error", r->error);
    jsonw_object_end(&w);
    j->request_sum = journal_line_sum(j->request_sum, line_text(j));
    return line_write(j, false, e);
}

enum status journal_clock(struct journal *j, const struct clock_data *c, struct err *e)
{
    struct jsonw w = line_begin(j, "clock", c->at_ns);
    jsonw_int(&w, "offset_ns", c->offset_ns);
    jsonw_int(&w, "error_ns", c->error_ns);
    return line_end(j, &w, false, e);
}

enum status journal_repeat_end(struct journal *j, const struct repeat_data *r,
                               struct err *e)
{
    struct jsonw w = line_begin(j, "repeat_end", now_ns(j));
    jsonw_int(&w, "cell", r->cell);
    jsonw_int(&w, "repeat", r->repeat);
    jsonw_int(&w, "requests", j->request_count);
    maybe_int(&w, "phase_ns", r->phase_ns, 0);
    jsonw_str(&w, "error", r->error);
    journal_fields(&w, "fields", &r->fields);
    return line_end_over(j, &w, j->request_sum, true, e);
}

enum status journal_run_end(struct journal *j, const char *cause, bool is_complete,
                            struct err *e)
{
    struct jsonw w = line_begin(j, "run_end", now_ns(j));
    jsonw_int(&w, "cells", j->cell_count);
    jsonw_int(&w, "begun", j->repeat_count);
    jsonw_str(&w, "cause", cause);
    jsonw_bool(&w, "complete", is_complete);
    return line_end(j, &w, true, e);
}

static enum status copy(int from, int to, const char *path, struct err *e)
{
    char block[65536];
    enum status s = STATUS_OK;
    off_t at = 0;
    for (ssize_t got = 1; s == STATUS_OK && got > 0; at += got) {
        got = pread(from, block, sizeof block, at);
        if (got < 0)
            s = status_errno(e, path, "cannot read back what was written");
        else
            s = file_write_all(to, path, (struct str){block, (size_t)got}, e);
    }
    if (s == STATUS_OK && fdatasync(to) != 0)
        s = status_errno(e, path, "cannot sync the journal");
    return s;
}

enum status journal_restore(struct journal *j, bool *was_gone, struct err *e)
{
    struct stat there;
    int fd = -1;
    *was_gone = false;
    if (j->fd < 0 || stat(j->path, &there) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return STATUS_OK;
    char *folder = mem_strdup(j->path);
    if (folder == NULL)
        return status_no_memory(e, j->path);
    folder[file_base_name(j->path) - j->path] = '\0';
    enum status s = *folder != '\0' ? file_make_dirs(folder, e) : STATUS_OK;
    mem_free(folder);
    if (s == STATUS_OK)
        s = create(j->path, &fd, e);
    if (s == STATUS_OK)
        s = copy(j->fd, fd, j->path, e);
    if (s == STATUS_OK) {
        (void)close(j->fd);
        j->fd = fd;
        *was_gone = true;
    } else if (fd >= 0) {
        (void)close(fd);
    }
    return s;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
    buf_fini(&j->line);
}
