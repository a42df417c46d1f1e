#include "plan/next.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define ROOM        64
#define TURNS_BYTES 512

/* What each turn comes to, by cell and repeat: . well, f fails, F for good. */
static enum status came_of(char letter)
{
    if (letter == 'F')
        return STATUS_NOT_FOUND;
    return letter == 'f' ? STATUS_ENGINE : STATUS_OK;
}

/* The turns that the grid asks for, as "cell.repeat " each. */
static void play(size_t cells, int64_t repeats, const char *script, char *out)
{
    const struct plan p = {.options.num_runs = repeats, .cell_count = cells};
    struct next_outcome items[ROOM];
    struct next_history past = {items, 0};
    struct next_turn t;
    size_t used = 0;
    out[0] = '\0';
    while (next_of_grid(&p, &past, &t)) {
        assert_true(past.count < ROOM && past.count < strlen(script));
        used += (size_t)snprintf(out + used, TURNS_BYTES - used, "%zu.%d ", t.cell,
                                 (int)t.repeat);
        items[past.count] = (struct next_outcome){t, came_of(script[past.count])};
        past.count++;
    }
}

static void the_grid(void **state)
{
    static const struct {
        size_t cells;
        int64_t repeats;
        const char *script, *turns;
    } cases[] = {
        {2, 3, "......", "0.0 0.1 0.2 1.0 1.1 1.2 "},
        {4, 1, ".f.f", "0.0 1.0 2.0 3.0 "},
        {3, 2, ".f..f", "0.0 0.1 1.0 1.1 2.0 "}, /* one that goes well lies between */
        {4, 2, "..ff", "0.0 0.1 1.0 2.0 "},
        {4, 2, ".f.f", "0.0 0.1 1.0 1.1 "},
        {3, 2, "F", "0.0 "},
        {3, 2, "..F", "0.0 0.1 1.0 "},
        {0, 2, "", ""},
    };
    char turns[TURNS_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        play(cases[i].cells, cases[i].repeats, cases[i].script, turns);
        assert_string_equal(turns, cases[i].turns);
    }
}

static void what_no_other_try_mends(void **state)
{
    static const enum status final[] = {STATUS_NOT_FOUND, STATUS_UNSUPPORTED,
                                        STATUS_BAD_OPTION, STATUS_BAD_INPUT};
    const struct plan p = {.options.num_runs = 2, .cell_count = 2};
    struct next_turn t;
    (void)state;
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        const struct next_outcome failed = {.status = final[i]};
        assert_false(next_of_grid(&p, &(struct next_history){&failed, 1}, &t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_grid),
                                       cmocka_unit_test(what_no_other_try_mends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
