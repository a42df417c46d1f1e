/* Options of the simulated server. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/opt.h"
#include "base/status.h"
#include "serve/fault.h"

struct settings {
    const char *host, *uds;         /* uds: path of a unix socket instead, or NULL */
    int64_t port;                   /* 0: any */
    const char *log_path;           /* NULL: no log */
    const char *tls_cert, *tls_key; /* PEM files, both or none */
    bool is_quiet;
    const char *model;
    int64_t max_model_len, vocab_size, block_size;
    const char *api_key_file; /* NULL: no key asked for */
    int64_t ttft_ns, itl_ns;
    double jitter; /* share of each interval, 0 to 1 */
    int64_t seed, tokens_per_event;
    int64_t slots; /* answers at a time; 0: no limit */
    bool has_serial_prefill;
    int64_t buffered_events; /* written in one send; 0: each by itself */
    bool has_empty_first;    /* an event without text comes at once */
    bool has_finish_chunk;   /* or implied: see settings_finish_delay_ns */
    int64_t finish_delay_ns; /* OPT_INT_UNSET */
    bool hides_usage;        /* never says usage, whatever is asked */
    int64_t keepalive_ns;    /* 0: idle connections stay open */
    struct fault_shares faults;
    const char *garbage_kind;
    int64_t fail_status, retry_after_s; /* retry_after_s: OPT_INT_UNSET */
};

#define SETTINGS_COUNT 38
extern const struct opt settings_table[SETTINGS_COUNT];

/* From the last token to the finish chunk; NS_UNKNOWN: there is none. */
int64_t settings_finish_delay_ns(const struct settings *s);
/* What the rows cannot say. */
MUST_CHECK enum status settings_check(const struct settings *s, struct err *e);
/* What the header Authorization must be, "Bearer " and the key in the file without white
 * space around it; nothing is appended if no file is set. */
MUST_CHECK enum status settings_key(const struct settings *s, struct buf *out,
                                    struct err *e);

#endif
