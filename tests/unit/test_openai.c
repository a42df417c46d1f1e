#include "http/openai.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static void say_count(struct buf *b, const char *name, int64_t value)
{
    if (value != -1)
        (void)buf_printf(b, " %s=%lld", name, (long long)value);
}

/* "text finish=length ids=1 in=4 out=5 cached=0 error=..."; "no" for what is refused. */
static void say(struct str json, enum openai_endpoint endpoint, struct buf *b)
{
    static const char *const finishes[] = {"", " finish=length", " finish=stop",
                                           " finish=abort", " finish=other"};
    static const char *const classes[] = {"", " role", " empty", " end", " text"};
    struct openai_chunk c;
    memset(&c, 0x55, sizeof c);
    buf_clear(b);
    if (openai_read(json, endpoint, &c) != OPENAI_READ)
        (void)buf_text(b, " no");
    (void)buf_printf(b, "%s%s%s", c.is_done ? " done" : "", classes[c.cls],
                     finishes[c.finish]);
    if (c.has_role && c.cls == OPENAI_EMPTY)
        (void)buf_text(b, " role");
    say_count(b, "ids", c.token_ids);
    say_count(b, "in", c.tokens_in);
    say_count(b, "out", c.tokens_out);
    say_count(b, "cached", c.tokens_cached);
    if (c.model.ptr != NULL)
        (void)buf_printf(b, " model=%.*s", (int)c.model.len, c.model.ptr);
    if (c.provider.ptr != NULL)
        (void)buf_printf(b, " provider=%.*s", (int)c.provider.len, c.provider.ptr);
    if (c.error.ptr != NULL)
        (void)buf_printf(b, " error=%.*s", (int)c.error.len, c.error.ptr);
}

/* Reads from a block of the exact size, so that sanitizers see any overrun. */
static void check_on(enum openai_endpoint endpoint, const char *json,
                     const char *expected)
{
    struct buf b;
    size_t len = strlen(json);
    char *exact = mem_alloc(len, 1);
    memcpy(exact, json, len);
    buf_init(&b, 1 << 16);
    say((struct str){.ptr = exact, .len = len}, endpoint, &b);
    const char *said = buf_cstr(&b);
    if (strcmp(said + (*said == ' '), expected) != 0)
        fail_msg("%s\nsays \"%s\" and not \"%s\"", json, said, expected);
    buf_fini(&b);
    mem_free(exact);
}

static void completion(const char *json, const char *expected)
{
    check_on(OPENAI_COMPLETIONS, json, expected);
}

static void chat(const char *json, const char *expected)
{
    check_on(OPENAI_CHAT, json, expected);
}

static void paths(void **state)
{
    (void)state;
    assert_string_equal(openai_path(OPENAI_COMPLETIONS), "/completions");
    assert_string_equal(openai_path(OPENAI_CHAT), "/chat/completions");
}

static void completions(void **state)
{
    (void)state;
    completion("[DONE]", "done");
    completion(" [DONE] ", "done");
    completion("{\"choices\":[{\"text\":\"a\"}]}", "text");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":null}]}", "empty");
    completion("{\"choices\":[{\"text\":null}]}", "");
    completion("{\"choices\":[{\"index\":0}]}", "");
    completion("{\"choices\":[]}", "");
    completion("{\"choices\":null}", "no");
    completion("{\"choices\":[{\"finish_reason\":\"length\"}]}", "end finish=length");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}",
               "end finish=stop");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"abort\"}]}",
               "end finish=abort");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"repetition\"}]}",
               "end finish=other");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"STOP\"}]}",
               "end finish=stop");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"MAX_TOKENS\"}]}",
               "end finish=length");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"model_length\"}]}",
               "end finish=length");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"len\\u0067th\"}]}",
               "end finish=other");
    completion(
        "{ \"choices\" : [ { \"text\" : \"a\" , \"finish_reason\" : \"length\" } ] ,\r\n"
        "\t\"usage\" : { \"prompt_tokens\" : 4 , \"completion_tokens\" : 5 } } ",
        "text finish=length in=4 out=5");
    completion("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "");
}

