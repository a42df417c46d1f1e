#include "plan/prompts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

#define NAME_BYTES 256
#define CELL_BYTES 32

/* Unique by construction, without a look at other repeats: prompt n of a cell (counted
 * over all repeats) starts its own part with the digits, in base V = number of ids, of
 * (multiplier * n + offset) mod V^digits. That is a bijection when the multiplier has no
 * common factor with V, so all these starts differ; digits is the least number that
 * suffices, 1 in practice: then no two own parts share even their first token, and the
 * shared prefix is all that a cache can find. */
struct numbering {
    uint64_t base, modulus, multiplier, offset;
    int64_t digits;
};

int64_t prompts_id_end(int64_t vocab_size)
{
    return vocab_size * 98 / 100;
}

static const char *cell_name(const struct prompts *p, char number[CELL_BYTES])
{
    if (p->cell != NULL)
        return p->cell;
    snprintf(number, CELL_BYTES, "%" PRId64, p->batch_size);
    return number;
}

static int64_t count_of(const struct prompts *p)
{
    return p->count > 0 ? p->count : p->batch_size;
}

static uint64_t common_factor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void numbering_init(struct numbering *n, const struct prompts *p)
{
    uint64_t total = (uint64_t)(p->batch_size * p->num_runs);
    char name[NAME_BYTES], cell[CELL_BYTES];
    struct rng rng;

    *n = (struct numbering){
        .base = (uint64_t)(prompts_id_end(p->vocab_size) - PROMPTS_FIRST_ID),
        .modulus = 1};
    while (n->modulus < total) {
        n->modulus *= n->base; /* < 10^9 * 2^24 */
        n->digits++;
    }
    snprintf(name, sizeof name, "unique/%s/%s", p->scenario, cell_name(p, cell));
    rng_init(&rng, (uint64_t)p->seed, name);
    n->multiplier = 1 + rng_below(&rng, UINT64_C(1) << 31);
    while (common_factor(n->multiplier, n->modulus) != 1)
        n->multiplier++;
    n->offset = rng_below(&rng, n->modulus);
}

/* Writes the digits; the product stays below 2^62. */
static void number_prompt(const struct numbering *n, uint64_t ordinal, int32_t *out)
{
    if (n->modulus == 0 || n->base == 0)
        return; /* an empty prompt has no digits */
    uint64_t v = (n->multiplier * ordinal % n->modulus + n->offset) % n->modulus;

    for (int64_t i = 0; i < n->digits; i++) {
        out[i] = (int32_t)(PROMPTS_FIRST_ID + v % n->base);
        v /= n->base;
    }
}

static void draw_ids(const struct prompts *p, const char *name, int32_t *out,
                     int64_t count)
{
    uint64_t ids = (uint64_t)(prompts_id_end(p->vocab_size) - PROMPTS_FIRST_ID);
    struct rng rng;

    rng_init(&rng, (uint64_t)p->seed, name);
    for (int64_t i = 0; i < count; i++)
        out[i] = (int32_t)(PROMPTS_FIRST_ID + rng_below(&rng, ids));
}

static enum status check(const struct prompts *p, struct err *e)
{
    if (p->vocab_size <= 32 || p->vocab_size > PROMPTS_MAX_VOCAB) {
        status_fail(e, STATUS_BAD_OPTION, "vocabulary",
                    "%" PRId64 " ids: 33 to %" PRId64 " are possible", p->vocab_size,
                    PROMPTS_MAX_VOCAB);
        return status_hint(e, "Set the model's real size with --vocab-size");
    }
    if (p->batch_size < 1 || p->num_runs < 1 ||
        p->num_runs > PROMPTS_MAX_COUNT / p->batch_size) {
        status_fail(e, STATUS_BAD_OPTION, p->scenario,
                    "batch size %" PRId64 " x %" PRId64 " runs: more than %" PRId64
                    " prompts",
                    p->batch_size, p->num_runs, PROMPTS_MAX_COUNT);
        return status_hint(e, "Use smaller --batch-sizes or --num-runs");
    }
    return STATUS_OK;
}

static enum status too_alike(const struct prompts *p, struct err *e)
{
    status_fail(e, STATUS_BAD_OPTION, p->scenario,
                "%" PRId64 " own tokens from a vocabulary of %" PRId64
                " cannot make %" PRId64 " different prompts",
                p->own_tokens, p->vocab_size, p->batch_size * p->num_runs);
    return status_hint(e, "Give the scenario more unshared prompt tokens");
}

/* The first one is drawn as if it were alone. */
static void draw_prefix(const struct prompts *p, int64_t repeat, int64_t which,
                        int32_t *out)
{
    char name[NAME_BYTES], number[CELL_BYTES], turn[CELL_BYTES] = "warm",
                                               last[CELL_BYTES];
    const char *cell = cell_name(p, number);

    if (!p->is_prefix_warm)
        snprintf(turn, sizeof turn, "%" PRId64, repeat);
    snprintf(last, sizeof last, "/%" PRId64, which);
    snprintf(name, sizeof name, "prefix/%s/%s/%s%s", p->scenario, cell, turn,
             which > 0 ? last : "");
    draw_ids(p, name, out, p->shared_tokens);
}

static void draw_repeat(const struct prompts *p, const struct numbering *n,
                        int64_t repeat, int32_t *ids)
{
    int64_t length = p->shared_tokens + p->own_tokens;
    int64_t prefixes = p->prefixes > 1 ? p->prefixes : 1;
    char name[NAME_BYTES], number[CELL_BYTES];
    const char *cell = cell_name(p, number);

    for (int64_t i = 0; i < count_of(p); i++) {
        int32_t *prompt = ids + i * length;
        if (i < prefixes)
            draw_prefix(p, repeat, i, prompt);
        else
            memmove(prompt, ids + i % prefixes * length,
                    (size_t)p->shared_tokens * sizeof *ids);
        snprintf(name, sizeof name, "prompt/%s/%s/%" PRId64 "/%" PRId64, p->scenario,
                 cell, repeat, i);
        draw_ids(p, name, prompt + p->shared_tokens, p->own_tokens);
        number_prompt(n, (uint64_t)(repeat * p->batch_size + i),
                      prompt + p->shared_tokens);
    }
}

enum status prompts_draw(const struct prompts *p, int64_t repeat, struct arena *a,
                         int32_t **out, struct err *e)
{
    struct numbering n;
    enum status s = check(p, e);

    if (s != STATUS_OK)
        return s;
    numbering_init(&n, p);
    if (n.digits > p->own_tokens)
        return too_alike(p, e);
    int64_t length = p->shared_tokens + p->own_tokens;
    int64_t count = count_of(p);
    int32_t *ids = arena_alloc(a, (size_t)count, (size_t)length * sizeof *ids);
    if (ids == NULL) {
        status_fail(e, STATUS_NO_MEMORY, p->scenario,
                    "out of memory for %" PRId64 " prompts of %" PRId64 " tokens", count,
                    length);
        return status_hint(e, "Use fewer prompts (--batch-sizes, --num-prompts)");
    }
    draw_repeat(p, &n, repeat, ids);
    *out = ids;
    return STATUS_OK;
}
