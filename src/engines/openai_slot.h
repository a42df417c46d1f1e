/* A connection to a server, the answer it carries, and what both were asked for. */
#ifndef ENGINES_OPENAI_SLOT_H
#define ENGINES_OPENAI_SLOT_H

#include "core/engine.h"
#include "engines/openai_answered.h"
#include "http/openai_dialect.h"
#include "http/openai.h"
#include "http/response.h"
#include "http/sse.h"
#include "http/url.h"
#include "net/addr.h"
#include "net/tls.h"

#define OPENAI_READ_BYTES ((size_t)256 << 10) /* of the lane, shared by its reads */
/* Decrypted bytes of a read; those of a record that was cut off before may join them. */
#define OPENAI_PLAIN_BYTES   (OPENAI_READ_BYTES + ((size_t)32 << 10))
#define OPENAI_EVENT_BYTES   ((size_t)1536) /* a cut event; grows to the next */
#define OPENAI_EVENT_CAP     ((size_t)4 << 20)
#define OPENAI_BODY_CAP      ((size_t)4 << 20) /* answers that are not streams */
#define OPENAI_EVENTS_A_READ (OPENAI_READ_BYTES / 16)
#define OPENAI_NOBODY        (-1)

struct openai_target {
    struct url url;
    const char *path; /* of the endpoint, with its query */
    struct addr addr;
    struct tls_context *tls; /* NULL: plain */
};

/* What a lane needs to know; owned by the engine, fixed while lanes run. */
struct openai_setup {
    const struct engine_target *options;
    struct openai_target *targets; /* [target_count] */
    size_t target_count;
    const char *model;
    const struct openai_dialect *dialect; /* of the first target */
    enum openai_endpoint endpoint;
    enum openai_counts counts;
    size_t lane_count; /* that share the load */
    double temperature, top_p;
    bool ignore_eos;
};

enum openai_conn_state {
    OPENAI_CLOSED,
    OPENAI_CONNECTING,
    OPENAI_TLS,
    OPENAI_IDLE,
    OPENAI_SENDING,
    OPENAI_ANSWER /* sent whole; the answer is awaited or under way */
};

/* The answer under way. */
struct openai_answer {
    enum openai_finish finish;
    int64_t tokens_in, tokens_out, tokens_cached; /* usage; TOKENS_UNKNOWN */
    int64_t tokens_seen;                          /* by ids or continuous usage */
    int64_t token_events;                         /* events with a text, empty ones too */
    bool has_choices;                             /* some choice said something */
    bool has_head, has_error, has_bytes;
    struct instant done_at, done_read_at; /* [DONE]: its stamp, its read; ns 0: not yet */
    bool has_odd;         /* error holds what the latest event that is none says */
    enum fail_class fail; /* of has_error */
    char finish_name[24]; /* of OPENAI_FINISH_OTHER */
    char model[OPENAI_MODEL_BYTES]; /* that it says has answered; "" not said */
};

struct openai_conn {
    int fd;
    int32_t target, request; /* request: index, OPENAI_NOBODY when idle */
    int32_t prev, next;      /* neighbours in the order of sends; -1 */
    enum openai_conn_state state;
    bool was_idle;    /* stood before its request came: the server may have closed it */
    bool has_served;  /* an answer came over it */
    bool has_sent;    /* some bytes of the request */
    bool is_retried;  /* this request was sent on a connection that had died idle */
    bool is_hastened; /* its answer is about to end: see openai_lane.h */
    int64_t lazy_tokens; /* of the answer, as long as no fewer than 2 are to come */
    struct instant connect_start, sent_at;
    struct instant idle_since;  /* when it stood, or its last answer had ended */
    int64_t idle_ns;            /* how long it had been idle when its request was sent */
    int64_t connect_ns, tls_ns; /* NS_UNKNOWN once they were told */
    uint32_t generation;        /* of the descriptor, told apart by the loop's tags */
    struct instant last_token, newest_token; /* of the answer; 0: none */
    struct tls *tls;
    struct buf out;     /* bytes of the handshake, or the encrypted request */
    const char *out_at; /* what is left to send */
    size_t out_len;
    struct response http;
    struct sse sse;
    struct buf body; /* of an answer that is not a stream */
    struct openai_answer answer;
    char error[192]; /* why it failed; told by the event */
};

/* Bytes of a request, ready to be sent. */
struct openai_job {
    const char *bytes;
    size_t len;
    int32_t conn; /* that carries it; -1 */
    int64_t max_tokens;
};

/* One read of a socket, as far as its stamp matters. */
struct openai_read {
    struct instant kernel; /* NS_UNKNOWN: none */
    struct instant user;
    bool is_whole;  /* the buffer was not filled, no part of a TLS record is left */
    bool is_prompt; /* read within 1 ms of its arrival, though the kernel
                       stamps nothing */
};

#endif
