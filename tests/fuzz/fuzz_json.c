/* JSON in and out: what was read is written, and reads back to the same value. */
#include "fuzz_target.h"
#include "text/json.h"
#include "text/jsonw.h"

enum { CAP_BYTES = 1 << 22 };

static json_t *read_back(const struct buf *text)
{
    json_t *value = NULL;
    struct str s = {.ptr = buf_cstr(text), .len = text->len};
    enum status status = json_from_text(s, "own text", &value, NULL);
    TARGET_CHECK(status == STATUS_OK);
    return value;
}

/* Any bytes as a string: the text must be valid. */
static void write_string(const uint8_t *data, size_t size)
{
    struct buf raw, out;
    struct jsonw w;
    buf_init(&raw, CAP_BYTES);
    buf_init(&out, CAP_BYTES);
    (void)buf_append(&raw, data, size);
    jsonw_init(&w, &out, 0);
    jsonw_str(&w, NULL, buf_cstr(&raw));
    json_decref(read_back(&out));
    buf_fini(&raw);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = NULL;
    struct err e;
    write_string(data, size);
    struct str text = {.ptr = (const char *)data, .len = size};
    if (json_from_text(text, "input", &value, &e) != STATUS_OK)
        return 0;
    struct buf compact, indented;
    buf_init(&compact, CAP_BYTES);
    buf_init(&indented, (size_t)CAP_BYTES * 16);
    struct jsonw w;
    jsonw_init(&w, &indented, 2);
    if (json_to_text(value, &compact) == STATUS_OK) {
        jsonw_raw(&w, NULL, buf_cstr(&compact));
        json_t *again = read_back(&compact);
        TARGET_CHECK(json_equal(value, again) == 1);
        json_decref(again);
        if (indented.failed == STATUS_OK) {
            again = read_back(&indented);
            TARGET_CHECK(json_equal(value, again) == 1);
            json_decref(again);
        }
    }
    buf_fini(&compact);
    buf_fini(&indented);
    json_decref(value);
    return 0;
}
