#include "match_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "row_fixture.h"

int match_fixture_set_up(void **state)
{
    static struct match_fixture f;
    memset(&f, 0, sizeof f);
    arena_init(&f.arena, 16 << 20);
    *state = &f;
    return 0;
}

int match_fixture_tear_down(void **state)
{
    struct match_fixture *f = *state;
    mem_fail_at(0);
    arena_fini(&f->arena);
    return 0;
}

struct row *match_fixture_add(struct match_fixture *f, const char *scenario,
                              double tokens_per_second)
{
    assert_true(f->count < MATCH_FIXTURE_ROWS);
    struct row *r = &f->rows[f->count];
    f->inputs[f->count++] = (struct match_row){.row = r};
    row_fixture_fill(r, "g5", scenario, 4, tokens_per_second);
    r->v[FIELD_definitions] = value_int(2);
    return r;
}

void match_fixture_twins(struct match_fixture *f)
{
    f->count = 0;
    memset(f->rows, 0, sizeof f->rows);
    match_fixture_add(f, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
    match_fixture_add(f, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
}

void match_fixture_collect(struct match_fixture *f, enum field_id by, size_t want)
{
    const struct match_input in = {.rows = f->inputs, .count = f->count};
    assert_int_equal(match_cell_collect(&in, by, &f->arena, &f->out), STATUS_OK);
    assert_int_equal(f->out.count, want);
}
