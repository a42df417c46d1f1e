#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"
#include "base/rng.h"
#include "http/openai.h"
#include "text/json.h"

static const int32_t three_ids[] = {0, 17, 2147483647};

static struct openai_request ids_request(void)
{
    return (struct openai_request){.model = "m",
                                   .ids = three_ids,
                                   .id_count = 3,
                                   .max_tokens = 16,
                                   .temperature = 0,
                                   .top_p = 1,
                                   .ignore_eos = true,
                                   .is_stream = true};
}

static void check(const struct openai_request *r, const char *expected)
{
    struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 20);
    if (openai_write(r, &b, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    assert_string_equal(buf_cstr(&b), expected);
    json_t *value = NULL;
    struct str text = {.ptr = buf_cstr(&b), .len = b.len};
    assert_int_equal(json_from_text(text, "own text", &value, &e), STATUS_OK);
    json_decref(value);
    buf_fini(&b);
}

static void prompt_of_ids(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    check(&r, "{\"model\":\"m\",\"prompt\":[0,17,2147483647],\"max_tokens\":16,"
              "\"temperature\":0.0,\"top_p\":1.0,\"ignore_eos\":true,\"stream\":true,"
              "\"stream_options\":{\"include_usage\":true}}");
    r.id_count = 0;
    r.ignore_eos = r.is_stream = false;
    check(&r, "{\"model\":\"m\",\"prompt\":[],\"max_tokens\":16,"
              "\"temperature\":0.0,\"top_p\":1.0,\"stream\":false}");
}

static void prompt_of_text(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    r.ids = NULL;
    r.text = "\"a\"\n\xe3\x81\x82";
    check(&r,
          "{\"model\":\"m\",\"prompt\":\"\\\"a\\\"\\n\xe3\x81\x82\",\"max_tokens\":16,"
          "\"temperature\":0.0,\"top_p\":1.0,\"ignore_eos\":true,\"stream\":true,"
          "\"stream_options\":{\"include_usage\":true}}");
    r.endpoint = OPENAI_CHAT;
    r.text = "hi";
    r.is_stream = false;
    check(&r, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
              "\"max_tokens\":16,\"temperature\":0.0,\"top_p\":1.0,\"ignore_eos\":true,"
              "\"stream\":false}");
}

static void options(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    r.id_count = 1;
    r.model = NULL;
    r.ignore_eos = false;
    r.temperature = 0.7;
    r.top_p = NAN;
    r.counts = OPENAI_COUNTS_CONTINUOUS;
    r.salt = "s";
    check(&r, "{\"prompt\":[0],\"max_tokens\":16,\"temperature\":0.7,\"stream\":true,"
              "\"stream_options\":{\"include_usage\":true,"
              "\"continuous_usage_stats\":true},\"cache_salt\":\"s\"}");
    r.counts = OPENAI_COUNTS_IDS;
    r.salt = NULL;
    r.temperature = 1.0 / 3;
    check(&r, "{\"prompt\":[0],\"max_tokens\":16,\"temperature\":0.3333333333333333,"
              "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
              "\"return_token_ids\":true}");
}

static void extra_body(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    r.id_count = 1;
    r.extra_body = "{}";
    check(&r, "{\"model\":\"m\",\"prompt\":[0],\"max_tokens\":16,"
              "\"temperature\":0.0,\"top_p\":1.0,\"ignore_eos\":true,\"stream\":true,"
              "\"stream_options\":{\"include_usage\":true}}");
    r.extra_body = " { \"top_k\" : 20, \"temperature\": 0.5, \"stream_options\": {},"
                   " \"s\": \"a b\", \"l\": [1, {\"x\": null}], \"ignore_eos\": false } ";
    check(&r, "{\"model\":\"m\",\"prompt\":[0],\"max_tokens\":16,\"top_p\":1.0,"
              "\"stream\":true,\"top_k\":20,\"temperature\":0.5,\"stream_options\":{},"
              "\"s\":\"a b\",\"l\":[1,{\"x\":null}],\"ignore_eos\":false}");
    r.extra_body = "{\"model\":\"n\",\"prompt\":\"p\",\"max_tokens\":1,\"top_p\":null,"
                   "\"temperature\":1,\"ignore_eos\":true,\"stream\":false,"
                   "\"stream_options\":null}";
    check(&r, "{\"model\":\"n\",\"prompt\":\"p\",\"max_tokens\":1,\"temperature\":1,"
              "\"ignore_eos\":true,\"stream\":false}"); /* null leaves out */
    assert_true(openai_write_lacks(r.extra_body, "top_p"));
    assert_false(openai_write_lacks(r.extra_body, "stream"));
    assert_false(openai_write_lacks(r.extra_body, "cache_salt"));
    assert_false(openai_write_lacks(NULL, "top_p"));
    r.endpoint = OPENAI_CHAT;
    r.text = "t";
    r.extra_body = "{\"messages\":[],\"model\":\"n\",\"max_tokens\":1,\"top_p\":1,"
                   "\"temperature\":1,\"ignore_eos\":true,\"stream\":true,"
                   "\"stream_options\":7}";
    check(&r, r.extra_body);
}

static void renamed(void **state)
{
    (void)state;
    const char *pairs[] = {"max_tokens=max_new", "ignore_eos=ignore", "nobody=x"};
    const struct opt_strings renames = {pairs, 3};
    struct openai_request r = ids_request();
    r.id_count = 1;
    r.max_name = "max_completion_tokens";
    r.is_without_usage = true;
    check(&r, "{\"model\":\"m\",\"prompt\":[0],\"max_completion_tokens\":16,"
              "\"temperature\":0.0,\"top_p\":1.0,\"ignore_eos\":true,\"stream\":true}");
    r.renames = &renames;
    check(&r, "{\"model\":\"m\",\"prompt\":[0],\"max_new\":16,"
              "\"temperature\":0.0,\"top_p\":1.0,\"ignore\":true,\"stream\":true}");
}

static void bad_extra_body(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "{",           "[]",   "7",
                                        "null", "{\"a\":1} x", "{a:1}"};
    struct openai_request r = ids_request();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf b;
        struct err e = {0};
        buf_init(&b, 1 << 16);
        r.extra_body = texts[i];
        assert_int_equal(openai_write(&r, &b, &e), STATUS_BAD_OPTION);
        assert_int_equal(e.code, STATUS_BAD_OPTION);
        assert_string_equal(e.where, "--extra-body");
        assert_true(e.what[0] != '\0' && e.hint[0] != '\0');
        assert_int_equal(b.len, 0);
        assert_int_equal(openai_write(&r, &b, NULL), STATUS_BAD_OPTION);
        buf_fini(&b);
    }
}

