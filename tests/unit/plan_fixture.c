#include "plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/opt.h"

int plan_fixture_set_up(void **state)
{
    static struct plan_fixture f;
    f = (struct plan_fixture){
        .o = {.max_tokens = OPT_INT_UNSET, .num_runs = 3, .setting_count = 2},
        .settings = {{.caching = false}, {.caching = true}}};
    f.o.settings = f.settings;
    f.o.loads = f.loads;
    arena_init(&f.a, (size_t)256 << 20);
    *state = &f;
    return 0;
}

int plan_fixture_tear_down(void **state)
{
    struct plan_fixture *f = *state;
    mem_fail_at(0);
    arena_fini(&f->a);
    return 0;
}

struct plan plan_fixture_build(struct plan_fixture *f)
{
    struct plan p = {.cell_count = 0};
    if (plan_build(&f->o, &f->a, &p, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    return p;
}

struct plan_repeat plan_fixture_draw(struct plan_fixture *f, const struct plan *p,
                                     size_t cell, int64_t repeat, int64_t block_size)
{
    struct plan_repeat r = {.count = 0};
    struct plan_which w = {
        .cell = cell, .repeat = repeat, .vocab_size = 1000, .block_size = block_size};
    if (plan_draw(p, &w, &f->a, &r, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    return r;
}

void plan_fixture_refused(struct plan_fixture *f, const char *where, const char *what,
                          const char *hint)
{
    struct plan p = {.cell_count = 77};
    assert_int_equal(plan_build(&f->o, &f->a, &p, &f->e), STATUS_BAD_OPTION);
    assert_int_equal(p.cell_count, 77);
    assert_string_equal(f->e.where, where);
    if (strstr(f->e.what, what) == NULL || strstr(f->e.hint, hint) == NULL)
        fail_msg("\"%s\", \"%s\" not in \"%s\", \"%s\"", what, hint, f->e.what,
                 f->e.hint);
}
