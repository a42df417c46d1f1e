#include "store/journal_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
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

static int teardown(void **state)
{
    mem_fail_at(0);
    journal_fixture_fini(*state);
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

/* One changed byte at a time: an answer or an error, never a crash. */
static void test_damaged_everywhere(void **state)
{
    static const char marks[] = {'\0', '"', '}', '9', '\n', (char)0xff};
    struct journal_fixture *fx = *state;
    struct buf text;
    int refused = 0;
    journal_fixture_read(fx->path, &text);
    for (size_t at = 0; at < text.len; at += 3) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e;
        char was = text.data[at];
        text.data[at] = marks[at / 3 % sizeof marks];
        journal_fixture_put(fx->path, (struct str){text.data, text.len});
        text.data[at] = was;
        arena_init(&a, 64 << 20);
        if (journal_read(fx->path, &a, &run, &note, &e) != STATUS_OK) {
            refused++;
            journal_fixture_has(e.where, fx->path);
            assert_true(strlen(e.what) > 0);
        }
        arena_fini(&a);
    }
    assert_true(refused > 100);
    buf_fini(&text);
}

/* The text with `line` (from 1) replaced; "" drops it. */
static void refused(struct journal_fixture *fx, int line, const char *by,
                    const char *what)
{
    struct buf text, out;
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct err e = {.code = STATUS_OK};
    char where[160];
    int number = 1;
    journal_fixture_read(fx->path, &text);
    buf_init(&out, 1 << 20);
    for (struct str rest = {text.data, text.len}; rest.len > 0; number++) {
        struct str one = str_cut(&rest, '\n');
        if (number != line)
            buf_append(&out, one.ptr, one.len);
        else
            buf_text(&out, by);
        if (number != line || *by != '\0')
            buf_char(&out, '\n');
    }
    journal_fixture_put(fx->path, (struct str){buf_cstr(&out), out.len});
    arena_init(&a, 64 << 20);
    assert_int_equal(journal_read(fx->path, &a, &run, &note, &e), STATUS_BAD_INPUT);
    (void)snprintf(where, sizeof where, "%s:%d", fx->path, line);
    assert_string_equal(e.where, where);
    journal_fixture_has(e.what, what);
    journal_fixture_put(fx->path, (struct str){text.data, text.len});
    arena_fini(&a);
    buf_fini(&text);
    buf_fini(&out);
}

static void test_refused(void **state)
{
    struct journal_fixture *fx = *state;
    refused(fx, 4, "{\"type\":\"request\"", "");
    refused(fx, 4, "{\"a\":1}", "without a type");
    refused(fx, 1, "{\"type\":\"run\",\"format\":3}", "format 1 or 2");
    refused(fx, 1, "{\"type\":\"run\",\"format\":1}", "without its members");
    refused(fx, 1, "", "not a journal");
    refused(fx, 2, "", "a cell that is not there");
    refused(fx, 2, "{\"type\":\"cell\",\"cell\":1}", "cells out of order");
    refused(fx, 3, "", "outside of its repeat");
    refused(fx, 6, "{\"type\":\"repeat_end\",\"cell\":0,\"repeat\":2}",
            "the end of a repeat that did not begin");
    refused(fx, 7, "", "outside of its repeat");
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
    for (long n = 1;; n++) {
        struct arena a;
        struct run_data run;
        struct journal_note note;
        struct err e = {.code = STATUS_OK};
        arena_init(&a, 64 << 20);
        mem_fail_at(n);
        enum status s = journal_read(fx->path, &a, &run, &note, &e);
        mem_fail_at(0);
        if (s == STATUS_OK) {
            settle_run(&run);
            rows_text(&run, &got);
            assert_string_equal(buf_cstr(&got), buf_cstr(&want));
            buf_fini(&got);
            arena_fini(&a);
            break;
        }
        if (s != STATUS_NO_MEMORY)
            fail_msg("allocation %ld: %s: %s", n, status_text(s), e.what);
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
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_everywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_everywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test(test_missing),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_arena, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
