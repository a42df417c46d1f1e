#include "store/journal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/file.h"
#include "base/mem.h"
#include "journal_fixture.h"
#include "text/json.h"

static int setup(void **state)
{
    static struct journal_fixture fx;
    journal_fixture_init(&fx);
    *state = &fx;
    return 0;
}

/* One line of the file, as JSON; the caller's reference. */
static json_t *line_of(struct str *rest)
{
    json_t *out = NULL;
    struct err e;
    struct str line = str_cut(rest, '\n');
    if (json_from_text(line, "line", &out, &e) != STATUS_OK)
        fail_msg("%s: %.*s", e.what, (int)line.len, line.ptr);
    return out;
}

static void test_lines(void **state)
{
    static const char *const types[] = {"run",     "cell",       "repeat", "request",
                                        "request", "repeat_end", "repeat", "request",
                                        "request", "repeat_end", "repeat", "request",
                                        "request", "repeat_end", "run_end"};
    struct journal_fixture *fx = *state;
    struct err e;
    struct buf text;
    int64_t before = 0;
    assert_int_equal(journal_fixture_write(fx, &e), STATUS_OK);
    journal_fixture_read(fx->path, &text);
    struct str rest = {text.data, text.len};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        json_t *line = line_of(&rest);
        assert_string_equal(json_str_of(line, "type"), types[i]);
        bool is_repeat = strcmp(types[i], "repeat") == 0; /* carries its start instead */
        int64_t at = json_int_of(line, "at_ns", -1);
        if (!is_repeat && at < before)
            fail_msg("line %zu: at %lld, before %lld", i, (long long)at,
                     (long long)before);
        before = is_repeat ? before : at;
        json_decref(line);
    }
    assert_int_equal(rest.len, 0);
    buf_fini(&text);
}

/* One request twice, with its events and without; both lines. */
static void write_twice(struct journal_fixture *fx, const struct request_record *r,
                        json_t *lines[2])
{
    struct journal j;
    struct err e;
    struct buf text;
    struct repeat_data of = {.cell = 0, .repeat = 1};
    assert_int_equal(journal_create(&j, fx->path, clock_now(), &e), STATUS_OK);
    assert_int_equal(journal_request(&j, &of, r, true, &e), STATUS_OK);
    assert_int_equal(journal_request(&j, &of, r, false, &e), STATUS_OK);
    journal_close(&j);
    journal_fixture_read(fx->path, &text);
    struct str rest = {text.data, text.len};
    lines[0] = line_of(&rest);
    lines[1] = line_of(&rest);
    buf_fini(&text);
}

static struct request_record unknown_request(void)
{
    return (struct request_record){.index = 3,
                                   .ready_ns = NS_UNKNOWN,
                                   .first_ns = NS_UNKNOWN,
                                   .last_ns = NS_UNKNOWN,
                                   .done_ns = NS_UNKNOWN,
                                   .prefill_ns = NS_UNKNOWN,
                                   .decode_ns = NS_UNKNOWN,
                                   .connect_ns = 150,
                                   .tls_ns = NS_UNKNOWN,
                                   .tokens_out = TOKENS_UNKNOWN,
                                   .tokens_cached = TOKENS_UNKNOWN,
                                   .max_tokens = 8,
                                   .first_event_tokens = 1};
}

static void are_absent(const json_t *line, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_object_get(line, names[i]) != NULL)
            fail_msg("%s is there", names[i]);
}

/* What is unknown is absent; what is there is there. */
static void test_request(void **state)
{
    static const char *const absent[] = {"ready_ns",     "first_ns", "tokens_out",
                                         "gaps_ns",      "event_ns", "token_source",
                                         "event_tokens", "tls_ns",   "http_status"};
    json_t *lines[2];
    struct request_record r = unknown_request();
    r.status = RECORD_FAILED;
    r.fail = FAIL_engine;
    r.due_ns = 5;
    r.error = "line\nbreak";
    write_twice(*state, &r, lines);
    are_absent(lines[0], absent, sizeof absent / sizeof *absent);
    assert_int_equal(json_int_of(lines[0], "sent_ns", -1), 0);
    assert_int_equal(json_int_of(lines[0], "tokens_in", -1), 0);
    assert_int_equal(json_int_of(lines[0], "connect_ns", -1), 150);
    assert_string_equal(json_str_of(lines[0], "status"), "failed");
    assert_string_equal(json_str_of(lines[0], "class"), "engine");
    assert_string_equal(json_str_of(lines[0], "error"), "line\nbreak");
    json_decref(lines[0]);
    json_decref(lines[1]);
}

