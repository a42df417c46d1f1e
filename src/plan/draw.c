#include "plan/draw.h"

#include <inttypes.h>
#include <string.h>

#include "base/rng.h"
#include "plan/hits.h"
#include "plan/lengths.h"
#include "plan/prompts.h"
#include "plan/word_prompts.h"
#include "text/digest.h"

#define ARM         " arm="
#define X(id, name) [PLAN_ARM_##id] = ARM name,
static const char *const arm_labels[] = {[PLAN_ARM_NONE] = "", PLAN_ARMS(X)};
#undef X

const char *draw_arm_label(enum plan_arm arm)
{
    return arm_labels[arm];
}

const char *draw_arm_name(enum plan_arm arm)
{
    return arm != PLAN_ARM_NONE ? arm_labels[arm] + sizeof ARM - 1 : NULL;
}

#define COMMON_BLOCK_TOKENS 16
#define COMMON_BLOCK_BYTES  64 /* about as much, where a text has no tokens */

/* Where the parts of a repeat go: ids that only serve to count hits do not stay. */
struct drawing {
    const struct draw *draw;
    struct arena *keep, *scratch;
    struct err *e;
};

static size_t count_of(const struct draw *d, int64_t repeat)
{
    return (size_t)(d->counts != NULL ? d->counts[repeat] : d->most);
}

static size_t text_of(const struct draw *d, size_t request)
{
    return (d->first_text + request) % d->scenario->text_count;
}

static enum status no_memory(const struct drawing *g, const char *what)
{
    return status_fail(g->e, STATUS_NO_MEMORY, g->draw->scenario->name,
                       "out of memory for %s", what);
}

/* A cache that no salt divides would find the prompts of an earlier run. */
static int64_t seed_of(const struct draw *d)
{
    struct rng rng;
    if (!d->is_unsalted || d->run == NULL)
        return d->seed;
    rng_init(&rng, (uint64_t)d->seed, d->run);
    return (int64_t)(rng_u64(&rng) >> 1);
}

/* Prompts of drawn ids; as text, ids stand for words. */
static enum status draw_ids(const struct drawing *g, int64_t repeat,
                            struct plan_repeat *out)
{
    const struct draw *d = g->draw;
    const struct scenario *s = d->scenario;
    struct prompts prompts = {.scenario = s->name,
                              .cell = d->cell,
                              .batch_size = d->most,
                              .count = (int64_t)out->count,
                              .num_runs = d->num_runs,
                              .shared_tokens = s->shared_tokens,
                              .prefixes = s->prefixes,
                              .own_tokens = s->own_tokens,
                              .vocab_size = d->as_text ? WORD_PROMPTS_VOCAB_SIZE
                                                       : d->vocab_size,
                              .seed = seed_of(d),
                              .is_prefix_warm = d->is_prefix_warm};
    int32_t *ids;
    enum status st = prompts_draw(&prompts, repeat, d->as_text ? g->scratch : g->keep,
                                  &ids, g->e);

    if (st != STATUS_OK)
        return st;
    size_t length = (size_t)(s->shared_tokens + s->own_tokens);
    for (size_t i = 0; i < out->count; i++) {
        struct engine_request *r = &out->requests[i];
        r->ids = ids + i * length;
        r->id_count = length;
        if (!d->as_text)
            continue;
        r->text = word_prompts_text(r->ids, length, g->keep);
        if (r->text == NULL)
            return no_memory(g, "its prompts as text");
    }
    return STATUS_OK;
}

/* The bytes of a text as if they were ids. */
static enum status spell(const struct drawing *g, const char *text,
                         struct engine_request *r)
{
    size_t count = strlen(text);
    int32_t *ids = arena_alloc(g->scratch, count + 1, sizeof *ids);

    if (ids == NULL)
        return no_memory(g, "counting its hits");
    for (size_t i = 0; i < count; i++)
        ids[i] = (unsigned char)text[i];
    r->text = text;
    r->ids = ids;
    r->id_count = count;
    return STATUS_OK;
}

