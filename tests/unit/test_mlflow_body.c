#include "track/mlflow_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void check(json_t *value, const char *want)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
    json_decref(value);
}

static void bodies(void **state)
{
    (void)state;
    const struct entry_pair pairs[] = {{.key = "a", .value = "1"},
                                       {.key = "b", .value = ""}};
    const struct entry_metric metrics[] = {{.key = "m", .value = 0.5}};
    const struct entry_input inputs[] = {
        {.name = "n", .digest = "d", .source = "s", .context = "c"}};
    check(mlflow_body_text("x"), "\"x\"");
    check(mlflow_body_pairs(pairs, 2),
          "[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"b\",\"value\":\"\"}]");
    check(mlflow_body_pairs(pairs, 0), "[]");
    check(mlflow_body_metrics(metrics, 1, 7),
          "[{\"key\":\"m\",\"value\":0.5,\"timestamp\":7,\"step\":0}]");
    check(
        mlflow_body_inputs(inputs, 1),
        "[{\"tags\":[{\"key\":\"mlflow.data.context\",\"value\":\"c\"}],\"dataset\":"
        "{\"name\":\"n\",\"digest\":\"d\",\"source_type\":\"local\",\"source\":\"s\"}}]");
}

static void filters(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 12);
    assert_string_equal(mlflow_body_filter("run_id", "20261124_090000_ab", &a),
                        "tags.`run_id` = '20261124_090000_ab'");
    assert_string_equal(mlflow_body_filter("k", "100% of_it", &a),
                        "tags.`k` = '100% of_it'");
    assert_string_equal(mlflow_body_filter("k", "it's", &a), "tags.`k` LIKE 'it_s'");
    assert_string_equal(mlflow_body_filter("k", "x' OR tags.y = 'z", &a),
                        "tags.`k` LIKE 'x_ OR tags.y = _z'");
    assert_string_equal(mlflow_body_filter("k", "\"a\\", &a), "tags.`k` LIKE '_a_'");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bodies),
                                       cmocka_unit_test(filters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