/* An answer's events: where they are kept, each; else what is left of each class. */
static void test_events(void **state)
{
    int64_t at_ns[] = {1000, 1010, 1030, 1060}, counts[] = {1, 2, 1, 1};
    uint8_t marks[] = {
        RECORD_MARK(EVENT_TEXT, EVENT_EXACT), RECORD_MARK(EVENT_TEXT, EVENT_EXACT),
        RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED), RECORD_MARK(EVENT_FINISH, EVENT_TAIL)};
    static const char *const absent[] = {"text", "empty", "finish"};
    static const char *const gone[] = {"event_ns", "gaps_ns", "stamps", "event_tokens"};
    json_t *lines[2];
    struct request_record r = unknown_request();
    r.at_ns = at_ns;
    r.marks = marks;
    r.event_tokens = counts;
    r.event_count = 4;
    r.is_counted = true;
    record_count_classes(&r);
    write_twice(*state, &r, lines);
    are_absent(lines[0], absent, sizeof absent / sizeof *absent);
    assert_int_equal(json_int_of(lines[0], "event_ns", 0), 1000);
    assert_int_equal(json_array_size(json_object_get(lines[0], "gaps_ns")), 3);
    assert_string_equal(json_str_of(lines[0], "classes"), "T3F");
    assert_string_equal(json_str_of(lines[0], "stamps"), "x2bt");
    assert_true(json_bool_of(lines[0], "counted", false));
    assert_int_equal(json_array_size(json_object_get(lines[0], "event_tokens")), 4);
    are_absent(lines[1], gone, sizeof gone / sizeof *gone);
    const json_t *text = json_object_get(lines[1], "text");
    assert_int_equal(json_int_of(text, "count", 0), 3);
    assert_int_equal(json_int_of(text, "first_ns", 0), 1000);
    assert_int_equal(json_int_of(text, "last_ns", 0), 1030);
    assert_int_equal(json_int_of(text, "bounded", 0), 1);
    assert_int_equal(json_int_of(json_object_get(lines[1], "finish"), "tail", 0), 1);
    json_decref(lines[0]);
    json_decref(lines[1]);
}

static void test_exists(void **state)
{
    struct journal_fixture *fx = *state;
    struct journal j;
    struct err e;
    assert_int_equal(journal_fixture_write(fx, &e), STATUS_OK);
    assert_int_equal(journal_create(&j, fx->path, clock_now(), &e), STATUS_IO);
    journal_close(&j);
    assert_string_equal(e.where, fx->path);
    journal_fixture_has(e.what, "File exists");
}

/* A file that may not grow is how a full disk looks to write(). Whatever the size, whole
 * lines stand before the failure, which every later call repeats. */
static void test_full(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf whole, part;
    struct err e;
    assert_int_equal(journal_fixture_write(fx, &e), STATUS_OK);
    journal_fixture_read(fx->path, &whole);
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t size = 0; size < whole.len; size += 97) {
        assert_int_equal(unlink(fx->path), 0);
        struct rlimit small = {.rlim_cur = size, .rlim_max = old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        enum status s = journal_fixture_write(fx, &e);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        if (whole.len - size > 200) /* times differ in length from run to run */
            assert_int_equal(s, STATUS_IO);
        journal_fixture_read(fx->path, &part);
        if (s != STATUS_OK)
            assert_string_equal(e.where, fx->path);
        assert_true(part.len <= size || s == STATUS_OK);
        buf_fini(&part);
    }
    buf_fini(&whole);
}

