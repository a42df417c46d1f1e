#include "store/journal_line.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/xxh64.h"

/* --- a request */

static const struct {
    const char *name;
    enum record_status status;
} statuses[] = {
    {"ok", RECORD_OK},
    {"failed", RECORD_FAILED},
    {"unanswered", RECORD_UNANSWERED},
    {"interrupted", RECORD_INTERRUPTED},
    {"cancelled", RECORD_INTERRUPTED}, /* format 1 */
};

#define MEMBER(name, unknown) \
    .key = #name, .offset = offsetof(struct request_record, name), .unset = (unknown)

/* In the order of the line. */
static const struct member {
    const char *key;
    size_t offset;     /* of an int64_t */
    int64_t unset;     /* left out then */
    bool of_one_piece; /* else the events tell */
} members[] = {
    {MEMBER(due_ns, NS_UNKNOWN)},
    {MEMBER(ready_ns, NS_UNKNOWN)},
    {MEMBER(sent_ns, NS_UNKNOWN)},
    {MEMBER(last_ns, NS_UNKNOWN), .of_one_piece = true},
    {MEMBER(done_ns, NS_UNKNOWN)},
    {MEMBER(prefill_ns, NS_UNKNOWN)},
    {MEMBER(decode_ns, NS_UNKNOWN)},
    {MEMBER(connect_ns, NS_UNKNOWN)},
    {MEMBER(tls_ns, NS_UNKNOWN)},
    {MEMBER(tokens_in, TOKENS_UNKNOWN)},
    {MEMBER(tokens_out, TOKENS_UNKNOWN)},
    {MEMBER(tokens_cached, TOKENS_UNKNOWN)},
};

#define LENGTH(table) (sizeof table / sizeof table[0])

const char *journal_line_status_name(enum record_status status)
{
    size_t i = 0;
    while (statuses[i].status != status)
        i++;
    return statuses[i].name;
}

bool journal_line_status_find(struct jsonr_value name, enum record_status *out)
{
    for (size_t i = 0; name.kind == JSONR_STRING && i < LENGTH(statuses); i++)
        if (str_is(jsonr_inner(name), statuses[i].name)) {
            *out = statuses[i].status;
            return true;
        }
    return false;
}

void journal_line_write_request(struct jsonw *w, const struct request_record *r)
{
    for (size_t i = 0; i < LENGTH(members); i++) {
        const struct member *m = &members[i];
        int64_t value;
        memcpy(&value, (const char *)r + m->offset, sizeof value);
        if (value != m->unset && (!m->of_one_piece || r->events == RECORD_WHOLE))
            jsonw_int(w, m->key, value);
    }
    jsonw_int(w, "max_tokens", r->max_tokens);
}

void journal_line_read_request(const struct jsonr_object *line, struct request_record *q)
{
    for (size_t i = 0; i < LENGTH(members); i++) {
        const struct member *m = &members[i];
        int64_t value = jsonr_object_int(line, m->key, m->unset);
        memcpy((char *)q + m->offset, &value, sizeof value);
    }
    q->first_ns = jsonr_object_int(line, "first_ns", NS_UNKNOWN); /* format 1 */
    q->max_tokens = jsonr_object_int(line, "max_tokens", 0);
}

/* --- sums */

static const char sum_member[] = ",\"" JOURNAL_SUM_KEY "\":\"";

enum {
    MEMBER_BYTES = sizeof sum_member - 1,
    END_BYTES = MEMBER_BYTES + JOURNAL_SUM_ROOM - 1 + 2
};

uint64_t journal_line_sum(uint64_t before, struct str line)
{
    return xxh64(line, before);
}

void journal_line_sum_text(uint64_t sum, char text[JOURNAL_SUM_ROOM])
{
    (void)snprintf(text, JOURNAL_SUM_ROOM, "%016" PRIx64, sum);
}

bool journal_line_is_right(struct str line, uint64_t before)
{
    char end[END_BYTES + 1], text[JOURNAL_SUM_ROOM];
    if (line.len < END_BYTES)
        return false;
    line.len -= END_BYTES;
    journal_line_sum_text(journal_line_sum(before, line), text);
    (void)snprintf(end, sizeof end, "%s%s\"}", sum_member, text);
    return memcmp(line.ptr + line.len, end, END_BYTES) == 0;
}
