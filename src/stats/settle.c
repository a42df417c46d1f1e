#include "stats/settle.h"

#include <stdlib.h>

#define DIFFERENCES_MAX 16
#define STEP_APART      2 /* times the median step between texts */

static bool is_raw(const struct request_record *q)
{
    return q->status == RECORD_OK && q->events == RECORD_RAW;
}

/* Events of the classes in `mask`. */
static int64_t size_of(const struct request_record *q, unsigned mask)
{
    int64_t n = 0;
    for (int c = 0; c < EVENT_CLASS_COUNT; c++)
        n += (mask >> c & 1) != 0 ? q->classes[c].count : 0;
    return n;
}

static bool does_fit(const struct request_record *q, enum token_set set)
{
    return set != TOKEN_SET_none && set != TOKEN_SET_counted &&
           q->tokens_out != TOKENS_UNKNOWN &&
           size_of(q, record_set_mask(set)) == q->tokens_out;
}

static bool is_before_text(const struct request_record *q, enum event_class cls)
{
    const struct record_class *text = &q->classes[EVENT_TEXT], *other = &q->classes[cls];
    return text->count > 0 && other->count > 0 && other->first_ns < text->first_ns;
}

/* Steps between texts that `ns` is further from than STEP_APART allows, to either
 * side. */
struct steps {
    int64_t all, longer, shorter;
};

static void count_step(struct steps *n, double step_ns, double ns)
{
    n->all++;
    n->longer += step_ns > STEP_APART * ns;
    n->shorter += step_ns * STEP_APART < ns;
}

/* Of an answer; where nobody kept its events, the mean one. */
static struct steps count_steps(const struct request_record *q, double ns)
{
    const struct record_class *text = &q->classes[EVENT_TEXT];
    struct steps n = {0};
    int64_t before_ns = NS_UNKNOWN;
    for (size_t i = 0; q->marks != NULL && i < q->event_count; i++) {
        if (RECORD_CLASS(q->marks[i]) != EVENT_TEXT)
            continue;
        if (before_ns != NS_UNKNOWN)
            count_step(&n, (double)(q->at_ns[i] - before_ns), ns);
        before_ns = q->at_ns[i];
    }
    if (q->event_count == 0 && text->count > 1)
        count_step(
            &n, (double)(text->last_ns - text->first_ns) / (double)(text->count - 1), ns);
    return n;
}

/* Is the answer's only event of the class one behind all text that does not come when a
 * token would? */
static bool is_late_or_early(const struct request_record *q, enum event_class cls)
{
    const struct record_class *text = &q->classes[EVENT_TEXT], *lone = &q->classes[cls];
    if (lone->count != 1 || text->count == 0 || lone->first_ns < text->last_ns)
        return false;
    struct steps n = count_steps(q, (double)lone->first_ns - (double)text->last_ns);
    return n.all == 0 || 2 * n.longer > n.all || 2 * n.shorter > n.all;
}

/* Does the class stand for tokens that nobody saw? A first text of two tokens fills the
 * number up as well as an empty event before it does, and as the end behind it. Where all
 * answers that the set fits begin with an empty event it may be an opening, and nobody
 * can tell; an end that is a token is in step with the text in most of them. */
static bool is_doubtful(const struct repeat_data *repeat, enum token_set set,
                        enum event_class cls)
{
    size_t fits = 0, before = 0, doubtful = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (!is_raw(q) || q->is_counted || !does_fit(q, set))
            continue;
        fits++;
        before += is_before_text(q, cls);
        doubtful += is_late_or_early(q, cls);
    }
    return 2 * doubtful > fits || before == fits;
}

static bool is_sure(const struct repeat_data *repeat, enum token_set set)
{
    static const enum event_class others[] = {EVENT_EMPTY, EVENT_FINISH};
    for (size_t i = 0; i < 2; i++)
        if ((record_set_mask(set) >> others[i] & 1) != 0 &&
            is_doubtful(repeat, set, others[i]))
            return false;
    return true;
}

/* Voices of each set; how many voters there are. */
static size_t count_votes(const struct repeat_data *repeat, size_t votes[TOKEN_SET_COUNT])
{
    size_t voters = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (!is_raw(q) || q->is_counted)
            continue;
        voters++;
        for (int s = TOKEN_SET_none + 1; s < TOKEN_SET_counted; s++)
            votes[s] += q->source != TOKEN_SOURCE_estimated &&
                        does_fit(q, (enum token_set)s);
    }
    return voters;
}

static enum token_set vote(const struct repeat_data *repeat)
{
    size_t votes[TOKEN_SET_COUNT] = {0}, voters = count_votes(repeat, votes);
    enum token_set best = TOKEN_SET_none;
    for (int s = TOKEN_SET_none + 1; s < TOKEN_SET_counted; s++)
        if (votes[s] > votes[best])
            best = (enum token_set)s;
    if (voters == 0)
        return TOKEN_SET_counted;
    bool is_most = best != TOKEN_SET_none && votes[best] * 2 >= voters;
    return is_most && is_sure(repeat, best) ? best : TOKEN_SET_none;
}

