/* The bytes of a streamed answer, as vLLM 0.32 sends them: every event is one HTTP chunk
 * that holds "data: {...}" and two line feeds. */
#ifndef SERVE_CHUNKS_H
#define SERVE_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "serve/completion_request.h"

#define CHUNKS_FINGERPRINT ",\"system_fingerprint\":\"inferbench-serve-simulated\""

/* What all events of one answer have in common. */
struct chunks {
    const struct completion_request *request;
    const char *id, *model;
    int64_t created_s, vocab_size;
    bool has_usage;     /* false: usage is never said, though it was asked for */
    struct buf *line;   /* scratch, shared by all answers of a thread */
    struct buf opening; /* data: {"id":...,"model":"..." */
};

/* Tokens [from, to) of an answer, and why it ends with them: NULL, "length", "stop". */
struct chunks_tokens {
    int64_t from, to;
    const char *finish;
    bool is_finish_only; /* chat: the delta is empty, without even an empty text */
    bool has_prompt;     /* the ids of the prompt are told, if they were asked for */
};

/* Writes the opening; line, opening: initialised by the caller. */
void chunks_begin(struct chunks *c);
/* chat: the event with the role, which holds no token. */
void chunks_role(const struct chunks *c, struct buf *out);
/* The same without a role; completions: with an empty text. */
void chunks_empty(const struct chunks *c, struct buf *out);
void chunks_tokens(const struct chunks *c, const struct chunks_tokens *t,
                   struct buf *out);
/* The event with no token that ends an aborted answer. */
void chunks_abort(const struct chunks *c, int64_t tokens, struct buf *out);
/* The event with the usage, if it was asked for, of so many tokens. */
void chunks_usage(const struct chunks *c, int64_t tokens, struct buf *out);
void chunks_error(struct buf *out);
/* [DONE] and the zero chunk. */
void chunks_done(struct buf *out);
/* Any text as one chunk. */
void chunks_frame(struct str text, struct buf *out);
/* The members that all answers begin with. */
void chunks_open(const struct chunks *c, const char *object, struct buf *out);
/* A form is JSON as it is sent, with marks: %W the words of the tokens, %F why they end,
 * %I their ids, %P those of the prompt, %R the usage so far, %T in all, %U of an answer
 * in one piece, %S the fingerprint. */
void chunks_fill(const struct chunks *c, const struct chunks_tokens *t, const char *form,
                 struct buf *out);

#endif
