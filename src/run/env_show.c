#include "run/env_show.h"

#include <string.h>

#include "engines/vllm_python.h"
#include "probe/env.h"
#include "run/env_check.h"
#include "text/jsonw.h"

static const char *why_not(const struct vllm_python *p)
{
    return p->python == NULL ? "does not run" : "has no vLLM";
}

static void put_json(const struct vllm_python *p, struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_str(w, "path", p->path);
    jsonw_str(w, "source", p->source);
    jsonw_str(w, "python", p->python);
    jsonw_str(w, "vllm", p->vllm);
    jsonw_str(w, "vllm_neuron", p->neuron);
    jsonw_object_end(w);
}

static void put_text(const struct vllm_python *p, struct buf *out)
{
    buf_printf(out, "%s\n    %s%s%s%s (named by %s)\n", p->path,
               p->vllm != NULL ? "vLLM " : why_not(p), p->vllm != NULL ? p->vllm : "",
               p->neuron != NULL ? ", vllm-neuron " : "",
               p->neuron != NULL ? p->neuron : "", p->source);
}

enum status env_show_engines(const struct env_query *q, struct err *e)
{
    struct vllm_python *list = NULL;
    size_t count = 0;
    struct jsonw w;
    if (vllm_python_list(q->python, q->arena, &list, &count, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; !q->as_json && i < count; i++)
        put_text(&list[i], q->out);
    if (!q->as_json)
        return STATUS_OK;
    jsonw_init(&w, q->out, 2);
    jsonw_array(&w, NULL);
    for (size_t i = 0; i < count; i++)
        put_json(&list[i], &w);
    jsonw_array_end(&w);
    buf_char(q->out, '\n');
    return STATUS_OK;
}

/* python: NULL where there is none with vLLM, and then `why` says what was tried. */
static enum status collect(const struct env_query *q, struct vllm_python *python,
                           struct err *why, struct env *env, struct err *e)
{
    bool is_found = vllm_python_find(q->python, q->arena, python, why) == STATUS_OK;
    const struct env_request request = {
        .python = is_found ? python->path : q->python,
        .use_imds = !q->no_imds,
        .tool = q->tool,
    };
    if (!is_found)
        python->path = NULL;
    return env_collect(&request, q->arena, env, e);
}

enum status env_show_machine(const struct env_query *q, struct err *e)
{
    struct vllm_python python;
    struct err why;
    struct env env;
    struct jsonw w;
    if (collect(q, &python, &why, &env, e) != STATUS_OK)
        return e->code;
    if (!q->as_json)
        return env_text(env.json, q->out, e);
    /* no engine is running: its settings are not known */
    const char *whole = arena_printf(q->arena, "%.*s,\"engine\":null}",
                                     (int)(strlen(env.json) - 1), env.json);
    if (whole == NULL)
        return status_no_memory(e, "env");
    jsonw_init(&w, q->out, 2);
    jsonw_raw(&w, NULL, whole);
    buf_char(q->out, '\n');
    return STATUS_OK;
}

enum status env_show_check(const struct env_query *q, bool *is_short, struct err *e)
{
    struct vllm_python python;
    struct err why;
    struct env env;
    struct env_check_list list;
    char text[1024];
    if (collect(q, &python, &why, &env, e) != STATUS_OK)
        return e->code;
    if (python.path == NULL)
        status_format(&why, text, sizeof text);
    const struct env_check_facts facts = {env.json, python.path != NULL ? &python : NULL,
                                          text};
    env_check_all(&facts, q->arena, &list);
    *is_short = env_check_is_short(&list);
    if (q->as_json)
        env_check_json(&list, q->out);
    else
        env_check_text(&list, q->out);
    return STATUS_OK;
}