/* Instants out of the classes in `mask`, where nobody kept the events. */
static void bound_by_classes(struct request_record *q, unsigned mask)
{
    q->first_ns = q->last_ns = NS_UNKNOWN;
    for (int c = 0; c < EVENT_CLASS_COUNT; c++) {
        const struct record_class *of = &q->classes[c];
        if ((mask >> c & 1) == 0 || of->count == 0)
            continue;
        if (q->first_ns == NS_UNKNOWN || of->first_ns < q->first_ns)
            q->first_ns = of->first_ns;
        q->last_ns = of->last_ns > q->last_ns ? of->last_ns : q->last_ns;
    }
}

/* Two tokens of one read share the stamp of its end: it is the later one's. */
static void share_stamps(struct request_record *q)
{
    for (size_t i = 0; q->marks != NULL && i + 1 < q->event_count; i++)
        if (q->at_ns[i] == q->at_ns[i + 1])
            q->marks[i] = RECORD_MARK(RECORD_CLASS(q->marks[i]), EVENT_BOUNDED);
}

/* Counted, and none: it is an arrival of text, and no token. */
static bool is_empty(const struct request_record *q, size_t i)
{
    return q->is_counted && record_event_tokens(q, i) == 0;
}

/* Leaves the events of the classes in `mask`. */
static void keep(struct request_record *q, unsigned mask)
{
    size_t kept = 0;
    for (size_t i = 0; q->marks != NULL && i < q->event_count; i++) {
        if ((mask >> RECORD_CLASS(q->marks[i]) & 1) == 0 || is_empty(q, i))
            continue;
        q->at_ns[kept] = q->at_ns[i];
        q->marks[kept] = q->marks[i];
        if (q->event_tokens != NULL)
            q->event_tokens[kept] = q->event_tokens[i];
        kept++;
    }
    if (q->marks != NULL)
        q->event_count = kept;
    share_stamps(q);
    bound_by_classes(q, mask);
    if (q->last_ns == NS_UNKNOWN)
        q->last_ns = q->done_ns;
}

static void settle(struct request_record *q, enum token_set set)
{
    const unsigned text = 1U << EVENT_TEXT, all = (1U << EVENT_CLASS_COUNT) - 1;
    bool fits = does_fit(q, set);
    q->events = q->is_counted || fits ? RECORD_SETTLED : RECORD_UNSETTLED;
    keep(q, q->is_counted ? all : fits ? record_set_mask(set) : text);
    if (!q->is_counted)
        q->event_tokens = NULL;
    if (q->events == RECORD_UNSETTLED) {
        q->first_event_tokens = TOKENS_UNKNOWN;
        if (is_before_text(q, EVENT_EMPTY)) /* the first token, or none */
            q->first_ns = NS_UNKNOWN;
    } else if (q->event_tokens != NULL && q->event_count > 0)
        q->first_event_tokens = q->event_tokens[0];
    else if (!q->is_counted)
        q->first_event_tokens = 1;
}

void settle_repeat(struct repeat_data *repeat)
{
    enum token_set set = vote(repeat);
    for (size_t i = 0; i < repeat->request_count; i++) {
        struct request_record *q = &repeat->requests[i];
        if (!is_raw(q))
            continue;
        repeat->tokens = set;
        settle(q, set);
    }
}

void settle_run(struct run_data *run)
{
    for (size_t i = 0; run->definitions != 1 && i < run->repeat_count; i++)
        settle_repeat(&run->repeats[i]);
}

/* --- what does not fit */

struct difference {
    int64_t events, count; /* events less tokens, in so many answers */
};

static int by_events(const void *a, const void *b)
{
    const struct difference *x = a, *y = b;
    return (x->events > y->events) - (x->events < y->events);
}

static int by_count(const void *a, const void *b)
{
    const struct difference *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : by_events(a, b);
}

/* Differences of all answers, each once with its count; how many there are. */
static size_t find_differences(const struct repeat_data *repeat, struct difference *out)
{
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (q->status == RECORD_OK && q->tokens_out != TOKENS_UNKNOWN)
            out[n++] = (struct difference){q->classes[EVENT_TEXT].count - q->tokens_out,
                                           1};
    }
    qsort(out, n, sizeof *out, by_events);
    for (size_t i = 0; i < n; i++)
        if (distinct > 0 && out[distinct - 1].events == out[i].events)
            out[distinct - 1].count++;
        else
            out[distinct++] = out[i];
    return distinct;
}

const char *settle_differences(const struct repeat_data *repeat, struct arena *a)
{
    const char *text = "{";
    int64_t other = 0;
    struct difference *all = arena_alloc(a, repeat->request_count + 1, sizeof *all);
    if (all == NULL)
        return NULL;
    size_t n = find_differences(repeat, all);
    qsort(all, n, sizeof *all, by_count);
    for (size_t i = DIFFERENCES_MAX; i < n; i++)
        other += all[i].count;
    n = n < DIFFERENCES_MAX ? n : DIFFERENCES_MAX;
    qsort(all, n, sizeof *all, by_events);
    for (size_t i = 0; i < n; i++)
        text = arena_text(a, "%s%s\"%lld\":%lld", text, i > 0 ? "," : "",
                          (long long)all[i].events, (long long)all[i].count);
    if (other > 0)
        text = arena_text(a, "%s,\"other\":%lld", text, (long long)other);
    return arena_text(a, "%s}", text);
}