static void strings(void **state)
{
    (void)state;
    completion("{\"choices\":[{\"text\":\"a\\\"}]}\",\"finish_reason\":\"length\"}]}",
               "text finish=length");
    completion("{\"choices\":[{\"text\":\"\\\\\",\"finish_reason\":\"length\"}]}",
               "text finish=length");
    completion("{\"choices\":[{\"text\":\"\\\\\\\"\",\"finish_reason\":\"stop\"}]}",
               "text finish=stop");
    completion("{\"choices\":[{\"text\":\"\\\"finish_reason\\\":\\\"length\\\"\"}]}",
               "text");
    completion("{\"choices\":[{\"text\":\"\xff\xe3\x81\"}]}", "text");
    completion("{\"id\":\"\\\"usage\\\":{\",\"choices\":[{\"text\":\"a\"}]}", "text");
    completion("{\"choices\":[{\"text\":\"a\\\"}]}", "no");
    completion("{\"choices\":[{\"text\":\"a", "no");
}

static void usage(void **state)
{
    (void)state;
    completion(
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":19,"
        "\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":0}}}",
        "in=9 out=10 cached=0");
    completion("{\"choices\":[],\"usage\":null}", "");
    completion("{\"usage\":{\"completion_tokens\":3}}", "out=3");
    completion("{\"usage\":null}", "no");
    completion("{\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
               "\"prompt_tokens_details\":null}}",
               "in=1");
    completion("{\"choices\":[],\"usage\":{\"prompt_tokens_details\":"
               "{\"x\":{\"cached_tokens\":1},\"cached_tokens\":64}}}",
               "cached=64");
    completion("{\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":"
               "99999999999999999999}}",
               "");
    completion("{\"choices\":[],\"usage\":{\"prompt_tokens\":\"7\",\"completion_tokens\":"
               "9223372036854775807}}",
               "in=7");
    completion("{\"usage\":{\"prompt_tokens\":12.0,\"completion_tokens\":8e0,"
               "\"prompt_tokens_details\":{\"cached_tokens\":\"0\"}}}",
               "in=12 out=8 cached=0");
    completion("{\"usage\":{\"prompt_tokens\":12.5,\"completion_tokens\":\"8.0\","
               "\"prompt_tokens_details\":{\"cached_tokens\":\"-4\"}}}",
               "");
    completion("{\"usage\":{\"prompt_tokens\":\"\",\"completion_tokens\":-8.0,"
               "\"prompt_tokens_details\":{\"cached_tokens\":\"99999999999999999999\"}}}",
               "");
    completion("{\"usage\":{\"prompt_tokens\":null,\"completion_tokens\":[8],"
               "\"prompt_tokens_details\":null}}",
               "");
    completion("{\"usage\":{\"prompt_tokens\":1000000000000,\"completion_tokens\":"
               "1000000000001}}",
               "in=1000000000000");
    completion("{\"usage\":{\"prompt_tokens\":1e400,\"completion_tokens\":-0,"
               "\"prompt_tokens_details\":{\"cached_tokens\":NaN}}}",
               "");
    completion("{\"choices\":[{\"usage\":{\"prompt_tokens\":1}}],"
               "\"metrics\":{\"completion_tokens\":2}}",
               "");
}

static void models(void **state)
{
    (void)state;
    completion("{\"model\":\"m\",\"choices\":[{\"text\":\"a\"}]}", "text model=m");
    completion("{\"choices\":[],\"model\":\"\",\"provider\":\"P\"}", "model= provider=P");
    completion("{\"choices\":[],\"model\":null,\"provider\":{\"model\":\"x\"}}", "");
}

static void token_ids(void **state)
{
    (void)state;
    completion("{\"choices\":[{\"text\":\"a\",\"token_ids\":[24,48,24]}]}", "text ids=3");
    completion("{\"choices\":[{\"text\":\"\",\"prompt_token_ids\":[1,2],"
               "\"token_ids\":[]}]}",
               "empty ids=0");
    completion("{\"choices\":[{\"text\":\"\",\"token_ids\":null}]}", "empty");
    completion("{\"choices\":[{\"token_ids\":[ 1 , 2 ]}]}", "empty ids=2");
    completion("{\"choices\":[{\"text\":\"\",\"token_ids\":[1]},"
               "{\"text\":\"\",\"token_ids\":[1,2],\"finish_reason\":\"stop\"}]}",
               "end finish=stop ids=3");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
         "\"token_ids\":[7]}]}",
         "empty role ids=1");
}

