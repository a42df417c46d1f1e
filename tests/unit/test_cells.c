#include "bench/cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* A letter a cell: . well, f fails, F for good, i interrupted, x the run breaks. What ran
 * has a | for each pause. */
struct script {
    const char *cells;
    char ran[16];
};

static enum status play(void *arg, size_t index, struct err *why, struct err *e)
{
    struct script *s = arg;
    s->ran[strlen(s->ran)] = s->cells[index];
    switch (s->cells[index]) {
    case 'f': return status_fail(why, STATUS_ENGINE, "cell", "failed");
    case 'F': return status_fail(why, STATUS_NOT_FOUND, "vLLM", "missing");
    case 'i': return status_fail(why, STATUS_INTERRUPTED, "run", "stopped");
    case 'x': return status_fail(e, STATUS_NO_SPACE, "journal", "disk full");
    default: return STATUS_OK;
    }
}

static void rest(void *arg)
{
    struct script *s = arg;
    s->ran[strlen(s->ran)] = '|';
}

static void what_ends_a_run(void **state)
{
    static const struct {
        const char *cells, *ran;
        bool is_complete, is_interrupted;
        int failed;
        enum status returned;
    } cases[] = {
        {"...", ".|.|.", true, false, 0, STATUS_OK},
        {".f.f.", ".|f|.|f|.", false, false, 2, STATUS_OK},
        {".ff..", ".|f|f", false, false, 2, STATUS_OK},
        {"F..", "F", false, false, 1, STATUS_OK},
        {".i.", ".|i", false, true, 0, STATUS_OK},
        {".x.", ".|x", false, false, 0, STATUS_NO_SPACE},
        {"", "", true, false, 0, STATUS_OK},
    };
    (void)state;
    struct log log;
    log_init(&log, LOG_ERROR);
    log.fd = -1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script s = {.cells = cases[i].cells};
        const struct cells c = {.count = strlen(s.cells),
                                .pause = {rest, &s},
                                .log = &log,
                                .arg = &s,
                                .run = play};
        struct cells_outcome out;
        struct err e;
        assert_int_equal(cells_run(&c, &out, &e), cases[i].returned);
        assert_string_equal(s.ran, cases[i].ran);
        assert_int_equal(out.is_complete, cases[i].is_complete);
        assert_int_equal(out.is_interrupted, cases[i].is_interrupted);
        assert_int_equal(out.cells_failed, cases[i].failed);
        assert_int_equal(out.first.code != STATUS_OK, cases[i].failed > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_ends_a_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