static enum status take_text(const struct drawing *g, struct plan_repeat *out,
                             size_t request)
{
    size_t index = text_of(g->draw, request), texts = g->draw->scenario->text_count;
    const struct scenario_text *t = &g->draw->scenario->texts[index];
    struct engine_request *r = &out->requests[request];

    if (!g->draw->as_text && t->ids == NULL) {
        return status_fail(g->e, STATUS_INTERNAL, g->draw->scenario->name,
                           "text %zu has no token ids", index + 1);
    }
    if (!g->draw->as_text) {
        r->ids = t->ids;
        r->id_count = t->id_count;
    } else if (request >= texts) {
        const struct engine_request *same = &out->requests[request - texts];
        r->text = same->text;
        r->ids = same->ids;
        r->id_count = same->id_count;
    } else {
        return spell(g, t->text, r);
    }
    return STATUS_OK;
}

static enum status take_texts(const struct drawing *g, struct plan_repeat *out)
{
    enum status s = STATUS_OK;

    for (size_t i = 0; s == STATUS_OK && i < out->count; i++)
        s = take_text(g, out, i);
    return s;
}

static const char *digits_of(const struct drawing *g, const char *text)
{
    char hex[DIGEST_HEX_BYTES];
    struct digest d;

    if (text == NULL || digest_init(&d) != STATUS_OK)
        return NULL;
    digest_add(&d, text, strlen(text));
    digest_hex(&d, hex);
    return arena_strdup(g->keep, hex);
}

/* A salt keeps the prompts of one cell, and in cold runs of one repeat, from hits of
 * another's. */
static const char *salt_of(const struct drawing *g, int64_t repeat)
{
    const struct draw *d = g->draw;
    const char *run = d->run != NULL ? d->run : "", *slash = d->run != NULL ? "/" : "";
    const char *text = d->is_prefix_warm
                           ? arena_printf(g->keep, "inferbench/%s%s%s/%s/warm", run,
                                          slash, d->scenario->name, d->cell)
                           : arena_printf(g->keep, "inferbench/%s%s%s/%s/%" PRId64, run,
                                          slash, d->scenario->name, d->cell, repeat);

    return d->is_online ? digits_of(g, text) : text;
}

static enum status finish_requests(const struct drawing *g, int64_t repeat,
                                   struct plan_repeat *out)
{
    const struct draw *d = g->draw;
    bool has_texts = d->scenario->text_count > 0;
    bool is_salted = has_texts || d->as_text || d->is_online || d->arm != PLAN_ARM_NONE;
    const char *salt = is_salted ? salt_of(g, repeat) : NULL;

    if (salt == NULL && is_salted)
        return no_memory(g, "a salt");
    for (size_t i = 0; i < out->count; i++) {
        struct engine_request *r = &out->requests[i];
        r->index = (int32_t)i;
        r->salt = salt;
        r->max_tokens = lengths_answer(d->max_tokens, d->scenario,
                                       has_texts ? text_of(d, i) : 0);
        if ((int64_t)r->id_count > out->longest_tokens)
            out->longest_tokens = (int64_t)r->id_count;
    }
    return STATUS_OK;
}

/* Each request with a salt of its own. */
static enum status keep_apart(const struct drawing *g, struct plan_repeat *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct engine_request *r = &out->requests[i];
        const char *text = arena_printf(g->keep, "%s/%zu", r->salt, i);
        r->salt = g->draw->is_online ? digits_of(g, text) : text;
        if (r->salt == NULL)
            return no_memory(g, "a salt");
    }
    return STATUS_OK;
}

static enum status fill(const struct drawing *g, int64_t repeat, struct plan_repeat *out)
{
    *out = (struct plan_repeat){.count = count_of(g->draw, repeat)};
    out->requests = arena_alloc(g->keep, out->count, sizeof *out->requests);
    if (out->requests == NULL)
        return status_no_memory(g->e, g->draw->scenario->name);
    enum status s = g->draw->scenario->text_count > 0 ? take_texts(g, out)
                                                      : draw_ids(g, repeat, out);
    if (s == STATUS_OK)
        s = finish_requests(g, repeat, out);
    return s == STATUS_OK && g->draw->arm == PLAN_ARM_OFF ? keep_apart(g, out) : s;
}