static void chats(void **state)
{
    (void)state;
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
         "\"finish_reason\":null}]}",
         "empty role");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}", "role");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}", "role");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\","
         "\"tool_calls\":[ ],\"reasoning\":null}}]}",
         "empty role");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"}}]}",
         "text");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
         "\"finish_reason\":\"stop\"}]}",
         "end finish=stop");
    chat("{\"choices\":[{\"delta\":{\"content\":\"\"}}]}", "empty");
    chat("{\"choices\":[{\"delta\":{\"content\":null}}]}", "");
    chat("{\"choices\":[{\"delta\":{}}]}", "");
    chat("{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}",
         "end finish=length");
    chat("{\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"\"}}]}",
         "empty");
    chat("{\"choices\":[{\"delta\":{\"reasoning\":\"so\"}}]}", "text");
    chat("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
         "{\"arguments\":\"{\\\"a\\\":\"}}]}}]}",
         "text");
    chat("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,"
         "\"tool_calls\":[{\"index\":0}]}}]}",
         "empty role");
    chat("{\"choices\":[{\"delta\":null}]}", "");
    chat("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"},"
         "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":2,"
         "\"completion_tokens\":3}}",
         "end finish=length in=2 out=3");
    chat("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
         "empty role");
    chat("{\"choices\":[{\"text\":\"a\"}]}", "");
}

/* Text in whatever member, at any depth; labels are none. */
static void texts_anywhere(void **state)
{
    static const struct {
        const char *delta, *says;
    } cases[] = {
        {"{\"content\":[{\"type\":\"text\",\"text\":\"w\"}]}", "text"},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}", "empty"},
        {"{\"content\":[]}", "empty"},
        {"{\"content\":{\"parts\":[\"\",\"w\"]}}", "text"},
        {"{\"thinking\":\"w\"}", "text"},
        {"{\"x\":{\"role\":\"a\",\"id\":\"b\",\"name\":{\"y\":\"c\"}}}", "empty"},
        {"{\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"arguments\":\"\"}}]}",
         "empty"},
        {"{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}",
         "text"},
        {"{\"id\":\"x\",\"type\":\"y\",\"index\":0}", ""},
        {"{\"audio\":null,\"refusal\":null,\"n\":7}", ""},
        {"{\"key with : and \\\" in it\":[\"\"]}", "empty"},
        {"{\"a\":[\"\\\"\"]}", "text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 1000);
        (void)buf_printf(&b, "{\"choices\":[{\"delta\":%s}]}", cases[i].delta);
        chat(buf_cstr(&b), cases[i].says);
        buf_fini(&b);
    }
    chat("{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"\"}]}",
         "empty");
    completion("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"\"}]}", "empty");
}

