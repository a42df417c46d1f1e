#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc_fixture.h"
#include "base/file.h"
#include "store/merge.h"

struct folder {
    char path[64], a[96], b[96], out[96];
};

static void write_text(const char *path, const char *text)
{
    struct err e;
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
}

static int set_up(void **state)
{
    struct folder *f = test_malloc(sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/test_merge_XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->a, sizeof f->a, "%s/a.json", f->path);
    snprintf(f->b, sizeof f->b, "%s/b.json", f->path);
    snprintf(f->out, sizeof f->out, "%s/out.json", f->path);
    write_text(f->a, "{\"metadata\":{\"format\":1,\"run_id\":\"x\"},\"results\":["
                     "{\"run_id\":\"x\",\"row\":0,\"error\":null},"
                     "{\"run_id\":\"x\",\"row\":1,\"error\":\"died\",\"own\":[1]}]}");
    write_text(f->b,
               "[{\"instance_type\":\"g5\",\"v\":1},{\"v\":1, \"instance_type\":\"g5\"},"
               "{\"run_id\":\"x\",\"row\":1,\"error\":\"other\"}]");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    unlink(f->a);
    unlink(f->b);
    unlink(f->out);
    assert_int_equal(rmdir(f->path), 0); /* no temporary file was left */
    test_free(f);
    return 0;
}

static enum status merge(struct folder *f, struct merge_result *r, struct err *e)
{
    struct arena a;
    struct input inputs[] = {{.path = f->a}, {.path = f->b}};
    struct merge_options o = {
        .inputs = inputs, .input_count = 2, .output = f->out, .tool = "inferbench"};
    arena_init(&a, 1 << 20);
    enum status st = merge_files(&o, &a, r, e);
    arena_fini(&a);
    return st;
}

static void rows_are_counted(void **state)
{
    struct merge_result r;
    struct err e;
    assert_int_equal(merge(*state, &r, &e), STATUS_OK);
    assert_int_equal(r.files, 2);
    assert_int_equal(r.rows, 3);
    assert_int_equal(r.failed_rows, 1);
    assert_int_equal(r.duplicates, 2);
    assert_int_equal(r.differing, 1);
    assert_int_equal(r.machine_count, 2);
}

static void a_failed_allocation_leaves_no_file(void **state)
{
    struct folder *f = *state;
    struct merge_result r;
    struct err e;
    struct alloc_fixture alloc = {.least = 10};
    while (alloc_fixture_next(&alloc)) {
        alloc_fixture_arm(&alloc);
        enum status st = merge(f, &r, &e);
        alloc_fixture_judge(&alloc, st);
        if (st != STATUS_OK && strstr(e.what, "sync") == NULL && file_exists(f->out))
            unlink(f->out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_allocation_leaves_no_file, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
