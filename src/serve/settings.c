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
     .help = "host name or address to listen on"},
    {.name = "port",
     .type = OPT_INT,
     AT(port),
     .max = 65535,
     .fallback = "8000",
     .group = "Where",
     .value_name = "N",
     .help = "port; 0: any free port, which is printed"},
    {.name = "uds",
     .type = OPT_STRING,
     AT(uds),
     .group = "Where",
     .value_name = "PATH",
     .help = "listen on a unix socket instead; the kernel does not stamp arrivals there"},
    {.name = "log",
     .type = OPT_STRING,
     AT(log_path),
     .group = "Where",
     .value_name = "FILE",
     .help = "log of every request and event with stamps, JSON lines"},
    {.name = "tls-cert",
     .type = OPT_STRING,
     AT(tls_cert),
     .group = "Where",
     .value_name = "FILE",
     .help = "certificate chain in PEM: serve HTTPS; with --tls-key"},
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
     .help = "no messages on stderr"},
    {.name = "model",
     .short_name = 'm',
     .type = OPT_STRING,
     AT(model),
     .fallback = "simulated",
     .group = "Model",
     .value_name = "NAME",
     .help = "name of the served model"},
    {.name = "max-model-len",
     .type = OPT_INT,
     AT(max_model_len),
     .min = 2,
     .max = 16777216,
     .fallback = "131072",
     .group = "Model",
     .value_name = "N",
     .help = "longest prompt plus output, tokens"},
    {.name = "vocab-size",
     .type = OPT_INT,
     AT(vocab_size),
     .min = 1,
     .max = 16777216,
     .fallback = "151936",
     .group = "Model",
     .value_name = "N",
     .help = "vocabulary size; larger token ids are refused"},
    {.name = "block-size",
     .type = OPT_INT,
     AT(block_size),
     .min = 1,
     .max = 65536,
     .fallback = "16",
     .group = "Model",
     .value_name = "N",
     .help = "KV block size in tokens, reported in /metrics"},
    {.name = "api-key-file",
     .type = OPT_STRING,
     AT(api_key_file),
     .group = "Model",
     .value_name = "FILE",
     .help = "require the API key in this file for /v1"},
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
     .help = "vary each interval uniformly between (1 - SHARE) and (1 + SHARE) times its "
             "length"},
    {.name = "seed",
     .type = OPT_INT,
     AT(seed),
     .max = 9.2e18,
     .fallback = "0",
     .group = "Timing",
     .value_name = "N",
     .help = "seed of jitter and faults"},
    {.name = "tokens-per-event",
     .type = OPT_INT,
     AT(tokens_per_event),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .group = "Timing",
     .value_name = "N",
     .help = "tokens per event of a stream; the last has the rest"},
    {.name = "slots",
     .type = OPT_INT,
     AT(slots),
     .max = 1e6,
     .fallback = "0",
     .group = "Timing",
     .value_name = "N",
     .help =
         "answers in progress at a time, others wait in order of arrival; 0: no limit"},
    {.name = "serial-prefill",
     .type = OPT_FLAG,
     AT(has_serial_prefill),
     .group = "Timing",
     .help = "prefill one request at a time: the time to first token starts when that of "
             "the previous request ends"},
    {.name = "keepalive-timeout",
     .type = OPT_DURATION,
     AT(keepalive_ns),
     .max = 86400,
     .fallback = "5s",
     .group = "Timing",
     .help = "close idle connections after this long; 0: never"},
    {.name = "buffer",
     .type = OPT_INT,
     AT(buffered_events),
     .max = 65536,
     .fallback = "0",
     .group = "Framing",
     .value_name = "N",
     .help =
         "hold events back and write N in one send, as some proxies do; 0: no batching"},
    {.name = "empty-first",
     .type = OPT_FLAG,
     AT(has_empty_first),
     .group = "Framing",
     .help = "send an event with empty text at once, before the first token"},
    {.name = "finish-chunk",
     .type = OPT_FLAG,
     AT(has_finish_chunk),
     .group = "Framing",
     .help = "send finish_reason in an event without text, after the last token"},
    {.name = "finish-delay",
     .type = OPT_DURATION,
     AT(finish_delay_ns),
     .max = 3600,
     .group = "Framing",
     .help = "delay between the last token and that event; implies --finish-chunk"},
    {.name = "no-usage",
     .type = OPT_FLAG,
     AT(hides_usage),
     .group = "Faults",
     .help = "never report token counts"},
    {.name = "fail", FATE(FAIL), .help = "share of requests answered with an HTTP error"},
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
     .help = "Retry-After header sent with --fail"},
    {.name = "cut", FATE(CUT), .help = "share: connection closed in mid-answer"},
    {.name = "stall", FATE(STALL), .help = "share: answer stalls halfway"},
    {.name = "hang", FATE(HANG), .help = "share: no answer"},
    {.name = "reset", FATE(RESET), .help = "share: connection reset in mid-answer"},
    {.name = "abort", FATE(ABORT), .help = "share: finish_reason abort in mid-answer"},
    {.name = "error",
     FATE(ERROR),
     .help = "share: error event in mid-answer, then [DONE]"},
    {.name = "short",
     FATE(SHORT),
     .help = "share: fewer tokens than requested, finish_reason stop"},
    {.name = "garbage",
     FATE(GARBAGE),
     .help = "share: bytes that are not HTTP, or not JSON"},
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
     .help = "share: a 1 MB header before the answer"},
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
