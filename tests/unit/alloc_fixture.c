#include "alloc_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"

#define MOST 100000

bool alloc_fixture_next(struct alloc_fixture *f)
{
    if (f->is_over && f->failures < (f->least > 0 ? f->least : 1))
        fail_msg("only %ld allocations can fail", f->failures);
    if (f->failures >= MOST)
        fail_msg("no end of failures");
    return !f->is_over;
}

void alloc_fixture_arm(const struct alloc_fixture *f)
{
    mem_fail_at(f->failures + 1);
}

void alloc_fixture_judge(struct alloc_fixture *f, enum status s)
{
    mem_fail_at(0);
    if (s != STATUS_OK && s != STATUS_NO_MEMORY)
        fail_msg("allocation %ld: %s", f->failures + 1, status_text(s));
    f->is_over = s == STATUS_OK;
    f->failures += !f->is_over;
}
