#include "bench/session.h"

#include <string.h>

enum status session_open(struct session *s, const struct engine_watch *w, struct err *e)
{
    s->facts = (struct engine_facts){0};
    enum status st = s->ops->open(&s->settings, w, &s->engine, &s->facts, e);
    for (size_t i = 0; i < s->lane_count && st == STATUS_OK; i++)
        st = s->ops->lane_new(s->engine, &s->lanes[i], e);
    if (st == STATUS_OK)
        st = sampler_start(s->facts.root_pid, s->facts.hardware_type, &s->sampler, e);
    if (st == STATUS_OK)
        sampler_after_load(s->sampler);
    else
        session_close(s);
    return st;
}

static enum status tokenize_scenario(struct session *s, const struct scenario *sc,
                                     struct arena *a, struct err *e)
{
    struct engine_text *texts = arena_alloc(a, sc->text_count, sizeof *texts);
    if (texts == NULL)
        return status_no_memory(e, sc->name);
    for (size_t i = 0; i < sc->text_count; i++)
        texts[i].text = sc->texts[i].text;
    if (s->ops->tokenize(s->engine, texts, sc->text_count, a, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < sc->text_count; i++) {
        sc->texts[i].ids = texts[i].ids;
        sc->texts[i].id_count = texts[i].id_count;
    }
    return STATUS_OK;
}

enum status session_tokenize(struct session *s, const struct plan *plan, struct arena *a,
                             struct err *e)
{
    for (size_t i = 0; i < plan->options.scenario_count; i++) {
        const struct scenario *sc = &plan->options.scenarios[i];
        if (sc->text_count == 0 || sc->texts[0].ids != NULL)
            continue;
        if (tokenize_scenario(s, sc, a, e) != STATUS_OK)
            return e->code;
    }
    return plan_check_texts(plan, e);
}

void session_close(struct session *s)
{
    if (s->sampler != NULL)
        sampler_stop(s->sampler);
    if (s->engine != NULL)
        s->ops->close(s->engine);
    s->sampler = NULL;
    s->engine = NULL;
}
