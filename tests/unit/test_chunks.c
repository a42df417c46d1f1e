#include "serve/chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

struct fixture {
    struct completion_request request;
    struct chunks chunks;
    struct buf line, out;
};

static void begin(struct fixture *f, enum completion_endpoint endpoint)
{
    *f = (struct fixture){.request = {.endpoint = endpoint, .prompt_tokens = 9}};
    buf_init(&f->line, 10000);
    buf_init(&f->out, 10000);
    f->chunks = (struct chunks){.request = &f->request,
                                .id = "cmpl-1",
                                .model = "ti\"ny",
                                .created_s = 1795503889,
                                .vocab_size = 512,
                                .has_usage = true,
                                .line = &f->line};
    buf_init(&f->chunks.opening, 1000);
    chunks_begin(&f->chunks);
}

static void end(struct fixture *f)
{
    buf_fini(&f->line);
    buf_fini(&f->out);
    buf_fini(&f->chunks.opening);
}

/* What is in out, which is emptied. */
static void check(struct fixture *f, const char *expected)
{
    assert_string_equal(buf_cstr(&f->out), expected);
    buf_clear(&f->out);
}

#define COMMON  "\",\"created\":1795503889,\"model\":\"ti\\\"ny\",\"choices\":["
#define OPENING "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion" COMMON
#define CHAT    "data: {\"id\":\"cmpl-1\",\"object\":\"chat.completion.chunk" COMMON

static void completions(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, ENDPOINT_COMPLETIONS);
    chunks_tokens(&f.chunks, &(struct chunks_tokens){.from = 0, .to = 1}, &f.out);
    check(&f, "de\r\n" OPENING "{\"index\":0,\"text\":\" t1\",\"logprobs\":null,"
              "\"finish_reason\":null,\"stop_reason\":null,\"prompt_token_ids\":null,"
              "\"token_ids\":null}]}\n\n\r\n");
    chunks_tokens(&f.chunks,
                  &(struct chunks_tokens){.from = 8, .to = 10, .finish = "length"},
                  &f.out);
    check(&f, "118\r\n" OPENING "{\"index\":0,\"text\":\" t9 t10\",\"logprobs\":null,"
              "\"finish_reason\":\"length\",\"stop_reason\":null,"
              "\"prompt_token_ids\":null,\"token_ids\":null}],"
              "\"system_fingerprint\":\"inferbench-serve-simulated\"}\n\n\r\n");
    chunks_usage(&f.chunks, 10, &f.out);
    check(&f, "");
    end(&f);
}

static void usage(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, ENDPOINT_COMPLETIONS);
    f.request.includes_usage = f.request.has_continuous_usage = f.request.returns_ids =
        true;
    f.request.prompt_ids = str_from("[1, 2]");
    chunks_tokens(&f.chunks, &(struct chunks_tokens){.from = 0, .to = 2}, &f.out);
    assert_non_null(strstr(buf_cstr(&f.out),
                           "\"prompt_token_ids\":[1, 2],\"token_ids\":[1,2]}],\"usage\":{"
                           "\"prompt_tokens\":9,\"total_tokens\":11,"
                           "\"completion_tokens\":2}}\n\n"));
    buf_clear(&f.out);
    chunks_tokens(&f.chunks,
                  &(struct chunks_tokens){.from = 510, .to = 512, .finish = "stop"},
                  &f.out);
    assert_non_null(strstr(buf_cstr(&f.out), "\"prompt_token_ids\":null,"
                                             "\"token_ids\":[511,0]}]"));
    assert_null(strstr(buf_cstr(&f.out), "system_fingerprint"));
    buf_clear(&f.out);
    chunks_usage(&f.chunks, 10, &f.out);
    check(&f, "dc\r\n" OPENING "],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":19,"
              "\"completion_tokens\":10},"
              "\"system_fingerprint\":\"inferbench-serve-simulated\"}\n\n\r\n");
    f.chunks.has_usage = false;
    chunks_usage(&f.chunks, 10, &f.out);
    check(&f, "");
    end(&f);
}

