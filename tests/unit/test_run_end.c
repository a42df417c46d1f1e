/* How a run ends; the whole of it, with its table, is tested from outside. */
#include "cli/run_end.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_fixture.h"

struct fixture {
    struct journal_fixture fx;
    struct cli cli;
    struct run_opts opts;
    struct run_job job;
    int log[2], out, old_out;
    char text[8192];
    struct err e;
};

/* Standard output goes into a file of the test's folder. */
static int setup(void **state)
{
    static struct fixture f;
    char path[128];
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    assert_int_equal(pipe2(f.log, O_NONBLOCK | O_CLOEXEC), 0);
    snprintf(path, sizeof path, "%s/stdout", f.fx.dir);
    f.out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    log_init(&f.cli.log, LOG_NOTE);
    f.cli.log.fd = f.log[1];
    f.opts.output_dir = f.fx.dir;
    f.job = (struct run_job){.mode = "online",
                             .cli = &f.cli,
                             .opts = &f.opts,
                             .run = f.fx.f.run,
                             .journal = {.fd = -1},
                             .tracking = {.is_off = true},
                             .raw_dir = f.fx.dir,
                             .journal_path = f.fx.path,
                             .cells_planned = 1};
    arena_init(&f.job.arena, 64 << 20);
    fflush(stdout);
    f.old_out = dup(STDOUT_FILENO);
    assert_true(dup2(f.out, STDOUT_FILENO) >= 0);
    *state = &f;
    return 0;
}

static void give_back(struct fixture *f)
{
    if (f->old_out < 0)
        return;
    dup2(f->old_out, STDOUT_FILENO);
    close(f->old_out);
    f->old_out = -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    give_back(f);
    close(f->out);
    close(f->log[0]);
    close(f->log[1]);
    arena_fini(&f->job.arena);
    journal_fixture_fini(&f->fx);
    return 0;
}

static const char *printed(struct fixture *f)
{
    ssize_t got = pread(f->out, f->text, sizeof f->text - 1, 0);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static const char *told(struct fixture *f)
{
    ssize_t got = read(f->log[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static size_t files(struct fixture *f, const char *pattern)
{
    char path[192];
    glob_t g;
    snprintf(path, sizeof path, "%s/%s", f->fx.dir, pattern);
    size_t count = glob(path, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    globfree(&g);
    return count;
}

static void begin(struct fixture *f)
{
    if (run_end_open(&f->job, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
}

static void a_run_that_was_stopped(void **state)
{
    struct fixture *f = *state;
    begin(f);
    f->job.outcome.is_interrupted = true;
    int code = run_end_finish(&f->job, STATUS_OK, &f->e);
    give_back(f);
    assert_int_equal(code, CLI_SIGNAL);
    journal_fixture_has(printed(f), "inferbench merge collected/*.json");
    journal_fixture_has(f->text, "/online_results_*.json' collected/");
    journal_fixture_has(told(f), "exit 4");
    assert_int_equal(files(f, "*_results_*.json"), 1);
    assert_int_equal(files(f, "*_summary_*.json"), 1);
    struct buf journal;
    buf_init(&journal, 1 << 20);
    journal_fixture_read(f->fx.path, &journal);
    journal_fixture_has(buf_cstr(&journal), "\"signal\"");
    buf_fini(&journal);
}

static void a_run_that_broke_off(void **state)
{
    struct fixture *f = *state;
    begin(f);
    status_fail(&f->e, STATUS_NO_SPACE, "journal", "disk full");
    int code = run_end_finish(&f->job, STATUS_NO_SPACE, &f->e);
    give_back(f);
    assert_int_equal(code, CLI_FAILED);
    journal_fixture_has(told(f), "disk full");
    journal_fixture_has(f->text, "exit 1: the run could not continue");
}

static void files_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    begin(f);
    f->opts.output_dir = "/nowhere/at/all";
    int code = run_end_finish(&f->job, STATUS_OK, &f->e);
    give_back(f);
    assert_int_equal(code, CLI_FAILED);
    journal_fixture_has(told(f), "inferbench recover");
    journal_fixture_has(f->text, "exit 1: the files could not be written: ");
}

static void a_folder_that_was_deleted(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(unlink(f->fx.path), 0);
    assert_int_equal(run_end_finish(&f->job, STATUS_OK, &f->e), CLI_DONE);
    give_back(f);
    journal_fixture_has(told(f), "was deleted or moved during the run");
    assert_int_equal(files(f, "*_results_*.json"), 1);
    assert_int_equal(files(f, "journal.jsonl"), 1);
}

static void a_journal_that_cannot_be_made(void **state)
{
    struct fixture *f = *state;
    f->job.journal_path = "/nowhere/journal.jsonl";
    assert_int_equal(run_end_open(&f->job, &f->e), STATUS_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_was_stopped),        TEST(a_run_that_broke_off),
        TEST(files_that_cannot_be_written),  TEST(a_folder_that_was_deleted),
        TEST(a_journal_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
