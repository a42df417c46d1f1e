#include "serve/settings.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

enum { KEY_CAP_BYTES = 65536 };

#define X(c_type, member, option, kind, ...)      \
    {.name = (option),                            \
     .type = (kind),                              \
     .offset = offsetof(struct settings, member), \
     __VA_ARGS__},
#define FATE(kind, option, text)                                      \
    {.name = (option),                                                \
     .type = OPT_DOUBLE,                                              \
     .offset = offsetof(struct settings, faults.share[FAULT_##kind]), \
     .max = 1,                                                        \
     .fallback = "0",                                                 \
     .value_name = "SHARE",                                           \
     .group = "Faults",                                               \
     .help = (text)},

const struct opt settings_table[SETTINGS_COUNT] = {SETTINGS_LIST(X, FATE)};
#undef X
#undef FATE

const struct openai_dialect *settings_dialect(const struct settings *s)
{
    const struct openai_dialect *d = openai_dialect_find(s->dialect);
    return d != NULL ? d : openai_dialect_find("vllm");
}

int64_t settings_finish_delay_ns(const struct settings *s)
{
    if (s->finish_delay_ns != OPT_INT_UNSET)
        return s->finish_delay_ns;
    return s->has_finish_chunk ? 0 : NS_UNKNOWN;
}

enum status settings_check(const struct settings *s, struct err *e)
{
    if (s->model[0] == '\0') {
        (void)status_fail(e, STATUS_BAD_OPTION, "--model", "is empty");
        return status_hint(e, "Write e.g. --model simulated");
    }
    if ((s->tls_cert == NULL) != (s->tls_key == NULL)) {
        (void)status_fail(e, STATUS_BAD_OPTION,
                          s->tls_cert != NULL ? "--tls-cert" : "--tls-key",
                          "certificate and key are needed together");
        return status_hint(e, "Write --tls-cert FILE --tls-key FILE");
    }
    return fault_check(&s->faults, e);
}

enum status settings_key(const struct settings *s, struct buf *out, struct err *e)
{
    struct buf file;
    if (s->api_key_file == NULL)
        return STATUS_OK;
    buf_init(&file, KEY_CAP_BYTES);
    enum status st = file_read_any(s->api_key_file, &file, e);
    struct str key = str_trim(buf_str(&file));
    if (st == STATUS_OK && key.len == 0)
        st = status_fail(e, STATUS_BAD_OPTION, "--api-key-file", "%s holds no key",
                         s->api_key_file);
    if (st == STATUS_OK) {
        (void)buf_text(out, "Bearer ");
        st = buf_append(out, key.ptr, key.len);
    }
    buf_fini(&file);
    return st;
}
