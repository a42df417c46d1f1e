#include "run/selftest_load.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "engines/registry.h"
#include "journal_fixture.h"

/* The server of a load is the running program's own `serve`: here that is this test,
 * which then serves, and misbehaves as SERVER_MODE says. */
#define SERVER_MODE "TEST_SELFTEST_LOAD_SERVER"
#define STREAMS     3
#define REQUESTS    12
#define TOKENS      5
#define LINES_BYTES ((size_t)4 << 20)

struct made {
    struct journal_fixture fx;
    struct selftest_cores cores;
    struct engine_ops ops;
    struct log log;
    struct progress progress;
    struct selftest_bed bed;
    struct selftest_point point;
    int64_t ticks, stop_after; /* ticks; 0: never */
    char stage[32];            /* of the last tick */
    struct err e;
};

static void tick(void *arg, const struct engine_progress *p)
{
    struct made *m = arg;
    m->ticks++;
    (void)snprintf(m->stage, sizeof m->stage, "%s", p->stage);
}

static bool stop(void *arg)
{
    const struct made *m = arg;
    return m->stop_after > 0 && m->ticks >= m->stop_after;
}

static bool stop_now(void *arg)
{
    (void)arg;
    return true;
}

static int make(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    *state = m;
    assert_int_equal(unsetenv(SERVER_MODE), 0);
    journal_fixture_init(&m->fx);
    m->log = (struct log){.level = LOG_ERROR, .fd = -1};
    progress_init(&m->progress, &m->log, true);
    selftest_cores_find(&m->cores);
    assert_int_equal(registry_find("openai", ENGINE_ONLINE, &m->ops, &m->e), STATUS_OK);
    m->bed = (struct selftest_bed){.ops = &m->ops,
                                   .place = {.folder = m->fx.dir, .cores = &m->cores},
                                   .progress = &m->progress,
                                   .watch = {.tick = tick, .stop = stop, .arg = m}};
    assert_int_equal(journal_create(&m->bed.journal, m->fx.path, clock_now(), &m->e),
                     STATUS_OK);
    m->point.load = (struct selftest_load){.rate = STREAMS * 500,
                                           .streams = STREAMS,
                                           .requests = REQUESTS,
                                           .tokens = TOKENS,
                                           .ttft_ns = 3 * NS_PER_MS,
                                           .itl_ns = 2 * NS_PER_MS};
    return 0;
}

static int drop(void **state)
{
    struct made *m = *state;
    mem_fail_at(0);
    selftest_cores_move(&m->cores, SELFTEST_ALL);
    journal_close(&m->bed.journal);
    progress_end(&m->progress);
    journal_fixture_fini(&m->fx);
    free(m);
    return 0;
}

static size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* No server and no descriptor is left of what has run; the journal's stays. */
static void check_clean(size_t files_before)
{
    int status;
    assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(open_files(), files_before);
}

static enum status run(struct made *m)
{
    size_t files = open_files();
    enum status s = selftest_load_run(&m->bed, "some load", &m->point, &m->e);
    check_clean(files);
    return s;
}

static enum status run_memory(struct made *m, struct selftest_memory *out)
{
    size_t files = open_files();
    enum status s = selftest_load_memory(&m->bed, out, &m->e);
    check_clean(files);
    return s;
}

static void must_run(struct made *m)
{
    if (run(m) != STATUS_OK)
        fail_msg("%s: %s", m->e.where, m->e.what);
}

/* A file of the folder; lines, if wanted. The caller ends the text. */
static size_t read_lines(const struct made *m, const char *name, struct buf *text)
{
    char path[128];
    size_t lines = 0;
    struct err e;
    (void)snprintf(path, sizeof path, "%s/%s", m->fx.dir, name);
    buf_init(text, LINES_BYTES);
    assert_int_equal(file_read(path, text, &e), STATUS_OK);
    for (size_t i = 0; i < text->len; i++)
        lines += text->data[i] == '\n';
    return lines;
}

static size_t journal_lines(const struct made *m)
{
    struct buf text;
    size_t lines = read_lines(m, "journal.jsonl", &text);
    buf_fini(&text);
    return lines;
}

static void check_log_has(const struct made *m, const char *wanted)
{
    struct buf text;
    (void)read_lines(m, "server.jsonl", &text);
    journal_fixture_has(buf_cstr(&text), wanted);
    buf_fini(&text);
}

