#include "store/journal_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "journal_fixture.h"
#include "stats/rows.h"
#include "stats/settle.h"

static int setup(void **state)
{
    static struct journal_fixture fx;
    struct err e;
    journal_fixture_init(&fx);
    struct request_record *q = &fx.f.requests[1][0];
    static int64_t events[] = {1, 2, 1, 1}; /* one of two tokens among them */
    q->event_tokens = events;
    q->event_count = 4;
    q->last_ns = q->at_ns[3];
    record_count_classes(q);
    q->connect_ns = 300000;
    q->tls_ns = 900000;
    fx.f.repeats[1].phase_ns = fx.f.repeats[1].start_ns + 5;
    fx.f.cells[0].ramp_up_s = 2.5;
    fx.f.cells[0].max_concurrency = 32;
    fx.f.run.limits = (struct limit[]){{"ERRORS", 0.25}};
    fx.f.run.limit_count = 1;
    if (journal_fixture_write(&fx, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    fx.f.run.limits = NULL;
    *state = &fx;
    return 0;
}

/* All rows as text: what a run came to. */
static void rows_text(const struct run_data *run, struct buf *out)
{
    struct arena a;
    struct row *rows;
    struct err e;
    struct jsonw w;
    arena_init(&a, 64 << 20);
    buf_init(out, 64 << 20);
    if (rows_build_all(run, &a, &rows, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    jsonw_init(&w, out, 0);
    jsonw_array(&w, NULL);
    for (size_t i = 0; i < run->repeat_count; i++)
        journal_fields(&w, NULL, &rows[i]);
    jsonw_array_end(&w);
    arena_fini(&a);
}

static void test_round_trip(void **state)
{
    struct journal_fixture *fx = *state;
    struct arena a;
    struct run_data read;
    struct journal_note note;
    struct err e;
    struct buf want, got;
    arena_init(&a, 64 << 20);
    if (journal_read(fx->path, &a, &read, &note, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    assert_false(note.was_cut);
    assert_int_equal(note.line_count, 15);
    assert_true(read.is_complete);
    assert_string_equal(read.end_cause, "done");
    assert_int_equal(read.limit_count, 1);
    assert_string_equal(read.limits[0].code, "ERRORS");
    assert_true(read.limits[0].value == 0.25);
    assert_int_equal(read.percentile_count, 4);
    assert_int_equal(read.seed, 7);
    assert_int_equal(read.utc_offset_s, 9 * 3600);
    assert_string_equal(read.env_json, fx->f.run.env_json);
    assert_int_equal(read.repeats[1].requests[0].event_count, 4);
    const struct request_record *q = &read.repeats[1].requests[0];
    assert_int_equal(read.definitions, 2);
    assert_int_equal(q->events, RECORD_RAW);
    assert_int_equal(q->event_tokens[1], 2);
    assert_int_equal(q->connect_ns, 300000);
    assert_int_equal(q->tls_ns, 900000);
    assert_true(q[1].connect_ns == NS_UNKNOWN && q[1].tls_ns == NS_UNKNOWN);
    assert_null(q[1].event_tokens);
    settle_run(&read);
    assert_int_equal(read.repeats[1].phase_ns, read.repeats[1].start_ns + 5);
    assert_int_equal(read.repeats[2].phase_ns, 0);
    assert_true(read.cells[0].ramp_up_s == 2.5);
    assert_int_equal(read.cells[0].max_concurrency, 32);
    struct limit limit = {"ERRORS", 0.25};
    fx->f.run.limits = &limit;
    fx->f.run.limit_count = 1;
    rows_text(&fx->f.run, &want);
    rows_text(&read, &got);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    buf_fini(&want);
    buf_fini(&got);
    arena_fini(&a);
}

/* At every length: no crash; whole lines count, the cut one does not. */
static void test_cut_everywhere(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text;
    journal_fixture_read(fx->path, &text);
    size_t header = (size_t)(strchr(text.data, '\n') - text.data) + 1;
    for (size_t len = 0; len <= text.len; len++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        int64_t lines = 0;
        for (size_t i = 0; i < len; i++)
            lines += text.data[i] == '\n';
        journal_fixture_put(fx->path, (struct str){text.data, len});
        arena_init(&a, 64 << 20);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        if (len < header - 1) {
            assert_int_equal(s, STATUS_BAD_INPUT);
            journal_fixture_has(e.where, fx->path);
        } else if (s != STATUS_OK || note.line_count < lines) {
            fail_msg("%zu bytes: %lld of %lld lines; %s", len, (long long)note.line_count,
                     (long long)lines, s == STATUS_OK ? "" : e.what);
        } else if (len >= header) {
            assert_int_equal(note.was_cut, text.data[len - 1] != '\n');
        }
        arena_fini(&a);
    }
    buf_fini(&text);
}

/* Errors name the line, or the first one that does not fit because of it; of one repeat,
 * or of two where the byte was an LF between them or one's own number. */
static void check_blame(const struct run_data *run, int line)
{
    static const char begin[] = "journal line ";
    int errors = 0;
    for (size_t i = 0; i < run->repeat_count; i++) {
        const char *error = run->repeats[i].error;
        errors += error != NULL;
        assert_true(error == NULL || strncmp(error, begin, sizeof begin - 1) == 0);
        struct str rest = str_from(error != NULL ? error + sizeof begin - 1 : "1000000");
        int64_t number = 0;
        assert_true(str_to_i64(str_cut(&rest, ' '), &number) && number >= line);
    }
    assert_true(errors <= 2);
}

/* One changed byte at a time: an answer or an error, never a crash. What is not the first
 * line's fault is an answer. */
static void test_damaged_everywhere(void **state)
{
    static const char marks[] = {'\0', '"', '}', '9', '\n', (char)0xff};
    struct journal_fixture *fx = *state;
    struct buf text;
    int refused = 0, damaged = 0, line = 1;
    journal_fixture_read(fx->path, &text);
    for (size_t at = 0; at < text.len; at += 3) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        char was = text.data[at];
        for (size_t i = at < 3 ? 0 : at - 3; i < at; i++)
            line += text.data[i] == '\n';
        text.data[at] = marks[at / 3 % sizeof marks];
        journal_fixture_put(fx->path, (struct str){text.data, text.len});
        text.data[at] = was;
        arena_init(&a, 64 << 20);
        if (journal_read(fx->path, &a, &run, &note, &e) != STATUS_OK) {
            assert_int_equal(line, 1);
            refused++;
            journal_fixture_has(e.where, fx->path);
            assert_true(strlen(e.what) > 0);
        } else {
            damaged += note.lines_damaged > 0;
            check_blame(&run, line);
        }
        arena_fini(&a);
    }
    assert_true(refused > 100 && damaged > 100);
    buf_fini(&text);
}

/* The journal with `line` (from 1) replaced; "" drops it. */
static void put_changed(struct journal_fixture *fx, const struct buf *text, int line,
                        const char *by)
{
    struct buf out;
    int number = 1;
    buf_init(&out, 1 << 20);
    for (struct str rest = {text->data, text->len}; rest.len > 0; number++) {
        struct str one = str_cut(&rest, '\n');
        if (number != line)
            buf_append(&out, one.ptr, one.len);
        else
            buf_text(&out, by);
        if (number != line || *by != '\0')
            buf_char(&out, '\n');
    }
    journal_fixture_put(fx->path, (struct str){buf_cstr(&out), out.len});
    buf_fini(&out);
}

/* The first line alone is refused, by its place. */
static void test_refused(void **state)
{
    static const struct {
        const char *by, *what;
    } cases[] = {
        {"{\"type\":\"run\"", "not valid JSON"},
        {"{\"type\":\"run\",\"format\":3}", "format 1 or 2"},
        {"{\"type\":\"run\",\"format\":1}", "without its members"},
        {"{\"type\":\"run\",\"format\":1,\"at_ns\":1e300}", "at_ns: a number"},
        {"{\"a\":1}", "without a type"},
        {"{\"type\":\"cell\"}", "not a journal"},
        {"", "not a journal"},
    };
    struct journal_fixture *fx = *state;
    struct buf text;
    char where[160];
    journal_fixture_read(fx->path, &text);
    (void)snprintf(where, sizeof where, "%s:1", fx->path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e = {.code = STATUS_OK};
        put_changed(fx, &text, 1, cases[i].by);
        arena_init(&a, 64 << 20);
        assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_BAD_INPUT);
        assert_string_equal(e.where, where);
        journal_fixture_has(e.what, cases[i].what);
        arena_fini(&a);
    }
    buf_fini(&text);
}

/* serving_mode and stamp become names of files. */
static void test_names_elsewhere(void **state)
{
    static const struct {
        const char *from, *to, *what;
    } cases[] = {
        {"\"serving_mode\":\"offline\",\"stamp\"",
         "\"serving_mode\":\"../../evil\",\"stamp\"", "serving_mode: "},
        {"20251125_180807", "/../../../evil", "stamp: "},
    };
    struct journal_fixture *fx = *state;
    struct buf text;
    journal_fixture_read(fx->path, &text);
    journal_fixture_forget(&text, "sum");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e = {.code = STATUS_OK};
        const char *at = strstr(text.data, cases[i].from);
        assert_non_null(at);
        buf_init(&out, 1 << 20);
        buf_append(&out, text.data, (size_t)(at - text.data));
        buf_text(&out, cases[i].to);
        buf_text(&out, at + strlen(cases[i].from));
        journal_fixture_put(fx->path, (struct str){buf_cstr(&out), out.len});
        arena_init(&a, 64 << 20);
        assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_BAD_INPUT);
        journal_fixture_has(e.where, "journal.jsonl:1");
        journal_fixture_has(e.what, cases[i].what);
        arena_fini(&a);
        buf_fini(&out);
    }
    buf_fini(&text);
}

/* Any other line costs its repeat and leaves the rest as it was. */
static void test_damaged_lines(void **state)
{
    static const struct {
        int line;
        const char *by, *why;
        int repeat; /* that has the error; -1: none */
        int damaged, lost;
    } cases[] = {
        {4, "{\"type\":\"request\"", "not valid JSON", 0, 1, 0},
        {5, "\x1b[2J", "not valid JSON", 0, 1, 0},
        {4, "{\"a\":1}", "a line without a type", 0, 1, 0},
        {8, "{\"type\":\"request\",\"cell\":0,\"repeat\":1}", "index: missing", 1, 1, 0},
        {9, "{\"type\":\"run\"}", "a second run line", 1, 7, 0},
        {14, "", NULL, -1, 0, 0}, /* interrupted */
        {14, "x", "not valid JSON", 2, 1, 0},
        {2, "", NULL, -1, 0, 3},
        {2, "x", NULL, -1, 1, 3},
        {3, "", "belongs to no started repeat", 0, 1, 0},
        {7, "x", "not valid JSON", 1, 1, 0},
        {15, "{\"a\":1}", NULL, -1, 1, 0},
        {15, "x", NULL, -1, 0, 0}, /* cut by a crash */
    };
    struct journal_fixture *fx = *state;
    struct buf text;
    char begin[40];
    journal_fixture_read(fx->path, &text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        put_changed(fx, &text, cases[i].line, cases[i].by);
        arena_init(&a, 64 << 20);
        if (journal_read(fx->path, &a, &run, &note, &e) != STATUS_OK)
            fail_msg("line %d %s: %s", cases[i].line, cases[i].by, e.what);
        assert_int_equal(note.lines_damaged, cases[i].damaged);
        assert_int_equal(note.first_damaged, cases[i].damaged > 0 ? cases[i].line : 0);
        assert_int_equal(note.repeats_lost, cases[i].lost);
        assert_int_equal(note.repeats_damaged, cases[i].repeat >= 0);
        assert_int_equal(note.was_cut, cases[i].line == 15 && cases[i].damaged == 0);
        assert_false(run.is_complete && cases[i].lost > 0);
        (void)snprintf(begin, sizeof begin,
                       "journal line %d is damaged: ", cases[i].line);
        for (size_t k = 0; k < run.repeat_count; k++) {
            if ((int)k != cases[i].repeat) {
                assert_null(run.repeats[k].error);
                continue;
            }
            assert_memory_equal(run.repeats[k].error, begin, strlen(begin));
            journal_fixture_has(run.repeats[k].error, cases[i].why);
        }
        arena_fini(&a);
    }
    buf_fini(&text);
}

/* A request's line that is gone: a repeat's end tells how many there were, in an older
 * journal (here of a load with a cap) their indices do. */
static void test_wrong_number(void **state)
{
    static const char *const end[] = {
        "journal line 13 ends the repeat, but 1 of its 2 requests are there",
        "journal line 13 ends the repeat, but not all of its requests are there"};
    struct journal_fixture *fx = *state;
    struct buf text;
    journal_fixture_read(fx->path, &text);
    for (int is_old = 0; is_old < 2; is_old++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        put_changed(fx, &text, 12, "");
        arena_init(&a, 64 << 20);
        assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_OK);
        assert_null(run.repeats[1].error);
        assert_string_equal(run.repeats[2].error, end[is_old]);
        assert_int_equal(run.repeats[2].request_count, 1);
        assert_int_equal(note.repeats_damaged, 1);
        assert_int_equal(note.repeats_short, 1);
        assert_int_equal(note.lines_damaged, 0);
        arena_fini(&a);
        journal_fixture_forget(&text, "sum"); /* as it was before */
        journal_fixture_forget(&text, "requests");
    }
    buf_fini(&text);
}

/* All lines of a repeat are gone: the lines behind them tell that it began. Out of memory
 * anywhere is an error here too. */
static void test_repeat_that_is_gone(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text;
    for (int line = 10; line >= 7; line--) {
        journal_fixture_read(fx->path, &text);
        put_changed(fx, &text, line, "");
        buf_fini(&text);
    }
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        arena_init(&a, 64 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        alloc_fixture_judge(&alloc, s);
        if (s == STATUS_OK) {
            assert_int_equal(run.repeat_count, 3);
            assert_true(run.is_complete);
            assert_int_equal(note.repeats_gone, 1);
            assert_int_equal(note.gone_repeat, 1);
            assert_int_equal(note.repeats_lost, 0);
            assert_string_equal(
                run.repeats[1].error,
                "journal line 7 comes after this repeat, but none of its lines is there");
            assert_true(run.repeats[0].error == NULL && run.repeats[2].error == NULL);
        }
        arena_fini(&a);
    }
}

/* The fixture's journal, with one digit of that line another. Returns how many errors
 * name nothing else. */
static int check_changed(const struct run_data *run, const struct journal_note *note,
                         int line)
{
    static const int ends[] = {6, 10, 14}; /* of the repeats */
    int changed = 0;
    assert_int_equal(note->repeats_lost, line == 2 ? 3 : 0);
    assert_int_equal(run->is_complete, line != 2 && line != 15);
    for (size_t i = 0; i < run->repeat_count; i++) {
        const char *error = run->repeats[i].error;
        bool is_hit = line <= ends[i] && line > ends[i] - 4;
        if (is_hit != (error != NULL))
            fail_msg("line %d, repeat %zu: %s", line, i, error != NULL ? error : "sound");
        changed += error != NULL && strstr(error, " changed since ") != NULL;
    }
    return changed;
}

/* Of the run line: what to do if that was no accident. */
static void check_hint(const struct err *e)
{
    journal_fixture_has(e->what, "it has changed since it was written");
    journal_fixture_has(e->hint, "remove it from the lines that you edited");
    journal_fixture_has(e->hint, "inferbench merge g5.xlarge=FILE");
}

/* A digit that has become another, as on a bad disk or by hand, is noticed wherever it
 * stands: no row has a number that was not written. */
static void test_changed_digits(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text;
    int line = 1, tried = 0, changed = 0;
    journal_fixture_read(fx->path, &text);
    for (size_t at = 0; at < text.len; at++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        char was = text.data[at];
        line += was == '\n';
        if (was < '0' || was > '9' || tried++ % 2 != 0)
            continue;
        text.data[at] = was == '1' ? '7' : '1';
        journal_fixture_put(fx->path, (struct str){text.data, text.len});
        text.data[at] = was;
        arena_init(&a, 64 << 20);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        assert_int_equal(s, line == 1 ? STATUS_BAD_INPUT : STATUS_OK);
        if (line > 1)
            changed += check_changed(&run, &note, line);
        else
            check_hint(&e);
        arena_fini(&a);
    }
    assert_true(tried > 500 && changed > 250);
    buf_fini(&text);
}

/* Lines that end as on Windows are what was written all the same. */
static void test_line_ends(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text, out;
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct err e;
    journal_fixture_read(fx->path, &text);
    buf_init(&out, 1 << 20);
    for (struct str rest = {text.data, text.len}; rest.len > 0;) {
        struct str one = str_cut(&rest, '\n');
        buf_append(&out, one.ptr, one.len);
        buf_text(&out, "\r\n");
    }
    journal_fixture_put(fx->path, (struct str){buf_cstr(&out), out.len});
    arena_init(&a, 64 << 20);
    assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_OK);
    assert_int_equal(note.line_count, 15);
    assert_int_equal(note.repeats_damaged, 0);
    arena_fini(&a);
    buf_fini(&text);
    buf_fini(&out);
}

