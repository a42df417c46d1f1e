/* The OpenAI API as vLLM speaks it: requests written, stream events and plain answers
 * read. Reading allocates nothing and looks at no more than it needs. */
#ifndef HTTP_OPENAI_H
#define HTTP_OPENAI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/opt.h"
#include "base/status.h"
#include "base/str.h"

enum openai_endpoint { OPENAI_COMPLETIONS, OPENAI_CHAT };

/* How tokens are counted by event: --token-counts. */
enum openai_counts { OPENAI_COUNTS_USAGE, OPENAI_COUNTS_IDS, OPENAI_COUNTS_CONTINUOUS };

struct openai_request {
    enum openai_endpoint endpoint;
    const char *model;
    const int32_t *ids; /* [id_count], completions; or NULL */
    size_t id_count;
    const char *text; /* the prompt as text: chat, or completions of a text */
    int64_t max_tokens;
    double temperature, top_p;
    bool ignore_eos, is_stream;
    bool is_without_usage;             /* no stream_options */
    const char *max_name;              /* of max_tokens; NULL: that */
    const struct opt_strings *renames; /* "member=name", or NULL */
    enum openai_counts counts;
    const char *salt;       /* cache_salt, or NULL */
    const char *extra_body; /* JSON object whose members are added, or NULL; of those that
                               are null ours are left out */
};

/* Appends the JSON body. Members of extra_body win over ours of the same name; one that
 * is no JSON object is STATUS_BAD_OPTION. temperature, top_p: NAN leaves them out. */
MUST_CHECK enum status openai_write(const struct openai_request *r, struct buf *out,
                                    struct err *e);
/* Does extra_body (which may be NULL) leave that member out? */
bool openai_write_lacks(const char *extra_body, const char *key);
/* "/completions" or "/chat/completions". */
const char *openai_path(enum openai_endpoint e);

enum openai_finish {
    OPENAI_FINISH_NONE,
    OPENAI_FINISH_LENGTH,
    OPENAI_FINISH_STOP, /* EOS, a stop sequence, a call of a tool */
    OPENAI_FINISH_ABORT,
    OPENAI_FINISH_OTHER
};

/* What an event (or a whole answer) carries, of all its choices together: the first of
 * these that holds for one of them. */
enum openai_class {
    OPENAI_NOTHING, /* no choice that says anything */
    OPENAI_ROLE,    /* a role, and no text member */
    OPENAI_EMPTY,   /* a text that is empty, or token ids, and no finish reason */
    OPENAI_FINISH,  /* a finish reason and no text */
    OPENAI_TEXT     /* some text: a string in delta, message or text that is not empty, at
                       any depth, but role, id, name, type, index, finish_reason */
};

/* Counts are -1 where it does not tell them. */
struct openai_chunk {
    bool is_done; /* "[DONE]" */
    enum openai_class cls;
    bool has_role; /* beside an empty text: the opening of a chat, if it comes first */
    enum openai_finish finish;
    struct str finish_name; /* as it came, inside the JSON text; ptr NULL if none */
    int64_t token_ids;      /* length of token_ids, all choices together */
    int64_t tokens_in, tokens_out, tokens_cached; /* of usage */
    struct str model;    /* of a string, as the error; ptr NULL if none */
    struct str provider; /* OpenRouter's: who computed it; the same */
    struct str error; /* message of an error object, inside the JSON text, without quotes,
                         escapes as they are; ptr NULL if none */
};

enum openai_reading {
    OPENAI_BROKEN, /* an object or list that is not whole */
    OPENAI_OTHER,  /* anything else: a ping, a word, an object without choices */
    OPENAI_READ    /* "[DONE]", or an object with choices, usage or an error */
};

/* Of a list the first object is read. BROKEN, OTHER: *out says nothing. Bytes may be
 * anything. Counts may also be 8.0 or "8". Numbers are not checked beyond their first
 * digit; a finish_reason of "" is none. */
enum openai_reading openai_read(struct str json, enum openai_endpoint endpoint,
                                struct openai_chunk *out);
/* What an answer that is no JSON says, of plain text or HTML (its title, else its text
 * without tags): one line into `out`, which is terminated; "" if nothing. */
void openai_say(struct str body, char *out, size_t room);

#endif