static void errors(void **state)
{
    (void)state;
    completion("{\"error\":{\"message\":\"no such \\\"model\\\"\",\"code\":404}}",
               "error=no such \\\"model\\\"");
    completion("{\"error\": {\"type\": \"x\", \"message\": \"m\"}}", "error=m");
    completion("{\"error\":\"Unauthorized\"}", "error=Unauthorized");
    completion("{\"error\":{\"code\":500}}", "error={\"code\":500}");
    completion("{\"error\":{\"message\":null,\"a\":1}}",
               "error={\"message\":null,\"a\":1}");
    completion("{\"error\":{\"error\":{\"message\":\"deep\"}}}", "error=deep");
    completion("{\"errors\":[{\"message\":\"first\"},{\"message\":\"next\"}]}",
               "error=first");
    completion("{\"error\":[[[[[[1]]]]]]}", "error=[[1]]");
    completion("{\"type\":\"BadRequestError\",\"message\":\"m\"}", "error=m");
    completion("{\"type\":\"ping\",\"message\":\"m\"}", "no");
    completion("{\"choices\":[{\"text\":\"a\"}],\"error\":\"\"}", "text");
    completion("{\"choices\":[{\"text\":\"a\"}],\"error\":false}", "text");
    completion("{\"choices\":[{\"text\":\"a\"}],\"error\":{ },\"errors\":[]}", "text");
    completion("{\"error\":{\"message\":{\"a\":1}}}", "error={\"a\":1}");
    completion("{\"error\": {} }", "error={}");
    completion("{\"error\":null}", "no");
    completion("{\"error\":true}", "error=true");
    completion("{\"object\":\"error\",\"message\":\"m\",\"code\":400}", "error=m");
    completion("{\"detail\":\"Not Found\"}", "error=Not Found");
    completion("{\"detail\":[{\"msg\":\"m\"}]}", "error=[{\"msg\":\"m\"}]");
    completion("{\"error\":null,\"choices\":[{\"text\":\"a\"}]}", "text");
    completion("{\"choices\":[{\"text\":\"a\"}],\"message\":\"m\",\"detail\":\"d\"}",
               "text");
    completion("{\"choices\":[],\"error\":{\"message\":\"m\"}}", "error=m");
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        " ",
        "null",
        "7",
        "\"a\"",
        "[]",
        "{}",
        "{\"a\":1}",
        "DONE",
        "[DONE",
        "{\"choices\":[]",
        "{\"choices\":[]}}",
        "{\"choices\":[]} x",
        "{\"choices\":[],}",
        "{\"choices\" []}",
        "{\"choices\":[,]}",
        "{\"choices\":[{}{}]}",
        "{choices:[]}",
        "{\"choices\":[}]",
        "{\"choices\":[],\"a\":}",
        "{\"choices\":[],\"a\":[1,]}",
        "{\"choices\":[],\"a\":nul}",
        "{\"choices\":[],\"a\":{\"b\"}}",
        "{\"choices\":[],\"a\":[{]}",
        "{\"choices\":[],\"a\":{\"b\":[1}]}",
        "{\"choices\":[],\"a\":tru}",
        "{\"choices\":[],\"a\":'b'}",
        "\xff\xfe",
        "<html>",
        "{\"usage\":{\"prompt_tokens\":}}",
        "{\"error\":{\"message\":}}",
        "{\"choices\":[{\"token_ids\":[1,]}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        completion(texts[i], "no");
    struct openai_chunk c;
    assert_int_equal(openai_read((struct str){0}, OPENAI_CHAT, &c), OPENAI_OTHER);
    assert_int_equal(openai_read((struct str){"{\0}", 3}, OPENAI_CHAT, &c),
                     OPENAI_BROKEN);
}

/* What carries nothing is told apart from what is broken. */
static void kinds(void **state)
{
    static const struct {
        const char *text;
        enum openai_reading reading;
    } cases[] = {
        {"ping", OPENAI_OTHER},
        {"{}", OPENAI_OTHER},
        {"{\"type\":\"ping\"}", OPENAI_OTHER},
        {"[1]", OPENAI_OTHER},
        {"[]", OPENAI_OTHER},
        {"\"half", OPENAI_OTHER},
        {"[{\"choices\":[]}]", OPENAI_READ},
        {"[DONE]", OPENAI_READ},
        {"{\"type\":\"pi", OPENAI_BROKEN},
        {"[{\"choices\":[]}", OPENAI_BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct openai_chunk c;
        if (openai_read(str_from(cases[i].text), OPENAI_CHAT, &c) != cases[i].reading)
            fail_msg("%s", cases[i].text);
    }
    completion("[{\"error\":{\"code\":400,\"message\":\"no name\"}}]", "error=no name");
    completion("[7,{\"error\":\"x\"},{\"error\":\"y\"}]", "error=x");
}

static void finishes(void **state)
{
    static const char *const good[] = {"stop",          "eos",        "eos_token",
                                       "stop_sequence", "tool_calls", "function_call"};
    char text[100];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(text, sizeof text, "{\"choices\":[{\"finish_reason\":\"%s\"}]}",
                       good[i]);
        completion(text, "end finish=stop");
    }
    struct openai_chunk c;
    const char *other = "{\"choices\":[{\"finish_reason\":\"content_filter\"}]}";
    assert_int_equal(openai_read(str_from(other), OPENAI_COMPLETIONS, &c), OPENAI_READ);
    assert_int_equal(c.finish, OPENAI_FINISH_OTHER);
    assert_true(str_is(c.finish_name, "content_filter"));
}

