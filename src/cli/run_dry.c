#include "cli/run_dry.h"

#include <inttypes.h>

void run_dry_scenarios(const struct scenario_list *scenarios, int64_t max_tokens,
                       struct buf *out)
{
    buf_printf(out, "%-18s %-22s %s\n", "scenario", "prompt tokens", "answer tokens");
    for (size_t i = 0; i < scenarios->count; i++) {
        const struct scenario *s = &scenarios->items[i];
        struct buf lengths;
        buf_init(&lengths, 128);
        if (s->text_count > 0)
            buf_printf(&lengths, "%zu texts", s->text_count);
        else if (s->shared_tokens > 0)
            buf_printf(&lengths, "%" PRId64 " (%" PRId64 " shared)",
                       s->shared_tokens + s->own_tokens, s->shared_tokens);
        else
            buf_printf(&lengths, "%" PRId64, s->own_tokens);
        int64_t answer = max_tokens != OPT_INT_UNSET ? max_tokens : s->max_tokens;
        buf_printf(out, "%-18s %-22s %" PRId64 "\n", s->name, buf_cstr(&lengths), answer);
        buf_fini(&lengths);
    }
}

void run_dry_order(size_t settings, struct buf *out)
{
    if (settings > 1)
        buf_text(
            out,
            "order: which prefix-caching setting runs first is drawn at the start\n");
}