static void test_no_space(void **state)
{
    (void)state;
    struct journal j = {.fd = 1, .path = "journal", .start = clock_now()};
    struct err e = {.code = STATUS_OK}, again = {.code = STATUS_OK};
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        skip();
    j.fd = dup(fileno(full));
    (void)fclose(full);
    buf_init(&j.line, 1 << 20);
    assert_int_equal(journal_run_end(&j, "done", true, &e), STATUS_NO_SPACE);
    assert_int_equal(e.code, STATUS_NO_SPACE);
    journal_fixture_has(e.what, "No space left on device");
    close(j.fd);
    j.fd = dup(2); /* a disk with room again does not help: a line is missing */
    assert_int_equal(journal_run_end(&j, "done", true, &again), STATUS_NO_SPACE);
    assert_string_equal(again.what, e.what);
    journal_close(&j);
}

static void test_no_memory(void **state)
{
    struct journal_fixture *fx = *state;
    struct err e;
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        (void)unlink(fx->path);
        e = (struct err){.code = STATUS_OK};
        alloc_fixture_arm(&alloc);
        enum status s = journal_fixture_write(fx, &e);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(e.code, s);
    }
}

/* Lines before and after the folder went are all in the new file, which is locked. */
static void test_restore(void **state)
{
    struct journal_fixture *fx = *state;
    const struct run_data *run = &fx->f.run;
    struct journal j;
    struct err e;
    struct buf before, after;
    char path[128], folder[128], moved[128];
    bool was_gone = true;
    (void)snprintf(path, sizeof path, "%s/a/raw/journal.jsonl", fx->dir);
    (void)snprintf(folder, sizeof folder, "%s/a/raw", fx->dir);
    assert_int_equal(file_make_dirs(folder, &e), STATUS_OK);
    assert_int_equal(journal_create(&j, path, clock_now(), &e), STATUS_OK);
    assert_int_equal(journal_run(&j, run, &e), STATUS_OK);
    assert_int_equal(journal_restore(&j, &was_gone, &e), STATUS_OK);
    assert_false(was_gone);
    (void)snprintf(folder, sizeof folder, "%s/a", fx->dir);
    (void)snprintf(moved, sizeof moved, "%s/b", fx->dir);
    assert_int_equal(rename(folder, moved), 0);
    assert_int_equal(journal_cell(&j, 0, &run->cells[0], &e), STATUS_OK);
    assert_int_equal(journal_restore(&j, &was_gone, &e), STATUS_OK);
    assert_true(was_gone);
    (void)snprintf(moved, sizeof moved, "%s/b/raw/journal.jsonl", fx->dir);
    assert_true(journal_is_live(path));
    assert_false(journal_is_live(moved));
    journal_fixture_read(moved, &before);
    journal_fixture_read(path, &after);
    assert_string_equal(buf_cstr(&after), buf_cstr(&before));
    buf_fini(&after);
    assert_int_equal(journal_run_end(&j, "done", true, &e), STATUS_OK);
    journal_close(&j);
    journal_fixture_read(path, &after);
    assert_true(after.len > before.len);
    assert_memory_equal(after.data, before.data, before.len);
    buf_fini(&after);
    buf_fini(&before);
}

/* Where nothing can be put, that is told, and the journal goes on as it was. */
static void test_restore_fails(void **state)
{
    struct journal_fixture *fx = *state;
    struct journal j;
    struct err e;
    char folder[128], path[128];
    bool was_gone;
    (void)snprintf(folder, sizeof folder, "%s/raw", fx->dir);
    (void)snprintf(path, sizeof path, "%s/raw/journal.jsonl", fx->dir);
    assert_int_equal(file_make_dirs(folder, &e), STATUS_OK);
    assert_int_equal(journal_create(&j, path, clock_now(), &e), STATUS_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    journal_fixture_put(folder, str_from("a file in its place"));
    assert_int_equal(journal_restore(&j, &was_gone, &e), STATUS_IO);
    assert_false(was_gone);
    mem_fail_at(1);
    assert_int_equal(journal_restore(&j, &was_gone, &e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    assert_int_equal(journal_run(&j, &fx->f.run, &e), STATUS_OK);
    journal_close(&j);
    assert_int_equal(journal_restore(&j, &was_gone, &e), STATUS_OK);
    assert_false(was_gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_request, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_events, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_exists, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_full, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_space, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_restore, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_restore_fails, setup,
                                        journal_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