static void a_load_is_matched_with_its_server(void **state)
{
    struct made *m = *state;
    struct selftest_point *p = &m->point;
    p->tries = 1;
    p->events = p->unmatched = 99; /* of the try before */
    (void)snprintf(p->first_error, sizeof p->first_error, "of the try before");
    must_run(m);
    assert_int_equal(p->tries, 2);
    assert_int_equal(p->load.requests, REQUESTS);
    assert_int_equal(p->requests_ok, REQUESTS);
    assert_int_equal(p->requests_failed, 0);
    assert_int_equal(p->unmatched, 0);
    assert_int_equal(p->events, REQUESTS * TOKENS);
    assert_int_equal(p->exact + p->tail + p->bounded, p->events);
    assert_int_equal(p->error_us.count, p->exact + p->tail);
    assert_int_equal(p->send_late_us.count, 0); /* closed: due when sent */
    assert_true(p->cpu_us_per_event > 0);
    assert_true(p->busy_share >= 0 && p->busy_share <= 1);
    assert_true(p->loop_lag_p99_us >= 0); /* it is known */
    assert_string_equal(p->first_error, "");
    assert_int_equal(journal_lines(m), REQUESTS);
    check_log_has(m, "\"ttft_ns\":3000000,\"itl_ns\":2000000,\"jitter\":0");
    assert_string_equal(m->progress.cell, "some load");
    assert_int_equal(m->progress.tokens_planned, REQUESTS * TOKENS);
    assert_true(m->ticks > 0);
    assert_string_equal(m->stage, "running");
}

static void an_open_load_has_due_times(void **state)
{
    struct made *m = *state;
    struct selftest_load *load = &m->point.load;
    load->is_open = true;
    load->rate = 400;
    load->jitter = 0.25;
    must_run(m);
    assert_int_equal(m->point.requests_ok, REQUESTS);
    assert_int_equal(m->point.unmatched, 0);
    assert_int_equal(m->point.send_late_us.count, REQUESTS);
    assert_true(m->point.send_late_us.min >= 0);
    assert_int_equal(journal_lines(m), REQUESTS);
    check_log_has(m, "\"jitter\":0.25");
}

/* Loads of one bed are told apart, and share the journal. */
static void one_load_after_the_other(void **state)
{
    struct made *m = *state;
    char name[64];
    for (int i = 0; i < 2; i++) {
        must_run(m);
        assert_int_equal(m->point.unmatched, 0);
        assert_int_equal(m->point.tries, i + 1);
        assert_int_equal(m->bed.phases, i + 1);
        assert_int_equal(journal_lines(m), (i + 1) * REQUESTS);
        (void)snprintf(name, sizeof name, "\"selftest-%d-%d-0\"", (int)getpid(), i);
        check_log_has(m, name);
    }
}

/* Failed requests are data. */
static void requests_that_fail(void **state)
{
    struct made *m = *state;
    assert_int_equal(setenv(SERVER_MODE, "fails", 1), 0);
    must_run(m);
    assert_int_equal(m->point.requests_ok, 0);
    assert_int_equal(m->point.requests_failed, REQUESTS);
    assert_int_equal(m->point.events, 0);
    assert_true(isnan(m->point.cpu_us_per_event));
    assert_true(m->point.first_error[0] != '\0');
    assert_int_equal(journal_lines(m), REQUESTS);
}

static void a_server_that_does_not_come_up(void **state)
{
    struct made *m = *state;
    assert_int_equal(setenv(SERVER_MODE, "dies", 1), 0);
    m->point.events = 99;
    assert_int_equal(run(m), STATUS_DIED);
    assert_non_null(strstr(m->e.what, "no luck today"));
    assert_int_equal(m->point.tries, 1);
    assert_int_equal(m->point.load.requests, REQUESTS);
    assert_int_equal(m->point.events, 0);
    assert_int_equal(journal_lines(m), 0);
    assert_int_equal(unsetenv(SERVER_MODE), 0); /* the bed is as good as before */
    must_run(m);
    assert_int_equal(m->point.tries, 2);
    assert_int_equal(m->point.requests_ok, REQUESTS);
}

/* Without the server's side there is nothing to say. */
static void logs_that_are_no_good(void **state)
{
    struct made *m = *state;
    assert_int_equal(setenv(SERVER_MODE, "garbles", 1), 0);
    assert_int_equal(run(m), STATUS_BAD_INPUT);
    assert_non_null(strstr(m->e.where, "the server's log:1"));
    assert_int_equal(setenv(SERVER_MODE, "loses", 1), 0);
    assert_int_equal(run(m), STATUS_NOT_FOUND);
    assert_non_null(strstr(m->e.where, "server.jsonl"));
    assert_int_equal(setenv(SERVER_MODE, "forgets", 1), 0);
    must_run(m);
    assert_int_equal(m->point.requests_ok, REQUESTS);
    assert_int_equal(m->point.unmatched, REQUESTS);
    assert_int_equal(m->point.error_us.count, 0);
}

