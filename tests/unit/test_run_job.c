/* The way of a run from its words on, on the null engine. */
#include "cli/run_job.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_fixture.h"
#include "run/mode.h"

struct fixture {
    struct cli cli;
    int log[2], out, old_out;
    char words[256], text[4096];
    char *argv[16];
};

static enum status planned;

static enum status check(struct run *r, struct err *e)
{
    (void)r;
    return planned == STATUS_OK ? STATUS_OK : status_fail(e, planned, "plan", "no");
}

/* Offline, with a check of our own. */
static int run(struct cli_call *c)
{
    struct run_mode mode = run_offline;
    mode.check = check;
    return run_job_main(c, &mode);
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    assert_int_equal(pipe2(f.log, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.cli.log, LOG_NOTE);
    f.cli.log.fd = f.log[1];
    planned = STATUS_OK;
    f.out = memfd_create("stdout", 0);
    fflush(stdout);
    f.old_out = dup(STDOUT_FILENO);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->old_out);
    close(f->out);
    close(f->log[0]);
    close(f->log[1]);
    return 0;
}

/* The exit code; what was printed is in f->text. */
static int go(struct fixture *f, const char *words)
{
    snprintf(f->words, sizeof f->words, "--no-imds %s", words);
    const struct cli_command command = {.name = "offline",
                                        .synopsis = "[-- VLLM OPTIONS]",
                                        .run = run,
                                        .options = run_opts_offline,
                                        .option_count = RUN_OPTS_OFFLINE,
                                        .opts_bytes = sizeof(struct run_opts)};
    struct cli_words given = {.argv = f->argv};
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            f->argv[given.argc++] = word;
    assert_int_equal(ftruncate(f->out, 0), 0);
    assert_true(dup2(f->out, STDOUT_FILENO) >= 0);
    int code = cli_run(&f->cli, &command, given);
    dup2(f->old_out, STDOUT_FILENO);
    ssize_t got = pread(f->out, f->text, sizeof f->text - 1, 0);
    f->text[got > 0 ? got : 0] = '\0';
    return code;
}

static const char *told(struct fixture *f)
{
    ssize_t got = read(f->log[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static void levels(void **state)
{
    static const struct {
        const char *words;
        enum log_level level;
    } cases[] = {{"--dry-run", LOG_NOTE},
                 {"--dry-run -v", LOG_DEBUG},
                 {"--dry-run -q", LOG_WARN},
                 {"--dry-run -q -v", LOG_WARN}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(go(f, cases[i].words), CLI_DONE);
        assert_int_equal(f->cli.log.level, cases[i].level);
    }
}

static void a_dry_run(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(go(f, "--engine null --dry-run"), CLI_DONE);
    journal_fixture_has(f->text, "Plan of Qwen/Qwen3-0.6B on engine null");
}

static void a_plan_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    planned = STATUS_NOT_FOUND; /* the words' fault, whatever it is */
    assert_int_equal(go(f, ""), CLI_USAGE);
    planned = STATUS_NO_MEMORY;
    assert_int_equal(go(f, ""), CLI_FAILED);
    journal_fixture_has(told(f), "plan: no");
    assert_int_equal(go(f, "--no-such-option"), CLI_USAGE);
}

static void tags_that_are_taken(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(go(f, "--no-mlflow --mlflow-tag run_id=x --dry-run"), CLI_DONE);
    assert_int_equal(go(f, "--mlflow-tag run_id=x --dry-run"), CLI_USAGE);
    journal_fixture_has(told(f), "\"run_id\" is a tag set by inferbench");
}

static void an_engine_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(go(f, "--no-mlflow --python /nowhere"), CLI_FAILED);
    journal_fixture_has(told(f), "/nowhere");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(levels),
        TEST(a_dry_run),
        TEST(a_plan_that_cannot_be),
        TEST(tags_that_are_taken),
        TEST(an_engine_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
