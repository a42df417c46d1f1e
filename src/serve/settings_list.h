/* Options of the simulated server: one row makes the member of struct settings, parsing,
 * range check and help. X(type in C, member, option, kind, ...); FATE(kind of fault,
 * option, help): its share. Groups stand together in the help. */
#ifndef SERVE_SETTINGS_LIST_H
#define SERVE_SETTINGS_LIST_H

/* clang-format off */
#define SETTINGS_LIST(X, FATE)                                                         \
    X(TEXT, host, "host", OPT_STRING, .group = "Where", .fallback = "127.0.0.1",       \
      .value_name = "NAME", .help = "host name or address to listen on")               \
    X(int64_t, port, "port", OPT_INT, .group = "Where", .max = 65535,                  \
      .fallback = "8000", .value_name = "N",                                           \
      .help = "port; 0: any free port, which is printed")                              \
    X(TEXT, uds, "uds", OPT_STRING, .group = "Where", .value_name = "PATH",            \
      .help = "listen on a unix socket instead; the kernel does not stamp arrivals "   \
              "there")                                                                 \
    X(TEXT, log_path, "log", OPT_STRING, .group = "Where", .value_name = "FILE",       \
      .help = "log of every request and event with stamps, JSON lines")                \
    X(TEXT, tls_cert, "tls-cert", OPT_STRING, .group = "Where", .value_name = "FILE",  \
      .help = "certificate chain in PEM: serve HTTPS; with --tls-key")                 \
    X(TEXT, tls_key, "tls-key", OPT_STRING, .group = "Where", .value_name = "FILE",    \
      .help = "private key of the certificate, in PEM")                                \
    X(bool, is_quiet, "quiet", OPT_FLAG, .group = "Where", .short_name = 'q',          \
      .help = "no messages on stderr")                                                 \
    X(TEXT, model, "model", OPT_STRING, .group = "Model", .short_name = 'm',           \
      .fallback = "simulated", .value_name = "NAME",                                   \
      .help = "name of the served model")                                              \
    X(TEXT, answer_model, "answer-model", OPT_STRING, .group = "Model",                \
      .value_name = "NAME",                                                            \
      .help = "name of the model in answers, as of a gateway that sends requests "     \
              "elsewhere; default: --model")                                           \
    X(TEXT, dialect, "dialect", OPT_CHOICE, .group = "Model",                          \
      .choices = OPENAI_DIALECT_NAMES, .fallback = "vllm", .value_name = "NAME",       \
      .help = "the kind of server to be: what it takes, offers and says of itself")    \
    X(int64_t, max_model_len, "max-model-len", OPT_INT, .group = "Model", .min = 2,    \
      .max = 16777216, .fallback = "131072", .value_name = "N",                        \
      .help = "longest prompt plus output, tokens")                                    \
    X(int64_t, vocab_size, "vocab-size", OPT_INT, .group = "Model", .min = 1,          \
      .max = 16777216, .fallback = "151936", .value_name = "N",                        \
      .help = "vocabulary size; larger token ids are refused")                         \
    X(int64_t, block_size, "block-size", OPT_INT, .group = "Model", .min = 1,          \
      .max = 65536, .fallback = "16", .value_name = "N",                               \
      .help = "KV block size in tokens, reported in /metrics")                         \
    X(TEXT, api_key_file, "api-key-file", OPT_STRING, .group = "Model",                \
      .value_name = "FILE", .help = "require the API key in this file for /v1")        \
    X(int64_t, ttft_ns, "ttft", OPT_DURATION, .group = "Timing", .max = 3600,          \
      .fallback = "20ms", .help = "time from a request's arrival to its first token")  \
    X(int64_t, itl_ns, "itl", OPT_DURATION, .group = "Timing", .max = 3600,            \
      .fallback = "10ms", .help = "time from one event of a stream to the next")       \
    X(double, jitter, "jitter", OPT_DOUBLE, .group = "Timing", .max = 1,               \
      .fallback = "0", .value_name = "SHARE",                                          \
      .help = "vary each interval uniformly between (1 - SHARE) and (1 + SHARE) "      \
              "times its length")                                                      \
    X(int64_t, seed, "seed", OPT_INT, .group = "Timing", .max = 9.2e18,                \
      .fallback = "0", .value_name = "N", .help = "seed of jitter and faults")         \
    X(int64_t, tokens_per_event, "tokens-per-event", OPT_INT, .group = "Timing",       \
      .min = 1, .max = 65536, .fallback = "1", .value_name = "N",                      \
      .help = "tokens per event of a stream; the last has the rest")                   \
    X(int64_t, slots, "slots", OPT_INT, .group = "Timing", .max = 1e6, .fallback = "0",\
      .value_name = "N",                                                               \
      .help = "answers in progress at a time, others wait in order of arrival; 0: "    \
              "no limit")                                                              \
    X(bool, has_serial_prefill, "serial-prefill", OPT_FLAG, .group = "Timing",         \
      .help = "prefill one request at a time: the time to first token starts when "    \
              "that of the previous request ends")                                     \
    X(int64_t, keepalive_ns, "keepalive-timeout", OPT_DURATION, .group = "Timing",     \
      .max = 86400, .fallback = "5s",                                                  \
      .help = "close idle connections after this long; 0: never")                      \
    X(int64_t, buffered_events, "buffer", OPT_INT, .group = "Framing", .max = 65536,   \
      .fallback = "0", .value_name = "N",                                              \
      .help = "hold events back and write N in one send, as some proxies do; 0: no "   \
              "batching")                                                              \
    X(bool, has_empty_first, "empty-first", OPT_FLAG, .group = "Framing",              \
      .help = "send an event with empty text at once, before the first token")         \
    X(bool, has_finish_chunk, "finish-chunk", OPT_FLAG, .group = "Framing",            \
      .help = "send finish_reason in an event without text, after the last token")     \
    X(int64_t, finish_delay_ns, "finish-delay", OPT_DURATION, .group = "Framing",      \
      .max = 3600,                                                                     \
      .help = "delay between the last token and that event; implies --finish-chunk")   \
    X(bool, hides_usage, "no-usage", OPT_FLAG, .group = "Faults",                      \
      .help = "never report token counts")                                             \
    FATE(FAIL, "fail", "share of requests answered with an HTTP error")                \
    X(int64_t, fail_status, "fail-status", OPT_INT, .group = "Faults", .min = 400,     \
      .max = 599, .fallback = "500", .value_name = "N",                                \
      .help = "HTTP status of --fail, e.g. 429 or 503")                                \
    X(int64_t, retry_after_s, "retry-after", OPT_INT, .group = "Faults", .max = 1e6,   \
      .value_name = "SECONDS", .help = "Retry-After header sent with --fail")          \
    FATE(CUT, "cut", "share: connection closed in mid-answer")                         \
    FATE(STALL, "stall", "share: answer stalls halfway")                               \
    FATE(HANG, "hang", "share: no answer")                                             \
    FATE(RESET, "reset", "share: connection reset in mid-answer")                      \
    FATE(ABORT, "abort", "share: finish_reason abort in mid-answer")                   \
    FATE(ERROR, "error", "share: error event in mid-answer, then [DONE]")              \
    FATE(SHORT, "short", "share: fewer tokens than requested, finish_reason stop")     \
    FATE(GARBAGE, "garbage", "share: bytes that are not HTTP, or not JSON")            \
    X(TEXT, garbage_kind, "garbage-kind", OPT_CHOICE, .group = "Faults",               \
      .choices = FAULT_GARBAGE_CHOICES, .fallback = "any", .value_name = "NAME",       \
      .help = "what --garbage sends")                                                  \
    FATE(BIG_HEADER, "big-header", "share: a 1 MB header before the answer")
/* clang-format on */

#endif
