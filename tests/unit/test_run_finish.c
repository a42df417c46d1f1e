/* How a run ends; the whole of it, with its table, is tested from outside. */
#include "run/finish.h"

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

#include "base/file.h"
#include "journal_fixture.h"
#include "run/mode.h"

struct fixture {
    struct journal_fixture fx;
    struct log out;
    struct run_host host;
    struct run_opts opts;
    struct arena arena;
    struct run run;
    struct buf printed;
    int log[2];
    char text[8192];
    struct err e;
};

static bool print(void *arg, const char *text)
{
    buf_text(arg, text);
    return true;
}

static int stopped_by(void *arg)
{
    (void)arg;
    return 15;
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    assert_int_equal(pipe2(f.log, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.out, LOG_NOTE);
    f.out.fd = f.log[1];
    buf_init(&f.printed, 1 << 20);
    f.host = (struct run_host){
        .log = &f.out, .print = print, .stopped_by = stopped_by, .arg = &f.printed};
    f.opts.output_dir = f.fx.dir;
    f.run = (struct run){.mode = &run_online,
                         .host = &f.host,
                         .opts = &f.opts,
                         .arena = &f.arena,
                         .data = f.fx.f.run,
                         .tracking = {.is_off = true},
                         .raw_dir = f.fx.dir,
                         .journal_path = f.fx.path,
                         .plan.cell_count = 1};
    arena_init(&f.arena, 64 << 20);
    if (journal_create(&f.run.journal, f.fx.path, clock_now(), &f.e) != STATUS_OK ||
        journal_run(&f.run.journal, &f.run.data, &f.e) != STATUS_OK)
        fail_msg("%s: %s", f.e.where, f.e.what);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->log[0]);
    close(f->log[1]);
    buf_fini(&f->printed);
    arena_fini(&f->arena);
    journal_fixture_fini(&f->fx);
    return 0;
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

static void a_run_that_was_stopped(void **state)
{
    struct fixture *f = *state;
    f->run.outcome.is_interrupted = true;
    enum run_end end = run_finish(&f->run, STATUS_OK, &f->e);
    assert_int_equal(end, RUN_STOPPED);
    journal_fixture_has(buf_cstr(&f->printed),
                        "Next\n  Nothing was measured: there is nothing to merge");
    assert_null(strstr(buf_cstr(&f->printed), "inferbench merge"));
    assert_null(strstr(buf_cstr(&f->printed), "  cause "));
    journal_fixture_has(told(f), "exit 4: stopped by signal 15");
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
    status_fail(&f->e, STATUS_NO_SPACE, "journal", "disk full");
    enum run_end end = run_finish(&f->run, STATUS_NO_SPACE, &f->e);
    assert_int_equal(end, RUN_FAILED);
    journal_fixture_has(told(f), "disk full");
    journal_fixture_has(f->text, "exit 1: the run could not continue");
}

/* Nothing to copy and merge: what went wrong, and where to read of it. */
static void a_run_of_failures(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char log[128];
    snprintf(log, sizeof log, "%s/engine.log", f->fx.dir);
    assert_int_equal(file_replace(log, str_from("boom\n"), &e), STATUS_OK);
    f->run.outcome.cells_failed = 1;
    status_fail(&f->run.outcome.first, STATUS_DIED, "engine", "no device was found");
    status_hint(&f->run.outcome.first, "Load the driver");
    assert_int_equal(run_finish(&f->run, STATUS_OK, &f->e), RUN_FAILED);
    const char *said = buf_cstr(&f->printed);
    journal_fixture_has(
        said, "  cause   engine: no device was found\n  cure    Load the driver\n");
    journal_fixture_has(said, "  log     less /tmp/inferbench_test_");
    journal_fixture_has(said, "  check   inferbench env --check\n  again   the same");
    assert_null(strstr(said, "collected"));
    assert_int_equal(unlink(log), 0);
}

static void files_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    f->opts.output_dir = "/nowhere/at/all";
    enum run_end end = run_finish(&f->run, STATUS_OK, &f->e);
    assert_int_equal(end, RUN_FAILED);
    journal_fixture_has(told(f), "inferbench recover");
    journal_fixture_has(f->text, "exit 1: the files could not be written: ");
}

static void a_folder_that_was_deleted(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->fx.path), 0);
    assert_int_equal(run_finish(&f->run, STATUS_OK, &f->e), RUN_DONE);
    journal_fixture_has(told(f), "was deleted or moved during the run");
    assert_int_equal(files(f, "*_results_*.json"), 1);
    assert_int_equal(files(f, "journal.jsonl"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_was_stopped),    TEST(a_run_that_broke_off),
        TEST(a_run_of_failures),         TEST(files_that_cannot_be_written),
        TEST(a_folder_that_was_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