/* Any ids, many of them: what jansson reads is what was given. */
static void many_ids(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    int32_t *ids = mem_alloc(COUNT, sizeof *ids);
    struct rng rng;
    rng_init(&rng, 1, "ids");
    for (int i = 0; i < COUNT; i++)
        ids[i] = (int32_t)(rng_u64(&rng) >> (32 + i % 32));
    ids[7] = INT32_MIN;
    struct openai_request r = ids_request();
    r.ids = ids;
    r.id_count = COUNT;
    struct buf b;
    struct err e;
    buf_init(&b, 1 << 20);
    assert_int_equal(openai_write(&r, &b, &e), STATUS_OK);
    json_t *body = NULL;
    struct str text = {.ptr = buf_cstr(&b), .len = b.len};
    assert_int_equal(json_from_text(text, "own text", &body, &e), STATUS_OK);
    const json_t *prompt = json_object_get(body, "prompt");
    assert_int_equal(json_array_size(prompt), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(json_integer_value(json_array_get(prompt, i)), ids[i]);
    json_decref(body);
    buf_fini(&b);
    mem_free(ids);
}

static void no_room(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    r.extra_body = "{\"a\":\"0123456789\"}";
    for (size_t cap = 0; cap < 40; cap++) {
        struct buf b;
        struct err e = {0};
        buf_init(&b, cap);
        assert_int_equal(openai_write(&r, &b, &e), STATUS_TOO_BIG);
        assert_int_equal(e.code, STATUS_TOO_BIG);
        buf_fini(&b);
    }
}

static void no_memory(void **state)
{
    (void)state;
    struct openai_request r = ids_request();
    r.extra_body = "{\"a\":[1,2]}";
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct buf b;
        struct err e = {0};
        buf_init(&b, 1 << 16);
        alloc_fixture_arm(&alloc);
        enum status status = openai_write(&r, &b, &e);
        alloc_fixture_judge(&alloc, status);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt_of_ids), cmocka_unit_test(prompt_of_text),
        cmocka_unit_test(options),       cmocka_unit_test(extra_body),
        cmocka_unit_test(renamed),       cmocka_unit_test(bad_extra_body),
        cmocka_unit_test(many_ids),      cmocka_unit_test(no_room),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