static void chat(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, ENDPOINT_CHAT);
    chunks_role(&f.chunks, &f.out);
    check(&f, "f0\r\n" CHAT "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
              "\"\"},\"logprobs\":null,\"finish_reason\":null}],"
              "\"prompt_token_ids\":null,\"prompt_text\":null}\n\n\r\n");
    f.request.includes_usage = f.request.has_continuous_usage = f.request.returns_ids =
        true;
    f.request.prompt_tokens = 3;
    chunks_role(&f.chunks, &f.out);
    assert_non_null(strstr(buf_cstr(&f.out),
                           "\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3,"
                           "\"completion_tokens\":0,\"completion_tokens_details\":null},"
                           "\"prompt_token_ids\":[1,2,3],\"prompt_text\":null}"));
    buf_clear(&f.out);
    chunks_tokens(&f.chunks,
                  &(struct chunks_tokens){.from = 1, .to = 2, .finish = "length"},
                  &f.out);
    assert_non_null(strstr(buf_cstr(&f.out),
                           "{\"index\":0,\"delta\":{\"content\":\" t2\"},"
                           "\"logprobs\":null,\"finish_reason\":\"length\","
                           "\"stop_reason\":null,\"token_ids\":[2]}],\"usage\":"));
    end(&f);
}

static void an_event_without_text(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, ENDPOINT_CHAT);
    chunks_empty(&f.chunks, &f.out);
    check(&f, "dd\r\n" CHAT "{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null,"
              "\"finish_reason\":null}],\"prompt_token_ids\":null,"
              "\"prompt_text\":null}\n\n\r\n");
    end(&f);
    begin(&f, ENDPOINT_COMPLETIONS);
    f.request.returns_ids = true; /* those of the prompt come with the first token */
    chunks_empty(&f.chunks, &f.out);
    check(&f, "d9\r\n" OPENING "{\"index\":0,\"text\":\"\",\"logprobs\":null,"
              "\"finish_reason\":null,\"stop_reason\":null,"
              "\"prompt_token_ids\":null,\"token_ids\":[]}]}\n\n\r\n");
    end(&f);
}

static void the_finish_chunk(void **state)
{
    (void)state;
    struct fixture f;
    const struct chunks_tokens finish = {
        .from = 5, .to = 5, .finish = "length", .is_finish_only = true};
    begin(&f, ENDPOINT_CHAT);
    chunks_tokens(&f.chunks, &finish, &f.out);
    check(&f, "100\r\n" CHAT "{\"index\":0,\"delta\":{},\"logprobs\":null,"
              "\"finish_reason\":\"length\",\"stop_reason\":null,"
              "\"token_ids\":null}],"
              "\"system_fingerprint\":\"inferbench-serve-simulated\"}\n\n\r\n");
    end(&f);
    begin(&f, ENDPOINT_COMPLETIONS);
    chunks_tokens(&f.chunks, &finish, &f.out);
    check(&f, "111\r\n" OPENING "{\"index\":0,\"text\":\"\",\"logprobs\":null,"
              "\"finish_reason\":\"length\",\"stop_reason\":null,"
              "\"prompt_token_ids\":null,\"token_ids\":null}],"
              "\"system_fingerprint\":\"inferbench-serve-simulated\"}\n\n\r\n");
    end(&f);
}

static void ends(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, ENDPOINT_COMPLETIONS);
    chunks_abort(&f.chunks, 5, &f.out);
    assert_non_null(strstr(buf_cstr(&f.out), "\"text\":\"\",\"logprobs\":null,"
                                             "\"finish_reason\":\"abort\""));
    buf_clear(&f.out);
    chunks_error(&f.out);
    assert_non_null(strstr(buf_cstr(&f.out), "data: {\"error\": {\"message\": "));
    buf_clear(&f.out);
    chunks_done(&f.out);
    check(&f, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    chunks_frame(str_from(""), &f.out);
    check(&f, "0\r\n\r\n");
    end(&f);
}

static void no_memory_sticks_in_the_buffer(void **state)
{
    (void)state;
    bool was_good = false;
    for (long n = 1; !was_good; n++) {
        struct fixture f;
        mem_fail_at(n);
        begin(&f, ENDPOINT_CHAT);
        chunks_role(&f.chunks, &f.out);
        mem_fail_at(0);
        was_good = f.out.failed == STATUS_OK && f.line.failed == STATUS_OK &&
                   f.chunks.opening.failed == STATUS_OK;
        end(&f);
        assert_true(was_good || n < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completions),
        cmocka_unit_test(usage),
        cmocka_unit_test(chat),
        cmocka_unit_test(an_event_without_text),
        cmocka_unit_test(the_finish_chunk),
        cmocka_unit_test(ends),
        cmocka_unit_test(no_memory_sticks_in_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
