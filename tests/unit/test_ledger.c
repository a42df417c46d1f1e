/* ledger.c: what is logged where, kept in a file. */
#include "track/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "results_file_fixture.h"

static const struct ledger_place here = {"http://h:5000", "exp", "1"};
static const struct ledger_place there = {"http://other", "exp", "1"};

static int setup(void **state)
{
    static struct results_file_fixture f;
    memset(&f, 0, sizeof f);
    results_file_fixture_init(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    results_file_fixture_fini(*state);
    return 0;
}

static size_t rows_at(const struct ledger *l, const struct ledger_place *p)
{
    size_t i;
    json_t *server;
    json_array_foreach(json_object_get(l->root, "servers"), i, server)
    {
        const char *uri = json_string_value(json_object_get(server, "uri"));
        if (uri != NULL && strcmp(uri, p->uri) == 0)
            return json_object_size(json_object_get(server, "rows"));
    }
    return 0;
}

static void rows_of_two_servers(void **state)
{
    struct results_file_fixture *f = *state;
    struct ledger l;
    struct err e;
    const char *path = arena_printf(&f->arena, "%s/mlflow.json", f->dir);
    assert_int_equal(ledger_open(&l, path, &e), STATUS_OK);
    assert_int_equal(rows_at(&l, &here), 0);
    ledger_note(&l, &here, "r/0", "m0");
    ledger_note(&l, &here, "r/1", "m1");
    ledger_note(&l, &here, "r/1", "m1");
    ledger_note(&l, &there, "r/0", "x");
    ledger_close(&l);
    assert_int_equal(l.failed.code, STATUS_OK);
    assert_int_equal(ledger_open(&l, path, &e), STATUS_OK);
    assert_int_equal(rows_at(&l, &here), 2);
    assert_int_equal(rows_at(&l, &there), 1);
    assert_int_equal(json_array_size(json_object_get(l.root, "servers")), 2);
    ledger_close(&l);
}

static void nothing_noted_writes_nothing(void **state)
{
    struct results_file_fixture *f = *state;
    struct ledger l;
    struct err e;
    const char *path = arena_printf(&f->arena, "%s/mlflow.json", f->dir);
    assert_int_equal(ledger_open(&l, path, &e), STATUS_OK);
    ledger_close(&l);
    assert_false(file_exists(path));
}

static void a_broken_file_counts_for_nothing(void **state)
{
    struct results_file_fixture *f = *state;
    struct ledger l;
    struct err e;
    const char *path = results_file_fixture_put(f, "mlflow.json",
                                                "{\"format\": 1, \"ser");
    assert_int_equal(ledger_open(&l, path, &e), STATUS_OK);
    assert_int_equal(rows_at(&l, &here), 0);
    ledger_note(&l, &here, "r/0", "m0");
    ledger_close(&l);
    assert_int_equal(ledger_open(&l, path, &e), STATUS_OK);
    assert_int_equal(rows_at(&l, &here), 1);
    ledger_close(&l);
}

static void a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct ledger l;
    struct err e;
    assert_int_equal(ledger_open(&l, "/nowhere/mlflow.json", &e), STATUS_OK);
    ledger_note(&l, &here, "r/0", "m0");
    ledger_close(&l);
    assert_int_not_equal(l.failed.code, STATUS_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_of_two_servers),
        TEST(nothing_noted_writes_nothing),
        TEST(a_broken_file_counts_for_nothing),
        TEST(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
