/* A whole run as a library: no process, no command line, the null engine. */
#include "run/run.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engines/registry.h"
#include "journal_fixture.h"
#include "run/execute.h"
#include "run/finish.h"

struct fixture {
    struct journal_fixture fx; /* its folder is the output folder */
    struct log log;
    struct run_opts opts;
    struct run_host host;
    struct run run;
    struct plan plan;
    struct engine_ops ops;
    struct engine_settings settings;
    struct buf printed;
    struct err e;
};

static void print(void *arg, const char *text)
{
    buf_text(arg, text);
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    buf_init(&f.printed, 1 << 20);
    log_init(&f.log, LOG_ERROR);
    f.opts = (struct run_opts){.model = "made-up",
                               .output_dir = f.fx.dir,
                               .price_per_hour = NAN,
                               .num_runs = 3,
                               .prefix_reuse = "cold",
                               .no_imds = true,
                               .quiet = true};
    f.host = (struct run_host){
        .log = &f.log, .tool = "test", .print = print, .arg = &f.printed};
    f.run = (struct run){.mode = "offline",
                         .host = &f.host,
                         .opts = &f.opts,
                         .tracking = {.is_off = true}};
    arena_init(&f.run.arena, 64 << 20);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_fini(&f->run.arena);
    buf_fini(&f->printed);
    journal_fixture_fini(&f->fx);
    return 0;
}

static void plan(struct fixture *f)
{
    static const struct scenario scenario = {
        .name = "short", .own_tokens = 16, .max_tokens = 8};
    static const struct load loads[] = {{.batch_size = 1}, {.batch_size = 2}};
    const struct plan_options o = {.scenarios = &scenario,
                                   .scenario_count = 1,
                                   .loads = loads,
                                   .load_count = 2,
                                   .max_tokens = OPT_INT_UNSET,
                                   .num_runs = 3,
                                   .caching_count = 1,
                                   .max_model_len = 4096};
    if (plan_build(&o, &f->run.arena, &f->plan, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    f->run.cells_planned = (int64_t)f->plan.cell_count;
    f->settings = (struct engine_settings){
        .model = "made-up", .max_model_len = 4096, .max_num_seqs = 256, .timeout_s = 60};
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

static void from_plan_to_table(void **state)
{
    struct fixture *f = *state;
    plan(f);
    const struct run_facts facts = {.engine = "null",
                                    .plan_sha256 = f->plan.sha256,
                                    .options_json = "{}",
                                    .command_json = "[]"};
    assert_int_equal(registry_find("null", ENGINE_OFFLINE, &f->ops, &f->e), STATUS_OK);
    assert_int_equal(run_identify(&f->run, &f->e), STATUS_OK);
    run_start(&f->run);
    if (run_open(&f->run, &facts, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    const struct run_work work = {.plan = &f->plan,
                                  .ops = &f->ops,
                                  .settings = f->settings,
                                  .client_threads = 1,
                                  .planned_s = NAN};
    enum status s = run_execute(&f->run, &work, &f->e);
    assert_int_equal(run_finish(&f->run, s, &f->e), RUN_DONE);
    assert_int_equal(f->run.outcome.cells_failed, 0);
    journal_fixture_has(buf_cstr(&f->printed), "inferbench merge collected/*.json");
    journal_fixture_has(buf_cstr(&f->printed), "short");
    assert_int_equal(files(f, "offline_results_*.json"), 1);
    assert_int_equal(files(f, "raw_*/journal.jsonl"), 1);
}

static void a_folder_that_cannot_be_made(void **state)
{
    struct fixture *f = *state;
    const struct run_facts facts = {
        .engine = "null", .options_json = "{}", .command_json = "[]"};
    f->opts.output_dir = "/proc/nowhere";
    run_start(&f->run);
    assert_int_not_equal(run_open(&f->run, &facts, &f->e), STATUS_OK);
    assert_int_equal(f->run.journal.fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(from_plan_to_table),
        TEST(a_folder_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
