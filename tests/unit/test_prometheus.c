#include "http/prometheus.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"

static void check_sum(const char *text, const char *name, double expected)
{
    double sum = prometheus_sum(str_from(text), name);
    if (isnan(expected) ? !isnan(sum) : sum != expected)
        fail_msg("%s in\n%s\nis %g and not %g", name, text, sum, expected);
}

static void sums(void **state)
{
    (void)state;
    check_sum("a 1\n", "a", 1);
    check_sum("a 1", "a", 1);
    check_sum("a{} 1\n", "a", 1);
    check_sum("a{x=\"1\"} 1\na{x=\"2\"} 2.5\nb 7\n", "a", 3.5);
    check_sum("a{x=\"1\",} 1\n", "a", 1);
    check_sum("a { x = \"1\" , y = \"2\" } 4 \n", "a", 4);
    check_sum("  a\t3\r\n", "a", 3);
    check_sum("# HELP a 1\n# TYPE a counter\n#a 5\na 2\n\n", "a", 2);
    check_sum("a 1 1700000000000\n", "a", 1);
    check_sum("a{x=\"1\"} 2 -5\n", "a", 2);
    check_sum("a 3 # {id=\"x\"} 4 5\n", "a", 3);
    check_sum("a:b_c 8\n", "a:b_c", 8);
}

static void highest(void **state)
{
    (void)state;
    struct str text = str_from(
        "a{e=\"0\"} 0.5\na{e=\"1\"} 0.75\na{e=\"2\"} 0.25\nab 9\n");
    assert_true(prometheus_max(text, "a") == 0.75);
    assert_true(prometheus_max(text, "ab") == 9);
    assert_true(isnan(prometheus_max(text, "b")));
    assert_true(prometheus_max(str_from("a -2\na -3\n"), "a") == -2);
}

static void names(void **state)
{
    (void)state;
    check_sum("a_total 2\na_created 1.7e9\n", "a", 2);
    check_sum("a_total{x=\"1\"} 2\na_created{x=\"1\"} 1.7e9\na_total{x=\"2\"} 3\n", "a",
              5);
    check_sum("a_total 2\n", "a_total", 2);
    check_sum("a 1\na_total 1\n", "a", 1); /* one thing under two names */
    check_sum("a_created 1.7e9\n", "a", NAN);
    check_sum("ab 1\na_totals 1\na_total_created 1\nba 1\n", "a", NAN);
    check_sum("a_sum 3\na_count 2\na_bucket{le=\"1\"} 1\n", "a", NAN);
    check_sum("a_sum 3\na_count 2\na_bucket{le=\"1\"} 1\n", "a_sum", 3);
    check_sum("", "a", NAN);
}

static void values(void **state)
{
    (void)state;
    check_sum("a 1.7955038156787815e+09\n", "a", 1.7955038156787815e+09);
    check_sum("a 1E3\na -1e-3\n", "a", 999.999);
    check_sum("a +Inf\n", "a", INFINITY);
    check_sum("a -Inf\n", "a", -INFINITY);
    check_sum("a NaN\n", "a", NAN);
    check_sum("a NaN\na 1\n", "a", NAN);
    check_sum("a 0\n", "a", 0);
}

static void labels_in_the_way(void **state)
{
    (void)state;
    check_sum("a{x=\"}\"} 1\n", "a", 1);
    check_sum("a{x=\"} 9\"} 1\n", "a", 1);
    check_sum("a{x=\"\\\"} 9\",y=\"a,b=\\\\\"} 1\n", "a", 1);
    check_sum("a{x=\"1\",y=\"\"} 1\n", "a", 1);
    check_sum("b{x=\"a 5\"} 1\n", "a", NAN);
}

/* A line that is no sample counts for nothing. */
static void bad_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "a",       "a ",        "a{",         "a{x",         "a{x=",       "a{x=\"",
        "a{x=\"1", "a{x=\"1\"", "a{x=\"1\"}", "a{x=1} 2",    "a{=\"1\" 2", "a x",
        "a 1x",    "a 0x10",    "a{x=\"1\\",  "a{x=\"1\\\"", "a{,,} 1",    "a{}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buf b;
        buf_init(&b, 1000);
        (void)buf_printf(&b, "%s\na 2\n", lines[i]);
        check_sum(buf_cstr(&b), "a", 2);
        check_sum(lines[i], "a", NAN);
        buf_fini(&b);
    }
}

