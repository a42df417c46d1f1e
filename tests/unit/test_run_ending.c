#include "run/ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "finding_fixture.h"

#include "store/journal_read.h"

struct bench {
    struct summary_entry cells[2];
    struct results results;
    struct err first;
    struct run_ending f;
    struct log log;
};

static int setup(void **state)
{
    static struct bench b;
    static const struct row row;
    b = (struct bench){
        .cells = {{.row = &row,
                   .verdict = "VALID",
                   .reasons = finding_fixture_read("[]")},
                  {.row = &row, .verdict = NULL, .reasons = finding_fixture_read("[]")}},
        .results = {.cells = b.cells, .cell_count = 2},
        .first = {.what = "why"},
        .f = {.results = &b.results, .first_failure = &b.first},
        .log = {.level = LOG_ERROR, .fd = -1}};
    *state = &b;
    return 0;
}

static void test_precedence(void **state)
{
    struct bench *b = *state;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_DONE);
    b->cells[0].verdict = "INVALID";
    b->cells[0].reasons = finding_fixture_read("[\"ERRORS\"]");
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_INVALID);
    b->f.repeats_damaged = 1;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    b->f.repeats_damaged = 0;
    b->f.is_unprinted = true;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    b->f.is_unprinted = false;
    b->f.broken = &b->first;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    b->f.broken = NULL;
    b->f.cells_failed = 1;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    b->f.is_interrupted = true;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_STOPPED);
}

static void test_accepted(void **state)
{
    static const struct {
        const char *accept;
        int code;
    } cases[] = {{NULL, RUN_INVALID},
                 {"", RUN_DONE},
                 {"ERRORS", RUN_INVALID},
                 {"SHORT_OUTPUT,ERRORS", RUN_DONE},
                 {" ERRORS , SHORT_OUTPUT", RUN_DONE},
                 {"ERRORS,SHORT", RUN_INVALID}};
    struct bench *b = *state;
    b->cells[1].verdict = "INVALID";
    b->cells[1].reasons = finding_fixture_read(
        "[\"ERRORS\",\"SHORT_OUTPUT\",\"SHORT_RUN\"]");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        b->f.accept_invalid = cases[i].accept;
        assert_int_equal(run_ending_conclude(&b->f, &b->log), cases[i].code);
    }
    b->f.accept_invalid = ""; /* a failure is never accepted away */
    b->f.cells_failed = 1;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
}

static void said(struct bench *b, int code, const char *wanted)
{
    int fds[2];
    char text[256];
    assert_int_equal(pipe(fds), 0);
    b->log = (struct log){.level = LOG_NOTE, .fd = fds[1]};
    assert_int_equal(run_ending_conclude(&b->f, &b->log), code);
    ssize_t got = read(fds[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, wanted);
    close(fds[0]);
    close(fds[1]);
}

static void test_inconclusive(void **state)
{
    struct bench *b = *state;
    static struct row simulated;
    said(b, RUN_DONE, "exit 0: done: 1 VALID\n");
    b->cells[1].verdict = "INCONCLUSIVE";
    b->cells[1].reasons = finding_fixture_read("[\"SHORT_RUN\"]");
    said(b, RUN_DONE, "exit 0: done: 1 VALID, 1 INCONCLUSIVE\n");
    b->f.require_valid = true;
    said(b, RUN_INVALID,
         "exit 3: measured: 1 VALID, 1 INCONCLUSIVE (see the table for what "
         "to do; --require-valid was given)\n");
    b->f.require_valid = false;
    simulated.v[FIELD_is_simulated] = value_bool(true);
    b->cells[0].row = &simulated;
    b->cells[1].verdict = "INVALID";
    b->cells[1].reasons = finding_fixture_read("[\"ERRORS\",\"SHORT_RUN\"]");
    said(b, RUN_INVALID,
         "exit 3: measured: 1 VALID (simulated), 1 INVALID (see the table "
         "for the reasons; --accept-invalid exits 0)\n");
    b->f.accept_invalid = "ERRORS";
    said(b, RUN_DONE, "exit 0: done: 1 VALID (simulated), 1 INVALID, accepted\n");
}

/* What is in no row is said, by its place; nothing where all of the journal is. */
static void test_warnings(void **state)
{
    static const struct {
        struct journal_note note;
        const char *text;
    } cases[] = {
        {{.line_count = 9}, ""},
        {{.was_cut = true},
         "raw/journal.jsonl: skipped the last line, cut off by a crash\n"},
        {{.lines_damaged = 1, .first_damaged = 7, .repeats_damaged = 1},
         "raw/journal.jsonl: skipped 1 damaged line, the first is line 7; repeats with "
         "an error because of that: 1\n"},
        {{.repeats_damaged = 2, .repeats_short = 2},
         "raw/journal.jsonl: lines are missing or changed in 2 repeats; the error of "
         "each says where\n"},
        {{.repeats_damaged = 3, .repeats_gone = 3, .gone_cell = 1, .gone_repeat = 2},
         "raw/journal.jsonl: no line is left of 3 repeats that began, the first is "
         "repeat 2 of cell 1 (the first cell is 0)\n"},
        {{.lines_damaged = 12, .first_damaged = 7, .repeats_lost = 1},
         "raw/journal.jsonl: skipped 12 damaged lines, the first is line 7; repeats with "
         "an error because of that: 0\n"
         "raw/journal.jsonl: skipped 1 repeat: the cell line is damaged or missing, or "
         "more than 1,000 repeats are missing\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fds[2];
        char text[1024];
        assert_int_equal(pipe(fds), 0);
        struct log log = {.level = LOG_WARN, .fd = fds[1]};
        journal_read_warn(&cases[i].note, "raw", &log);
        close(fds[1]);
        size_t len = 0;
        for (ssize_t got; (got = read(fds[0], text + len, sizeof text - 1 - len)) > 0;)
            len += (size_t)got;
        text[len] = '\0';
        assert_string_equal(text, cases[i].text);
        close(fds[0]);
    }
}

/* The last line of a run counts cells: failed, planned, and never begun. */
static void test_failed_cells(void **state)
{
    struct bench *b = *state;
    int fds[2];
    char text[256];
    assert_int_equal(pipe(fds), 0);
    b->log = (struct log){.level = LOG_WARN, .fd = fds[1]};
    b->f.cells_failed = 2;
    b->f.cells_planned = 4;
    b->f.cells_tried = 2;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    ssize_t got = read(fds[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, "exit 1: 2 of 4 cells failed, 2 not tried; "
                              "first cause: why\n");
    b->f.has_launches = true;
    b->f.cells_tried = 4;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    got = read(fds[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text,
                        "exit 1: 2 of 4 launches of cells failed; first cause: why\n");
    b->f.has_launches = false;
    b->f.cells_tried = b->f.cells_failed = b->f.cells_planned = 1;
    assert_int_equal(run_ending_conclude(&b->f, &b->log), RUN_FAILED);
    got = read(fds[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, "exit 1: 1 of 1 cell failed; first cause: why\n");
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_precedence, setup),
        cmocka_unit_test_setup(test_accepted, setup),
        cmocka_unit_test_setup(test_inconclusive, setup),
        cmocka_unit_test_setup(test_warnings, setup),
        cmocka_unit_test_setup(test_failed_cells, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