/* Rows of the repeats that no damaged line lies in are those of the whole run. */
static void test_other_rows(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text, want;
    struct err e;
    journal_fixture_read(fx->path, &text);
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct row *rows;
    struct limit limit = {"ERRORS", 0.25};
    fx->f.run.limits = &limit;
    fx->f.run.limit_count = 1;
    rows_text(&fx->f.run, &want);
    for (int line = 3; line <= 14; line++) {
        struct buf got;
        struct jsonw w;
        size_t hit = (size_t)(line - 3) / 4;
        put_changed(fx, &text, line, "x");
        arena_init(&a, 64 << 20);
        assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_OK);
        assert_int_equal(run.repeat_count, 3);
        settle_run(&run);
        assert_int_equal(rows_build_all(&run, &a, &rows, &e), STATUS_OK);
        for (size_t i = 0; i < 3; i++) {
            buf_init(&got, 1 << 20);
            jsonw_init(&w, &got, 0);
            journal_fields(&w, NULL, &rows[i]);
            assert_int_equal(strstr(buf_cstr(&want), buf_cstr(&got)) != NULL, i != hit);
            assert_int_equal(value_is_known(rows[i].v[FIELD_error]), i == hit);
            assert_true(i != hit || !value_is_known(rows[i].v[FIELD_tokens_per_second]));
            buf_fini(&got);
        }
        arena_fini(&a);
    }
    buf_fini(&want);
    buf_fini(&text);
}