static void check_label(const char *text, const char *label, const char *expected)
{
    char out[16] = "untouched";
    bool is_there = prometheus_label(str_from(text), "a", label, out, sizeof out);
    assert_int_equal(is_there, expected != NULL);
    if (expected != NULL)
        assert_string_equal(out, expected);
}

static void labels(void **state)
{
    (void)state;
    check_label("a{x=\"1\",y=\"2\"} 1\n", "x", "1");
    check_label("a{x=\"1\",y=\"2\"} 1\n", "y", "2");
    check_label("a{x=\"1\",y=\"2\"} 1\n", "z", NULL);
    check_label("a{x=\"\"} 1\n", "x", "");
    check_label("# a{x=\"0\"}\nb{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n", "x", "2");
    check_label("a 1\na{x=\"3\"} 1\n", "x", NULL);
    check_label("a_total{x=\"3\"} 1\n", "x", "3");
    check_label("a{w=\"x=\\\"no\\\",\",x=\"\\\\ \\\" \\n,}\"} 1\n", "x", "\\ \" \n,}");
    check_label("a{x=\"0123456789abcde\"} 1\n", "x", "0123456789abcde");
    check_label("a{x=\"0123456789abcdef\"} 1\n", "x", NULL);
    check_label("a{ x = \"1\" } 1\n", "x", "1");
    check_label("a{y=\"1\\\",x=\"2\"} 1\n", "x", NULL);
    check_label("", "x", NULL);
    char out[1];
    assert_false(prometheus_label(str_from("a{x=\"\"} 1"), "a", "x", out, 0));
}

static bool has(const char *text, const char *prefix)
{
    return prometheus_has(str_from(text), prefix);
}

static void whose_metrics(void **state)
{
    (void)state;
    assert_true(has("a 1\nvllm:b{c=\"d\"} 1\n", "vllm:"));
    assert_true(has(" vllm:b 1", "vllm:"));
    assert_false(has("# HELP vllm:b of another one\nxvllm:b 1\nvllm_b 1\n", "vllm:"));
    assert_false(has("vllm", "vllm:"));
    assert_false(has("", "vllm:"));
}

static void real_answer(void **state)
{
    (void)state;
    struct buf path, b;
    struct err e = {0};
    const char *root = getenv("INFERBENCH_SOURCE_ROOT");
    buf_init(&path, 4096);
    (void)buf_printf(&path, "%s/tests/wire/vllm_metrics.prom", root != NULL ? root : ".");
    buf_init(&b, 1 << 20);
    if (file_read(buf_cstr(&path), &b, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    const char *text = buf_cstr(&b);
    check_sum(text, "vllm:prefix_cache_queries", 4626);
    check_sum(text, "vllm:prefix_cache_hits", 1024);
    check_sum(text, "vllm:num_preemptions", 2);
    check_sum(text, "vllm:num_requests_running", 0);
    check_sum(text, "vllm:prompt_tokens_by_source", 4626);
    check_sum(text, "vllm:estimated_flops_per_gpu", 0);
    check_sum(text, "vllm:time_to_first_token_seconds", NAN);
    check_sum(text, "process_virtual_memory_bytes", 2.27641344e+09);
    assert_true(has(text, "vllm:"));
    char out[64];
    struct str all = {.ptr = text, .len = b.len};
    static const char *const facts[][2] = {{"block_size", "128"},
                                           {"enable_prefix_caching", "True"},
                                           {"kv_cache_size_tokens", "524288"},
                                           {"num_gpu_blocks", "4096"},
                                           {"user_specified_block_size", "False"}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        assert_true(prometheus_label(all, "vllm:cache_config_info", facts[i][0], out,
                                     sizeof out));
        assert_string_equal(out, facts[i][1]);
    }
    buf_fini(&b);
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),          cmocka_unit_test(names),
        cmocka_unit_test(values),        cmocka_unit_test(labels_in_the_way),
        cmocka_unit_test(bad_lines),     cmocka_unit_test(labels),
        cmocka_unit_test(real_answer),   cmocka_unit_test(highest),
        cmocka_unit_test(whose_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
