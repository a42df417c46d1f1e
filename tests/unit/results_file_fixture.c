#include "results_file_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

void results_file_fixture_init(struct results_file_fixture *f)
{
    *f = (struct results_file_fixture){.count = 0};
    arena_init(&f->arena, 16 << 20);
    folder_fixture_make(f->dir);
}

void results_file_fixture_fini(struct results_file_fixture *f)
{
    mem_fail_at(0);
    folder_fixture_remove(f->dir);
    results_scan_fini(&f->file);
    arena_fini(&f->arena);
}

int results_file_fixture_set_up(void **state)
{
    static struct results_file_fixture f;
    results_file_fixture_init(&f);
    *state = &f;
    return 0;
}

int results_file_fixture_tear_down(void **state)
{
    results_file_fixture_fini(*state);
    return 0;
}

const char *results_file_fixture_put(struct results_file_fixture *f, const char *name,
                                     const char *text)
{
    struct err e;
    char *path = arena_printf(&f->arena, "%s/%s", f->dir, name);
    assert_non_null(path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(file_make_dirs(path, &e), STATUS_OK);
    *slash = '/';
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
    return path;
}

static enum status keep(void *arg, const struct scanned_row *row, struct err *e)
{
    struct results_file_fixture *f = arg;
    (void)e;
    assert_true(f->count < FOREIGN_FIXTURE_ROWS);
    const struct jsonr_object *of = &row->members;
    struct jsonr_pair *pairs = arena_alloc(&f->arena, of->count + 1, sizeof *pairs);
    assert_non_null(pairs);
    memcpy(pairs, of->pairs, of->count * sizeof *pairs);
    f->rows[f->count] = *row;
    f->rows[f->count++].members.pairs = pairs;
    return STATUS_OK;
}

void results_file_fixture_read(struct results_file_fixture *f, const char *text)
{
    const struct results_visitor visitor = {.row = keep, .arg = f};
    struct err e;
    const char *path = results_file_fixture_put(f, "results.json", text);
    if (results_scan_file(path, &visitor, &f->file, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}