/* What a later version may add is skipped. */
static void test_unknown(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf text, out;
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct err e;
    journal_fixture_read(fx->path, &text);
    size_t header = (size_t)(strchr(text.data, '\n') - text.data) + 1;
    buf_init(&out, 1 << 20);
    buf_append(&out, text.data, header);
    buf_text(&out, "{\"type\":\"weather\",\"fields\":{\"rain\":1}}\n");
    buf_append(&out, text.data + header, text.len - header);
    journal_fixture_put(fx->path, (struct str){buf_cstr(&out), out.len});
    arena_init(&a, 64 << 20);
    assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_OK);
    assert_int_equal(run.repeat_count, 3);
    arena_fini(&a);
    buf_fini(&text);
    buf_fini(&out);
}

static void test_missing(void **state)
{
    (void)state;
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct err e;
    arena_init(&a, 1 << 20);
    assert_int_equal(journal_read("/nowhere/journal.jsonl", &a, &run, &note, &e),
                     STATUS_NOT_FOUND);
    assert_string_equal(e.where, "/nowhere/journal.jsonl");
    arena_fini(&a);
}

/* Out of memory anywhere is an error, never a run with holes in it. */
static void test_no_memory(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf want, got;
    struct limit limit = {"ERRORS", 0.25};
    fx->f.run.limits = &limit;
    fx->f.run.limit_count = 1;
    rows_text(&fx->f.run, &want);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e = {.code = STATUS_OK};
        arena_init(&a, 64 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        alloc_fixture_judge(&alloc, s);
        if (s == STATUS_OK) {
            settle_run(&run);
            rows_text(&run, &got);
            assert_string_equal(buf_cstr(&got), buf_cstr(&want));
            buf_fini(&got);
        }
        arena_fini(&a);
    }
    buf_fini(&want);
}

/* An arena that is full is the same, at every size. */
static void test_small_arena(void **state)
{
    struct journal_fixture *fx = *state;
    bool was_read = false;
    for (size_t cap = 0; !was_read; cap += 512) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e = {.code = STATUS_OK};
        arena_init(&a, cap);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        was_read = s == STATUS_OK;
        if (!was_read && s != STATUS_NO_MEMORY)
            fail_msg("arena of %zu: %s: %s", cap, status_text(s), e.what);
        if (was_read) {
            for (size_t i = 0; i < run.repeat_count; i++)
                assert_int_equal(run.repeats[i].request_count, 2);
            assert_non_null(field_str(&run.fields, FIELD_label));
            assert_non_null(field_str(&run.cells[0].fields, FIELD_scenario));
            assert_non_null(run.env_json);
        }
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_cut_everywhere, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_everywhere, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_names_elsewhere, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_lines, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_number, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_repeat_that_is_gone, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_changed_digits, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_line_ends, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_other_rows, setup,
                                        journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_unknown, setup, journal_fixture_tear_down),
        cmocka_unit_test(test_missing),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_small_arena, setup,
                                        journal_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
