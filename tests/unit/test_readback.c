#include "track/mlflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "entry_fixture.h"

struct held {
    struct entry_fixture f;
    json_t *run; /* what a server answers that holds the entry */
};

static json_t *pairs_of(const struct entry_pair *pairs, size_t count)
{
    json_t *list = json_array();
    for (size_t i = count; i-- > 0;) /* a server has an order of its own */
        json_array_append_new(
            list, json_pack("{ssss}", "key", pairs[i].key, "value", pairs[i].value));
    return list;
}

static int set_up(void **state)
{
    static struct held h;
    entry_fixture_make(&h.f, entry_fixture_online, NULL);
    const struct entry *e = &h.f.entry;
    json_t *metrics = json_array();
    for (size_t i = 0; i < e->metric_count; i++)
        json_array_append_new(metrics,
                              json_pack("{sssfsisi}", "key", e->metrics[i].key, "value",
                                        e->metrics[i].value, "timestamp", 1, "step", 0));
    json_t *inputs = json_array();
    for (size_t i = 0; i < e->input_count; i++)
        json_array_append_new(inputs,
                              json_pack("{s{ssss}}", "dataset", "name", e->inputs[i].name,
                                        "digest", e->inputs[i].digest));
    h.run = json_pack("{s{sssI}s{sososo}s{so}}", "info", "status", "FINISHED", "end_time",
                      (json_int_t)e->end_ms, "data", "metrics", metrics, "params",
                      pairs_of(e->params, e->param_count), "tags",
                      pairs_of(e->tags, e->tag_count), "inputs", "dataset_inputs",
                      inputs);
    assert_non_null(h.run);
    *state = &h;
    return 0;
}

static int tear_down(void **state)
{
    struct held *h = *state;
    json_decref(h->run);
    entry_fixture_fini(&h->f);
    return 0;
}

static void equal(const struct held *h)
{
    struct err e = {.what = ""};
    enum status s = readback_check(&h->f.entry, h->run, &e);
    assert_string_equal(e.what, "");
    assert_int_equal(s, STATUS_OK);
}

static void differs(const struct held *h, const char *what)
{
    struct err e = {.what = ""};
    assert_int_equal(readback_check(&h->f.entry, h->run, &e), STATUS_BAD_INPUT);
    assert_string_equal(e.what, what);
    assert_string_equal(e.where, h->f.entry.name);
}

static json_t *data(const struct held *h, const char *kind)
{
    return json_object_get(json_object_get(h->run, "data"), kind);
}

static json_t *item(const struct held *h, const char *kind, const char *key)
{
    size_t i;
    json_t *one;
    json_array_foreach(data(h, kind), i,
                       one) if (strcmp(json_string_value(json_object_get(one, "key")),
                                       key) == 0) return one;
    fail_msg("no %s in %s", key, kind);
    return NULL;
}

static void test_equal(void **state)
{
    struct held *h = *state;
    equal(h);
    /* More is no difference, nor what people write in the browser. */
    json_array_append_new(data(h, "tags"), json_pack("{ssss}", "key", "x", "value", "y"));
    json_array_append_new(data(h, "metrics"),
                          json_pack("{sssf}", "key", "system/cpu", "value", 3.0));
    json_object_set_new(item(h, "tags", "mlflow.note.content"), "value",
                        json_string("mine"));
    equal(h);
}

static void test_metrics(void **state)
{
    struct held *h = *state;
    json_t *one = item(h, "metrics", "tokens_per_second");
    json_object_set_new(one, "value", json_real(1212.348304705266));
    differs(h, "the server holds 1212.348304705266 for metric tokens_per_second, not "
               "1212.3483047052657");
    json_object_set_new(one, "value", json_string("NaN"));
    differs(h, "the server holds NaN for metric tokens_per_second, not "
               "1212.3483047052657");
    json_object_set_new(one, "value", json_real(1212.3483047052657));
    json_object_set_new(item(h, "metrics", "requests_ok"), "value", json_integer(100));
    equal(h);
    json_array_remove(data(h, "metrics"), 0);
    differs(h, "the server does not hold metric total_time");
    json_object_del(json_object_get(h->run, "data"), "metrics");
    differs(h, "the server does not hold metric total_time");
}

static void test_zero(void **state)
{
    struct held *h = *state;
    json_t *one = item(h, "metrics", "requests_cancelled");
    json_object_set_new(one, "value", json_string("NaN")); /* not the 0 that was sent */
    differs(h, "the server holds NaN for metric requests_cancelled, not 0.0");
}

static void test_pairs(void **state)
{
    struct held *h = *state;
    json_object_set_new(item(h, "params", "top_p"), "value", json_string("1"));
    differs(h, "the server holds \"1\" for parameter top_p, not \"1.0\"");
    json_object_del(item(h, "params", "top_p"), "value");
    differs(h, "the server holds \"\" for parameter top_p, not \"1.0\"");
    json_object_set_new(item(h, "params", "top_p"), "value", json_string("1.0"));
    json_object_set_new(item(h, "tags", "verdict"), "value", json_string("VALID"));
    differs(h, "the server holds \"VALID\" for tag verdict, not \"INVALID\"");
    json_array_clear(data(h, "tags"));
    differs(h, "the server does not hold tag experiment_id");
}

static void test_state(void **state)
{
    struct held *h = *state;
    json_t *info = json_object_get(h->run, "info");
    json_object_set_new(info, "status", json_string("RUNNING"));
    differs(h, "the server holds status RUNNING, not FINISHED");
    h->f.entry.is_failed = true;
    differs(h, "the server holds status RUNNING, not FAILED");
    json_object_set_new(info, "status", json_string("FAILED"));
    equal(h);
    json_object_del(info, "end_time");
    differs(h, "the server holds end_time -1, not 1795544006695");
    h->f.entry.run_id = NULL; /* its times depend on the machine that reads them */
    equal(h);
    json_object_del(h->run, "info");
    differs(h, "the server holds status null, not FAILED");
}

static void test_inputs(void **state)
{
    struct held *h = *state;
    json_t *inputs = json_object_get(h->run, "inputs");
    json_array_remove(json_object_get(inputs, "dataset_inputs"), 1);
    differs(h, "the server does not hold input Qwen/Qwen3-0.6B");
    json_object_del(inputs, "dataset_inputs");
    differs(h, "the server does not hold input in64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inputs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
