/* Bodies of requests: never a fault, and no JSON that another reader takes is refused as
 * none. */
#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "fuzz_target.h"
#include "serve/completion_request.h"
#include "text/jsonr.h"

enum { NESTING = 190 };

static void check_ask(struct str text, enum completion_endpoint endpoint)
{
    const struct request_limits limits = {"tiny", 1024, 512, openai_dialect_find("vllm")};
    struct completion_request a;
    struct request_error e = {.status = 0};
    if (!completion_request_read(text, endpoint, &limits, &a, &e)) {
        TARGET_CHECK(e.status >= 400 && e.type != NULL);
        TARGET_CHECK(memchr(e.message, '\0', sizeof e.message) != NULL);
        return;
    }
    TARGET_CHECK(a.max_tokens >= 1 && a.prompt_tokens >= 0);
    TARGET_CHECK(a.max_tokens + a.prompt_tokens <= limits.max_model_len);
    if (a.prompt_ids.ptr != NULL) {
        TARGET_CHECK(a.prompt_ids.ptr >= text.ptr);
        TARGET_CHECK(a.prompt_ids.ptr + a.prompt_ids.len <= text.ptr + text.len);
    }
}

/* The other reader forgives a 0 byte behind a number. */
static void check_scan(struct str text)
{
    if (memchr(text.ptr, '\0', text.len) != NULL)
        return;
    struct jsonr j;
    size_t brackets = 0;
    for (size_t i = 0; i < text.len; i++)
        brackets += text.ptr[i] == '[' || text.ptr[i] == '{';
    json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
    jsonr_init(&j, text, NULL, NULL);
    (void)jsonr_value(&j);
    bool is_good = jsonr_end(&j) == STATUS_OK;
    TARGET_CHECK(value == NULL || is_good || brackets > NESTING);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {.ptr = size > 0 ? (const char *)data : "", .len = size};
    check_ask(text, ENDPOINT_COMPLETIONS);
    check_ask(text, ENDPOINT_CHAT);
    check_scan(text);
    return 0;
}
