#include "serve/settings.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

enum { KEY_CAP_BYTES = 65536 };

#define AT(field) .offset = offsetof(struct settings, field)
#define FATE(kind)                                                                       \
    .type = OPT_DOUBLE, .offset = offsetof(struct settings, faults.share[FAULT_##kind]), \
    .max = 1, .fallback = "0", .value_name = "SHARE", .group = "Faults"

const struct opt settings_table[SETTINGS_COUNT] = {
    {.name = "host",
     .type = OPT_STRING,
     AT(host),
     .fallback = "127.0.0.1",
     .group = "Where",
     .value_name = "NAME",
     .help = "name or address to listen on"},
    {.name = "port",
     .type = OPT_INT,
     AT(port),
     .max = 65535,
     .fallback = "8000",
     .group = "Where",
     .value_name = "N",
     .help = "port; 0 takes a free one, which is printed"},
    {.name = "uds",
     .type = OPT_STRING,
     AT(uds),
     .group = "Where",
     .value_name = "PATH",
     .help = "listen on a unix socket instead; the kernel stamps no arrival there"},
    {.name = "log",
     .type = OPT_STRING,
     AT(log_path),
     .group = "Where",
     .value_name = "FILE",
     .help = "stamps of every request and event, in JSON lines"},
    {.name = "tls-cert",
     .type = OPT_STRING,
     AT(tls_cert),
     .group = "Where",
     .value_name = "FILE",
     .help = "certificate chain in PEM: speaks HTTPS; with --tls-key"},
    {.name = "tls-key",
     .type = OPT_STRING,
     AT(tls_key),
     .group = "Where",
     .value_name = "FILE",
     .help = "private key of the certificate, in PEM"},
    {.name = "quiet",
     .short_name = 'q',
     .type = OPT_FLAG,
     AT(is_quiet),
     .group = "Where",
     .help = "no notes on stderr"},
    {.name = "model",
     .short_name = 'm',
     .type = OPT_STRING,
     AT(model),
     .fallback = "simulated",
     .group = "Model",
     .value_name = "NAME",
     .help = "name of the model that is served"},
    {.name = "max-model-len",
     .type = OPT_INT,
     AT(max_model_len),
     .min = 2,
     .max = 16777216,
     .fallback = "131072",
     .group = "Model",
     .value_name = "N",
     .help = "tokens of prompt and answer together"},
    {.name = "vocab-size",
     .type = OPT_INT,
     AT(vocab_size),
     .min = 1,
     .max = 16777216,
     .fallback = "151936",
     .group = "Model",
     .value_name = "N",
     .help = "a token id from here on is refused"},
    {.name = "block-size",
     .type = OPT_INT,
     AT(block_size),
     .min = 1,
     .max = 65536,
     .fallback = "16",
     .group = "Model",
     .value_name = "N",
     .help = "tokens of a KV block, said in /metrics"},
    {.name = "api-key-file",
     .type = OPT_STRING,
     AT(api_key_file),
     .group = "Model",
     .value_name = "FILE",
     .help = "requests to /v1 need the key in this file"},
    {.name = "ttft",
     .type = OPT_DURATION,
     AT(ttft_ns),
     .max = 3600,
     .fallback = "20ms",
     .group = "Timing",
     .help = "time from a request's arrival to its first token"},
    {.name = "itl",
     .type = OPT_DURATION,
     AT(itl_ns),
     .max = 3600,
     .fallback = "10ms",
     .group = "Timing",
     .help = "time from one event of a stream to the next"},
    {.name = "jitter",
     .type = OPT_DOUBLE,
     AT(jitter),
     .max = 1,
     .fallback = "0",
     .group = "Timing",
     .value_name = "SHARE",
     .help = "each interval is drawn evenly from (1 - SHARE) to (1 + SHARE) times its "
             "length"},
    {.name = "seed",
     .type = OPT_INT,
     AT(seed),
     .max = 9.2e18,
     .fallback = "0",
     .group = "Timing",
     .value_name = "N",
     .help = "of jitter and faults"},
    {.name = "tokens-per-event",
     .type = OPT_INT,
     AT(tokens_per_event),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .group = "Timing",
     .value_name = "N",
     .help = "tokens in each event of a stream; the last one has the rest"},
    {.name = "slots",
     .type = OPT_INT,
     AT(slots),
     .max = 1e6,
     .fallback = "0",
     .group = "Timing",
     .value_name = "N",
     .help = "answers worked on at a time, the others wait in order of arrival; 0: no "
             "limit"},
    {.name = "serial-prefill",
     .type = OPT_FLAG,
     AT(has_serial_prefill),
     .group = "Timing",
     .help =
         "the time to the first token begins when that of the request before is over"},
    {.name = "keepalive-timeout",
     .type = OPT_DURATION,
     AT(keepalive_ns),
     .max = 86400,
     .fallback = "5s",
     .group = "Timing",
     .help = "an idle connection is closed after this; 0 leaves it open"},
    {.name = "buffer",
     .type = OPT_INT,
     AT(buffered_events),
     .max = 65536,
     .fallback = "0",
     .group = "Framing",
     .value_name = "N",
     .help = "events of an answer are held back and written N in one send, as some "
             "proxies do; 0: each by itself"},
    {.name = "empty-first",
     .type = OPT_FLAG,
     AT(has_empty_first),
     .group = "Framing",
     .help = "an event with an empty text comes at once, long before the first token"},
    {.name = "finish-chunk",
     .type = OPT_FLAG,
     AT(has_finish_chunk),
     .group = "Framing",
     .help = "finish_reason comes in an event without text, after the last token"},
    {.name = "finish-delay",
     .type = OPT_DURATION,
     AT(finish_delay_ns),
     .max = 3600,
     .group = "Framing",
     .help = "time from the last token to that event; implies --finish-chunk"},
    {.name = "no-usage",
     .type = OPT_FLAG,
     AT(hides_usage),
     .group = "Faults",
     .help = "answers never say their token counts"},
    {.name = "fail", FATE(FAIL), .help = "requests answered with an HTTP error"},
    {.name = "fail-status",
     .type = OPT_INT,
     AT(fail_status),
     .min = 400,
     .max = 599,
     .fallback = "500",
     .group = "Faults",
     .value_name = "N",
     .help = "HTTP status of --fail, e.g. 429 or 503"},
    {.name = "retry-after",
     .type = OPT_INT,
     AT(retry_after_s),
     .max = 1e6,
     .group = "Faults",
     .value_name = "SECONDS",
     .help = "a Retry-After header with --fail"},
    {.name = "cut", FATE(CUT), .help = "connection closed in the middle of the answer"},
    {.name = "stall",
     FATE(STALL),
     .help = "nothing more comes from the middle of the answer on"},
    {.name = "hang", FATE(HANG), .help = "no answer at all"},
    {.name = "reset",
     FATE(RESET),
     .help = "connection reset in the middle of the answer"},
    {.name = "abort",
     FATE(ABORT),
     .help = "finish_reason abort in the middle of the answer"},
    {.name = "error",
     FATE(ERROR),
     .help = "an error event in the middle of the answer, then [DONE]"},
    {.name = "short",
     FATE(SHORT),
     .help = "fewer tokens than wanted, finish_reason stop"},
    {.name = "garbage", FATE(GARBAGE), .help = "bytes that are no HTTP, or no JSON"},
    {.name = "garbage-kind",
     .type = OPT_CHOICE,
     AT(garbage_kind),
     .choices = FAULT_GARBAGE_CHOICES,
     .fallback = "any",
     .group = "Faults",
     .value_name = "NAME",
     .help = "what --garbage sends"},
    {.name = "big-header",
     FATE(BIG_HEADER),
     .help = "a header of 1 MB before the answer"},
};

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
                          "certificate and key go together");
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
    enum status st = file_read(s->api_key_file, &file, e);
    struct str key = str_trim((struct str){buf_cstr(&file), file.len});
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