/* What stood for the tokens of a text is no property of the request. */
static void forget_ids(struct plan_repeat *r)
{
    for (size_t i = 0; i < r->count; i++) {
        r->requests[i].ids = NULL;
        r->requests[i].id_count = 0;
    }
    r->longest_tokens = TOKENS_UNKNOWN;
    r->expected_cached_tokens = TOKENS_UNKNOWN;
}

/* A cache as the requests fill it, in the order in which they are added. */
struct counter {
    struct drawing drawing; /* into an arena that ends with the count */
    struct hits hits;
};

static enum status add_repeat(struct counter *c, const struct plan_repeat *r,
                              int64_t *sum)
{
    int64_t total = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct engine_request *q = &r->requests[i];
        int64_t cached;
        if (hits_add(&c->hits, q->ids, q->id_count, &cached) != STATUS_OK)
            return status_fail(c->drawing.e, STATUS_NO_MEMORY, "plan", "out of memory");
        total += cached;
    }
    *sum = total;
    return STATUS_OK;
}

/* Draws and adds repeats from..to-1; *sum: hits of the last. */
static enum status add_others(struct counter *c, int64_t from, int64_t to, int64_t *sum)
{
    enum status s = STATUS_OK;

    for (int64_t k = from; s == STATUS_OK && k < to; k++) {
        struct plan_repeat other;
        s = fill(&c->drawing, k, &other);
        if (s == STATUS_OK)
            s = add_repeat(c, &other, sum);
    }
    return s;
}

/* Hits of repeat *out after those of the repeats that may have filled the cache for it:
 * none in a cold run, all earlier ones in a warm run. A warm repeat 0 says of repeat 1
 * whether anything is shared. */
static enum status count_hits(struct counter *c, int64_t repeat, struct plan_repeat *out)
{
    const struct draw *d = c->drawing.draw;
    int64_t sum = 0, later = 0;
    enum status s = d->is_prefix_warm ? add_others(c, 0, repeat, &sum) : STATUS_OK;

    if (s == STATUS_OK)
        s = add_repeat(c, out, &sum);
    if (s == STATUS_OK && d->is_prefix_warm && repeat == 0)
        s = add_others(c, 1, 2, &later);
    if (s == STATUS_OK) {
        out->shares_prefix = sum > 0 || later > 0;
        out->expected_cached_tokens = d->block_size > 0 ? sum : TOKENS_UNKNOWN;
    }
    return s;
}

static size_t block_of(const struct draw *d)
{
    if (d->as_text)
        return d->scenario->text_count > 0 ? COMMON_BLOCK_BYTES : COMMON_BLOCK_TOKENS;
    return d->block_size > 0 ? (size_t)d->block_size : COMMON_BLOCK_TOKENS;
}

enum status draw_requests(const struct draw *d, int64_t repeat, struct arena *a,
                          struct plan_repeat *out, struct err *e)
{
    struct plan_repeat r;
    struct arena scratch;

    arena_init(&scratch, a->cap_bytes);
    struct drawing g = {.draw = d, .keep = a, .scratch = &scratch, .e = e};
    enum status s = fill(&g, repeat, &r);
    arena_fini(&scratch);
    if (s != STATUS_OK)
        return s;
    if (d->as_text)
        forget_ids(&r);
    *out = r;
    return STATUS_OK;
}

enum status draw_repeat(const struct draw *d, int64_t repeat, struct arena *a,
                        struct plan_repeat *out, struct err *e)
{
    struct plan_repeat r;
    struct arena scratch;

    arena_init(&scratch, a->cap_bytes);
    struct drawing g = {.draw = d, .keep = a, .scratch = &scratch, .e = e};
    struct counter c = {
        .drawing = {.draw = d, .keep = &scratch, .scratch = &scratch, .e = e}};
    hits_init(&c.hits, block_of(d));
    enum status s = fill(&g, repeat, &r);
    if (s == STATUS_OK)
        s = count_hits(&c, repeat, &r);
    hits_fini(&c.hits);
    arena_fini(&scratch);
    if (s != STATUS_OK)
        return s;
    if (d->as_text)
        forget_ids(&r);
    if (!d->caching || d->arm == PLAN_ARM_OFF)
        r.expected_cached_tokens = 0;
    *out = r;
    return STATUS_OK;
}