/* While it starts, and while it is loaded. */
static void a_load_that_is_stopped(void **state)
{
    struct made *m = *state;
    m->bed.place.stop = stop_now;
    enum status s = run(m); /* unless it was ready at the first look */
    assert_true(s == STATUS_INTERRUPTED || s == STATUS_OK);
    size_t lines = journal_lines(m);
    assert_int_equal(lines, s == STATUS_OK ? REQUESTS : 0);
    m->bed.place.stop = NULL;
    m->stop_after = m->ticks + 2;
    m->point.load.ttft_ns = 300 * NS_PER_S; /* no end of it is to come */
    assert_int_equal(run(m), STATUS_INTERRUPTED);
    assert_true(m->ticks >= m->stop_after);
    assert_int_equal(m->point.requests_ok, 0);
}

static void memory_of_few_and_many_streams(void **state)
{
    struct made *m = *state;
    struct buf text;
    struct selftest_memory out = {.tokens = 4, .streams = {2, 6}};
    assert_int_equal(run_memory(m, &out), STATUS_OK);
    assert_true(out.rss_mb[0] > 0 && out.rss_mb[1] > 0);
    double wanted = (out.rss_mb[1] - out.rss_mb[0]) * 1e6 / 4;
    assert_true(fabs(out.bytes_per_stream - wanted) < 1e-3);
    assert_int_equal(m->bed.phases, 2);
    assert_int_equal(journal_lines(m), 2 + 6);
    assert_int_equal(read_lines(m, "server.out", &text), 1); /* one server for both */
    buf_fini(&text);
    check_log_has(m, "\"ttft_ns\":20000000,\"itl_ns\":20000000,");
    assert_string_equal(m->progress.cell, "memory");
    assert_true(m->ticks > 0);
}

static void memory_without_a_server(void **state)
{
    struct made *m = *state;
    struct selftest_memory out = {.tokens = 4, .streams = {2, 6}};
    assert_int_equal(setenv(SERVER_MODE, "dies", 1), 0);
    assert_int_equal(run_memory(m, &out), STATUS_DIED);
    assert_int_equal(m->bed.phases, 0);
    assert_int_equal(unsetenv(SERVER_MODE), 0);
    m->stop_after = 1;
    out.tokens = 100000; /* no end of it is to come */
    assert_int_equal(run_memory(m, &out), STATUS_INTERRUPTED);
    assert_int_equal(m->bed.phases, 1);
}

/* A journal that has failed once stays so: each time a new one. */
static void renew_journal(struct made *m)
{
    journal_close(&m->bed.journal);
    assert_int_equal(unlink(m->fx.path), 0);
    assert_int_equal(journal_create(&m->bed.journal, m->fx.path, clock_now(), &m->e),
                     STATUS_OK);
}

/* Wherever memory ends: it is said, and nothing is left behind. */
static void no_memory(void **state)
{
    struct made *m = *state;
    enum status s = STATUS_NO_MEMORY;
    for (long nth = 1; s != STATUS_OK; nth += 1 + nth / 8) {
        assert_true(nth < 20000);
        renew_journal(m);
        mem_fail_at(nth);
        s = run(m);
        mem_fail_at(0);
        assert_true(s == STATUS_OK || s == STATUS_NO_MEMORY);
        assert_true(nth > 1 || s == STATUS_NO_MEMORY);
    }
    assert_int_equal(m->point.requests_ok, REQUESTS);
    assert_int_equal(m->point.unmatched, 0);
}

/* --- the server */

static void spoil_log(const char *path, const char *mode)
{
    FILE *log = fopen(path, "w");
    if (log != NULL && strcmp(mode, "garbles") == 0)
        (void)fputs("{\"id\":\n", log);
    if (log != NULL)
        (void)fclose(log);
    if (strcmp(mode, "loses") == 0)
        (void)unlink(path);
}

static int serve(int argc, char **argv)
{
    char *words[64], fail[] = "--fail", always[] = "1";
    const char *mode = getenv(SERVER_MODE), *log_path = NULL;
    struct cli cli = {.tool = "test"};
    int count = 0;
    for (int i = 2; i < argc && count < 60; i++) {
        log_path = strcmp(argv[i - 1], "--log") == 0 ? argv[i] : log_path;
        words[count++] = argv[i];
    }
    mode = mode != NULL ? mode : "";
    if (strcmp(mode, "dies") == 0) {
        (void)puts("no luck today");
        return 3;
    }
    if (strcmp(mode, "fails") == 0) {
        words[count++] = fail;
        words[count++] = always;
    }
    words[count] = NULL;
    log_init(&cli.log, LOG_NOTE);
    int code = cli_run(&cli, commands_find("serve"), (struct cli_words){count, words});
    if (log_path != NULL && *mode != '\0' && strcmp(mode, "fails") != 0)
        spoil_log(log_path, mode);
    return code;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve(argc, argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(a_load_is_matched_with_its_server),
        TEST(an_open_load_has_due_times),
        TEST(one_load_after_the_other),
        TEST(requests_that_fail),
        TEST(a_server_that_does_not_come_up),
        TEST(logs_that_are_no_good),
        TEST(a_load_that_is_stopped),
        TEST(memory_of_few_and_many_streams),
        TEST(memory_without_a_server),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
