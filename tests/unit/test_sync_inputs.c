/* sync_inputs.c: which results files a command line means, runs that were killed
 * included. */
#include "store/sync_inputs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "journal_fixture.h"

#define RESULTS "{\"metadata\": {\"format\": 1}, \"results\": []}"

struct fixture {
    struct journal_fixture fx;
    struct arena arena;
    struct log log;
    struct sync_inputs out;
    struct err e;
    int pipe[2];
    char text[4096];
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    arena_init(&f.arena, 64 << 20);
    assert_int_equal(pipe2(f.pipe, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.log, LOG_NOTE);
    f.log.fd = f.pipe[1];
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->pipe[0]);
    close(f->pipe[1]);
    arena_fini(&f->arena);
    journal_fixture_fini(&f->fx);
    return 0;
}

static enum status expand(struct fixture *f, const char *word)
{
    const struct opt_strings words = {.items = &word, .count = 1};
    return sync_inputs_expand(&words, &f->log, &f->arena, &f->out, &f->e);
}

static const char *told(struct fixture *f)
{
    ssize_t got = read(f->pipe[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

/* The fixture's journal, moved to where a run leaves it; its raw folder. */
static const char *raw(struct fixture *f)
{
    const char *stamp = f->fx.f.run.stamp;
    const char *dir = arena_printf(&f->arena, "%s/raw_%s", f->fx.dir, stamp);
    const char *to = arena_printf(&f->arena, "%s/journal.jsonl", dir);
    assert_int_equal(journal_fixture_write(&f->fx, &f->e), STATUS_OK);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(rename(f->fx.path, to), 0);
    return dir;
}

static void a_run_that_was_killed(void **state)
{
    struct fixture *f = *state;
    const char *dir = raw(f);
    assert_int_equal(expand(f, f->fx.dir), STATUS_OK);
    assert_int_equal(f->out.files.count, 1);
    assert_true(file_exists(f->out.files.items[0].path));
    journal_fixture_has(told(f), "rebuilt from the journal");
    const char *slash = arena_printf(&f->arena, "%s/", dir);
    assert_int_equal(expand(f, slash), STATUS_OK); /* its results are there now */
    assert_int_equal(f->out.files.count, 1);
    assert_string_equal(told(f), "");
}

static void a_run_that_goes_on(void **state)
{
    struct fixture *f = *state;
    struct journal j;
    const char *dir = arena_printf(&f->arena, "%s/raw_20260101_000000", f->fx.dir);
    const char *path = arena_printf(&f->arena, "%s/journal.jsonl", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(journal_create(&j, path, clock_now(), &f->e), STATUS_OK);
    assert_int_equal(expand(f, dir), STATUS_OK);
    assert_int_equal(f->out.files.count, 0);
    journal_fixture_has(told(f), "still in progress");
    const char *so_far = arena_printf(
        &f->arena, "%s/offline_results_20260101_000000.json", f->fx.dir);
    journal_fixture_put(so_far, str_from(RESULTS)); /* of --save-every */
    const char *words[] = {so_far, f->fx.dir};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(expand(f, words[i]), STATUS_OK);
        assert_int_equal(f->out.files.count, 0);
        const char *once = strstr(told(f), "still in progress");
        assert_non_null(once);
        assert_null(strstr(once + 1, "still in progress"));
    }
    journal_close(&j);
    assert_int_equal(expand(f, so_far), STATUS_OK);
    assert_int_equal(f->out.files.count, 1);
    assert_false(journal_is_live(path));
}

/* Rows so far, as --save-every writes them; a part of what the journal holds. */
static const char *put_early(struct fixture *f, const char *run_id, bool is_complete)
{
    const char *path = arena_printf(&f->arena, "%s/offline_results_%s.json", f->fx.dir,
                                    f->fx.f.run.stamp);
    const char *text = arena_printf(
        &f->arena,
        "{\"metadata\": {\"format\": 2, \"run_id\": \"%s\", \"complete\": %s}, "
        "\"results\": []}",
        run_id, is_complete ? "true" : "false");
    journal_fixture_put(path, str_from(text));
    return path;
}

static size_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void a_run_that_was_killed_after_it_had_saved(void **state)
{
    struct fixture *f = *state;
    const char *run_id = field_str(&f->fx.f.run.fields, FIELD_run_id);
    const char *dir = raw(f);
    assert_non_null(run_id);
    const char *path = put_early(f, run_id, false);
    const char *words[] = {f->fx.dir, dir, path};
    for (size_t i = 0; i < 3; i++) {
        put_early(f, run_id, false);
        size_t before = size_of(path);
        assert_int_equal(expand(f, words[i]), STATUS_OK);
        assert_int_equal(f->out.files.count, 1);
        assert_string_equal(f->out.files.items[0].path, path);
        assert_true(size_of(path) > before);
        journal_fixture_has(told(f), "rebuilt from the journal");
        assert_int_equal(expand(f, words[i]), STATUS_OK); /* nothing is missing now */
        assert_string_equal(told(f), "");
    }
    struct {
        const char *run_id;
        bool is_complete;
    } left[] = {{run_id, true}, {"another", false}};
    for (size_t i = 0; i < 2; i++) {
        put_early(f, left[i].run_id, left[i].is_complete);
        size_t before = size_of(path);
        assert_int_equal(expand(f, dir), STATUS_OK);
        assert_int_equal(f->out.files.count, 1);
        assert_int_equal(size_of(path), before);
    }
}

/* Names that mean something to a shell, and folders in the folder. */
static void killed_in_a_folder_of_an_odd_name(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"a[1]", "b*?", "c\\d", "deep/er"};
    const char *dir = raw(f);
    for (size_t i = 0; i < 4; i++) {
        const char *folder = arena_printf(&f->arena, "%s/%s", f->fx.dir, names[i]);
        const char *to = arena_printf(&f->arena, "%s/%s", folder, file_base_name(dir));
        assert_int_equal(file_make_dirs(folder, &f->e), STATUS_OK);
        assert_int_equal(rename(dir, to), 0);
        dir = to;
        assert_int_equal(expand(f, i < 3 ? folder : f->fx.dir), STATUS_OK);
        journal_fixture_has(told(f), "rebuilt from the journal");
        assert_int_equal(f->out.files.count, i < 3 ? 1 : 4); /* all, with their files */
        assert_int_equal(expand(f, folder), STATUS_OK);
        assert_int_equal(f->out.files.count, 1);
        assert_string_equal(told(f), "");
    }
}

static void a_journal_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    const char *bad = arena_printf(&f->arena, "%s/raw_20250101_000000", f->fx.dir);
    (void)raw(f);
    assert_int_equal(mkdir(bad, 0700), 0);
    journal_fixture_put(arena_printf(&f->arena, "%s/journal.jsonl", bad), str_from("?"));
    assert_int_equal(expand(f, f->fx.dir), STATUS_OK);
    assert_int_equal(f->out.files.count, 1);
    assert_int_equal(f->out.broken, 1);
    journal_fixture_has(told(f), "raw_20250101_000000/journal.jsonl");
    assert_int_equal(expand(f, bad), STATUS_BAD_INPUT);
}

static void a_file_once(void **state)
{
    struct fixture *f = *state;
    const char *path = arena_printf(&f->arena, "%s/offline_results_1.json", f->fx.dir);
    journal_fixture_put(path, str_from(RESULTS));
    const char *words[] = {path, f->fx.dir};
    const struct opt_strings both = {.items = words, .count = 2};
    assert_int_equal(sync_inputs_expand(&both, &f->log, &f->arena, &f->out, &f->e),
                     STATUS_OK);
    assert_int_equal(f->out.files.count, 1);
    assert_string_equal(f->out.files.items[0].path, path);
}

static void an_empty_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(expand(f, f->fx.dir), STATUS_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_was_killed),
        TEST(a_run_that_goes_on),
        TEST(a_run_that_was_killed_after_it_had_saved),
        TEST(killed_in_a_folder_of_an_odd_name),
        TEST(a_journal_that_cannot_be_read),
        TEST(a_file_once),
        TEST(an_empty_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
