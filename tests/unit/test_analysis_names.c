#include "stats/analysis_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "analysis_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

/* One row a file, its label unknown. */
static void put_files(struct analysis_fixture *f, const char *const *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(f, NULL, "short", 1, 100);
        f->of[i].file = files[i];
    }
    f->loaded.file_count = count;
}

static void check_names(struct analysis_fixture *f, const char *const *names)
{
    assert_int_equal(analysis_names_set(analysis_fixture_rows(f), FIELD_label, &f->arena),
                     STATUS_OK);
    for (size_t i = 0; i < f->loaded.count; i++)
        assert_string_equal(field_str(&f->rows[i], FIELD_label), names[i]);
}

#define CHECK(f, files, names)                                   \
    do {                                                         \
        put_files(f, files, sizeof(files) / sizeof((files)[0])); \
        check_names(f, names);                                   \
    } while (0)

/* A file's name keeps its dots: only the ending goes. */
static void test_dots(void **state)
{
    static const char *const files[] = {"in/run.1.results.json", "in/run.2.results.json",
                                        "llama-3.1-8b_results.json", "no_ending"};
    static const char *const names[] = {"? run.1.results", "? run.2.results",
                                        "? llama-3.1-8b_results", "? no_ending"};
    CHECK(*state, files, names);
}

/* Files of one name: as many folders as tell them apart. */
static void test_folders(void **state)
{
    static const char *const files[] = {"in/g5/results.json", "in/inf2/results.json",
                                        "a/x/r.json",         "b/x/r.json",
                                        "x/r.json",           "/data/other.json"};
    static const char *const names[] = {"? g5/results", "? inf2/results", "? a/x/r",
                                        "? b/x/r",      "? x/r",          "? other"};
    CHECK(*state, files, names);
}

/* A name that is taken, by a file or by a label, gets a number. */
static void test_taken(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const files[] = {"x.json", "x", "y.json", "a\tb.json", "a\033b"};
    static const char *const names[] = {"? x",    "? x #2",    "? y #2",
                                        "? a\tb", "? a\\x1bb", "? y"};
    put_files(f, files, 5);
    add(f, "? y", "short", 1, 100);
    check_names(f, names);
}

static void test_taken_alone(void **state)
{
    static const char *const names[] = {"this machine #2", "this machine"};
    add(*state, "unknown", "short", 1, 100);
    add(*state, "this machine", "short", 1, 100);
    check_names(*state, names);
}

/* Machines of one file, beside another file of its name. */
static void test_machines(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const files[] = {"x/r.json", "x/r.json", "x/r.json", "y/r.json"};
    static const char *const names[] = {"? x/r aaaaaaaa", "? x/r aaaaaaaa #2", "? x/r",
                                        "? y/r"};
    put_files(f, files, 4);
    f->of[1].file = f->of[2].file = f->of[0].file;
    f->rows[0].v[FIELD_machine_sha256] = value_str("aaaaaaaa1");
    f->rows[1].v[FIELD_machine_sha256] = value_str("aaaaaaaa2");
    f->rows[3].v[FIELD_machine_sha256] = value_str("aaaaaaaa2");
    check_names(f, names);
}

static void test_no_memory(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const files[] = {"x.json", "x", "y\n.json"};
    enum status st = STATUS_NO_MEMORY;
    put_files(f, files, 3);
    for (size_t cap = 0; st != STATUS_OK; cap += 8) {
        struct arena a;
        arena_init(&a, cap);
        for (size_t i = 0; i < 3; i++)
            f->rows[i].v[FIELD_label] = value_null();
        st = analysis_names_set(analysis_fixture_rows(f), FIELD_label, &a);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 20));
        if (st == STATUS_OK)
            assert_string_equal(field_str(&f->rows[1], FIELD_label), "? x #2");
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_machines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