static void what_texts_say(void **state)
{
    static const struct {
        const char *body, *said;
    } cases[] = {
        {"", ""},
        {"no healthy upstream", "no healthy upstream"},
        {"  two\r\nlines\t\x1b[31m\n", "two lines [31m"},
        {"max_tokens < 5 and > 3", "max_tokens < 5 and > 3"},
        {"<html><head><title>413 Too Large</title></head><body>x</body>",
         "413 Too Large"},
        {"<HTML><TITLE lang=en>a\nb", "a b"},
        {"<h1>Bad</h1>\n<p>Gateway", "Bad Gateway"},
        {"<title", ""},
        {"<", ""},
        {"<<<>>>", ""},
        {"0123456789012345678901234567890123456789", "0123456789012345678901234567890"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        openai_say(str_from(cases[i].body), out, sizeof out);
        if (strcmp(out, cases[i].said) != 0)
            fail_msg("%s\nsays \"%s\"", cases[i].body, out);
    }
}

/* Any value may stand in members that nobody reads. */
static void other_values(void **state)
{
    (void)state;
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "-0.5e+3",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"\"",
        "[]",
        "{}",
        "[[],{},[{}]]",
        "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":[]}",
        "[ ]",
        " { \"a\" : 1 } ",
        "[\"]\",\"}\"]",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buf b;
        buf_init(&b, 1000);
        (void)buf_printf(&b, "{\"a\":%s,\"choices\":[{\"b\":%s,\"text\":\"\"}],\"c\":%s}",
                         values[i], values[i], values[i]);
        completion(buf_cstr(&b), "empty");
        buf_fini(&b);
    }
}

static void check_depth(size_t depth, const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    (void)buf_text(&b, "{\"a\":");
    for (size_t i = 0; i < depth; i++)
        (void)buf_text(&b, i % 2 == 0 ? "[" : "{\"a\":");
    (void)buf_text(&b, "1");
    for (size_t i = depth; i > 0; i--)
        (void)buf_text(&b, i % 2 == 1 ? "]" : "}");
    (void)buf_text(&b, ",\"choices\":[]}");
    completion(buf_cstr(&b), expected);
    buf_fini(&b);
}

static void depth(void **state)
{
    (void)state;
    check_depth(1, "");
    check_depth(64, "");
    check_depth(65, "no");
    check_depth(1000000, "no");
}

/* Every beginning of an event is refused. */
static void cut_events(void **state)
{
    (void)state;
    static const char event[] =
        "{\"id\":\"a\\\"b\",\"choices\":[{\"index\":0,\"text\":\"\\u0013+\","
        "\"logprobs\":null,\"finish_reason\":\"length\",\"token_ids\":[24,-4.5]}],"
        "\"usage\":{\"prompt_tokens\":9,\"prompt_tokens_details\":"
        "{\"cached_tokens\":0}}}";
    completion(event, "text finish=length ids=2 in=9 cached=0");
    for (size_t len = 1; len < sizeof event - 1; len++) {
        char begin[sizeof event];
        memcpy(begin, event, len);
        begin[len] = '\0';
        completion(begin, "no");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),    cmocka_unit_test(completions),
        cmocka_unit_test(strings),  cmocka_unit_test(usage),
        cmocka_unit_test(models),   cmocka_unit_test(token_ids),
        cmocka_unit_test(chats),    cmocka_unit_test(texts_anywhere),
        cmocka_unit_test(errors),   cmocka_unit_test(kinds),
        cmocka_unit_test(finishes), cmocka_unit_test(what_texts_say),
        cmocka_unit_test(refused),  cmocka_unit_test(other_values),
        cmocka_unit_test(depth),    cmocka_unit_test(cut_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
