#include "engines/vllm_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "folder_fixture.h"

static struct arena arena;
static char traps[FOLDER_FIXTURE_BYTES], kept[FOLDER_FIXTURE_BYTES];
static struct err e;

/* A current folder whose modules say so when they are imported. */
static int set_up(void **state)
{
    static const char *const names[] = {"json", "runpy", "multiprocessing", "pickle"};
    char path[FOLDER_FIXTURE_BYTES + 32];
    (void)state;
    arena_init(&arena, 1 << 20);
    folder_fixture_make(traps);
    folder_fixture_make(kept);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s.py", traps, names[i]);
        static const char says[] = "import sys\nprint('TRAPPED')\nsys.stdout.flush()\n";
        assert_int_equal(file_replace(path, str_from(says), &e), STATUS_OK);
    }
    snprintf(path, sizeof path, "%s/sitecustomize.py", kept);
    assert_int_equal(file_replace(path, str_from("print('THEIRS')\n"), &e), STATUS_OK);
    return chdir(traps);
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    folder_fixture_remove(traps);
    folder_fixture_remove(kept);
    return chdir("/");
}

/* What a Python without PYTHONSAFEPATH prints; it starts a worker, and another one. */
static const char *said(const char *variable)
{
    static const char code[] =
        "import sys, subprocess, multiprocessing as m\n"
        "p = m.get_context('spawn').Process(target=print, args=('worker',))\n"
        "p.start()\np.join()\n"
        "sys.stdout.flush()\n"
        "subprocess.run([sys.executable, '-m', 'json.tool', '--help'])\n"
        "import json\nprint('end')\n";
    const char *argv[] = {"env", "-u", "PYTHONSAFEPATH", variable, "python3", "-c",
                          code,  NULL};
    struct buf out;
    int exit_code;
    buf_init(&out, 1 << 16);
    if (proc_run(argv, clock_seconds(60), &out, &exit_code, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    const char *text = arena_strdup(&arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

static void nothing_of_the_current_folder_is_imported(void **state)
{
    struct vllm_guard g;
    (void)state;
    assert_non_null(strstr(said("A=b"), "TRAPPED")); /* so it is without */
    assert_int_equal(vllm_guard_make(&g, "3.10.12", &arena, &e), STATUS_OK);
    const char *text = said(g.variable);
    if (strstr(text, "TRAPPED") != NULL || strstr(text, "worker\n") == NULL ||
        strstr(text, "usage: ") == NULL || strstr(text, "end\n") == NULL)
        fail_msg("%s", text);
    vllm_guard_drop(&g);
    assert_false(file_exists(g.dir.path));
    vllm_guard_drop(&g);
}

/* The user's PYTHONPATH, and a sitecustomize on it. */
static void what_was_there_stays(void **state)
{
    struct vllm_guard g;
    char want[FOLDER_FIXTURE_BYTES + 32];
    (void)state;
    setenv("PYTHONPATH", kept, 1);
    assert_int_equal(vllm_guard_make(&g, NULL, &arena, &e), STATUS_OK);
    unsetenv("PYTHONPATH");
    snprintf(want, sizeof want, ":%s", kept);
    assert_non_null(strstr(g.variable, want));
    assert_non_null(strstr(said(g.variable), "THEIRS"));
    vllm_guard_drop(&g);
}

static void newer_ones_need_none(void **state)
{
    struct vllm_guard g;
    (void)state;
    static const char *const versions[] = {"3.11.0", "3.14.1", "4.0"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        assert_int_equal(vllm_guard_make(&g, versions[i], &arena, &e), STATUS_OK);
        assert_null(g.variable);
        assert_string_equal(g.dir.path, "");
        vllm_guard_drop(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_current_folder_is_imported),
        cmocka_unit_test(what_was_there_stays),
        cmocka_unit_test(newer_ones_need_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
