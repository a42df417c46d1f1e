#include "analysis_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"
#include "report/render.h"
#include "row_fixture.h"

int analysis_fixture_set_up(void **state)
{
    static struct analysis_fixture f;
    memset(&f, 0, sizeof f);
    arena_init(&f.arena, 16 << 20);
    folder_fixture_make(f.dir);
    f.loaded = (struct loaded_rows){.rows = f.of, .file_count = 1};
    *state = &f;
    return setenv("PATH", "/nowhere", 1);
}

int analysis_fixture_tear_down(void **state)
{
    struct analysis_fixture *f = *state;
    mem_fail_at(0);
    folder_fixture_remove(f->dir);
    arena_fini(&f->arena);
    return 0;
}

struct row *analysis_fixture_add(struct analysis_fixture *f, const char *machine,
                                 const char *scenario, int64_t batch,
                                 double tokens_per_second)
{
    assert_true(f->loaded.count < ANALYSIS_FIXTURE_ROWS);
    struct row *r = &f->rows[f->loaded.count];
    f->of[f->loaded.count++] = (struct analysis_row){.row = r, .file = "/data/one.json"};
    row_fixture_fill(r, machine, scenario, batch, tokens_per_second);
    return r;
}

const struct analysis_rows *analysis_fixture_rows(struct analysis_fixture *f)
{
    f->all = (struct analysis_rows){f->of, f->loaded.count, f->loaded.file_count};
    return &f->all;
}

void analysis_fixture_build(struct analysis_fixture *f, const char *by,
                            const char *baseline)
{
    const struct analysis_options o = {.by = by, .baseline = baseline};
    struct err e;
    if (analysis_build(analysis_fixture_rows(f), &o, &f->arena, &f->x, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

enum status analysis_fixture_put(const struct analysis *x,
                                 void (*build)(const struct analysis *,
                                               struct document *),
                                 struct buf *out)
{
    struct arena a;
    struct document d;
    arena_init(&a, 1 << 24);
    document_init(&d, &a);
    build(x, &d);
    render_document(&d, render_at(0), out);
    document_fini(&d);
    arena_fini(&a);
    return out->failed;
}

static void cap_is_kept(const struct analysis *x,
                        void (*build)(const struct analysis *, struct document *),
                        size_t len, size_t cap)
{
    struct buf out;
    buf_init(&out, cap);
    (void)analysis_fixture_put(x, build, &out);
    assert_int_equal(out.len, out.failed == STATUS_OK ? len : 0);
    assert_true(out.failed == STATUS_OK || out.failed == STATUS_TOO_BIG);
    assert_true(cap < len ? out.failed != STATUS_OK : true);
    assert_true(cap > len ? out.failed == STATUS_OK : true);
    if (cap == 0)
        (void)analysis_fixture_put(x, build, &out);
    assert_int_equal(cap == 0 ? out.len : 0, 0);
    buf_fini(&out);
}

void analysis_fixture_keeps_failures(const struct analysis *x,
                                     void (*build)(const struct analysis *,
                                                   struct document *),
                                     size_t len)
{
    for (size_t cap = 0; cap <= len + 1; cap++)
        cap_is_kept(x, build, len, cap);
    for (int has_room = 0; has_room < 2; has_room++) {
        struct alloc_fixture alloc = {0};
        while (alloc_fixture_next(&alloc)) {
            struct buf out;
            buf_init(&out, 1 << 20);
            for (size_t i = 0; has_room && i < len; i++)
                (void)buf_char(&out, '-');
            buf_clear(&out); /* it need not grow: only its parts do */
            alloc_fixture_arm(&alloc);
            (void)analysis_fixture_put(x, build, &out);
            alloc_fixture_judge(&alloc, out.failed);
            assert_int_equal(out.len, out.failed == STATUS_OK ? len : 0);
            buf_fini(&out);
        }
    }
}
