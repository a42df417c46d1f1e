#include "run/selftest_truth.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "text/json.h"

/* Index of a request of this phase, or -1. */
static int64_t index_of(const char *id, const char *phase)
{
    size_t len = strlen(phase);
    int64_t index = -1;
    if (id == NULL || strncmp(id, phase, len) != 0 || id[len] != '-' ||
        !str_to_i64(str_from(id + len + 1), &index))
        return -1;
    return index;
}

static enum status take_line(const json_t *line, struct arena *a,
                             struct selftest_truth *out, struct err *e)
{
    const json_t *sent = json_object_get(line, "sent_ns");
    size_t count = json_array_size(sent);
    int64_t *at_ns = arena_alloc(a, count, sizeof *at_ns);
    if (at_ns == NULL)
        return status_no_memory(e, "the server's log");
    for (size_t i = 0; i < count; i++)
        at_ns[i] = json_integer_value(json_array_get(sent, i));
    *out = (struct selftest_truth){
        .is_known = true,
        .arrival_ns = json_int_of(line, "arrival_ns", NS_UNKNOWN),
        .sent_ns = at_ns,
        .sent_count = count};
    return STATUS_OK;
}

enum status selftest_truth_read(const struct selftest_log *log, struct arena *a,
                                struct selftest_truth *out, size_t count, struct err *e)
{
    enum status s = STATUS_OK;
    struct str left = log->text;
    for (int64_t number = 1; left.len > 0 && s == STATUS_OK; number++) {
        char where[64];
        json_t *line = NULL;
        struct str text = str_trim(str_cut(&left, '\n'));
        if (text.len == 0)
            continue;
        (void)snprintf(where, sizeof where, "the server's log:%lld", (long long)number);
        s = json_from_text(text, where, &line, e);
        if (s != STATUS_OK)
            return s;
        int64_t index = index_of(json_str_of(line, "id"), log->phase);
        if (index >= 0 && index < (int64_t)count)
            s = take_line(line, a, &out[index], e);
        json_decref(line);
    }
    return s;
}
