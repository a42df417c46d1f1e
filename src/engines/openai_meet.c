#include "engines/openai_meet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"

#define CALL_LEAST_S   1.0  /* else a wait of 0 s could not even ask once */
#define DEFAULT_URL_S  30.0 /* nobody listens where nobody said that somebody does */
#define SAY_AFTER_S    2.0
#define POLL_S         0.25
#define LIMITED_S      1.0 /* after a 429: twice as long each time, up to the most */
#define LIMITED_MOST_S 30.0
#define MODEL_NAME_CAP 1024

/* What a look at the server has found. */
enum look { LOOK_READY, LOOK_NOT_YET, LOOK_REFUSED };

struct wait {
    struct openai_server *s;
    const struct engine_watch *watch;
    struct proc *launched; /* or NULL */
    const char *wanted;    /* model, or NULL */
    struct instant start, limit;
    double most_s;  /* between them */
    double pause_s; /* before the next look */
    struct err why; /* of the latest look */
};

/* --- one look */

/* No call outlasts the wait that it belongs to. */
static enum status ask(struct wait *w, const char *url, struct openai_server_answer *a)
{
    double left_s = clock_to_s(clock_between(clock_now(), w->limit));
    rest_set_timeout(w->s->rest, fmin(fmax(left_s, CALL_LEAST_S), OPENAI_SERVER_CALL_S));
    enum status st = openai_server_ask(w->s, "GET", url, a, &w->why);
    rest_set_timeout(w->s->rest, OPENAI_SERVER_CALL_S);
    return st;
}

static const char *below(struct openai_server *s, const char *base, const char *path)
{
    return arena_text(s->arena, "%s%s", base, path);
}

/* 501, 505: what it cannot do it will not do later. */
static bool is_later(int status)
{
    return (status >= 500 && status != 501 && status != 505) || status == 429 ||
           status == 408 || status == 425;
}

static const char answers[] = "answers with HTTP";

static void tell_status(struct wait *w, const struct openai_server_answer *a)
{
    char location[100] = "";
    const char *at = strcasestr(a->call.headers, "\nlocation:");
    if (a->call.status / 100 == 3 && at != NULL)
        (void)snprintf(location, sizeof location, ", which redirects to%.*s",
                       (int)strcspn(at + 10, "\n"), at + 10);
    status_fail(&w->why, STATUS_BAD_INPUT, a->call.url, "%s %d%s%s%s", answers,
                a->call.status, location, a->said[0] != '\0' ? ": " : "", a->said);
}

/* A list: {"data": [...]}, {"models": [...]} or bare. */
static json_t *list_of(json_t *root)
{
    json_t *list = json_is_array(root) ? root : json_object_get(root, "data");
    return json_is_array(list) ? list : json_object_get(root, "models");
}

/* A text that can name a model; NULL. */
static const char *name_in(const json_t *value)
{
    size_t len = json_string_length(value);
    return len > 0 && len <= MODEL_NAME_CAP ? json_string_value(value) : NULL;
}

/* "id", or what others call it; NULL. */
static const char *id_of(const json_t *item)
{
    const char *id = name_in(json_object_get(item, "id"));
    if (id == NULL)
        id = name_in(json_object_get(item, "name"));
    return id != NULL ? id : name_in(item);
}

/* transformers serve lists what lies in the hub's cache: "owner/name", of that owner,
 * since a time with a fraction. */
static bool is_of_cache(const json_t *item, const char *owner)
{
    const char *id = id_of(item);
    size_t len = owner != NULL ? strlen(owner) : 0;
    return len > 0 && id != NULL && strncmp(id, owner, len) == 0 && id[len] == '/' &&
           json_is_real(json_object_get(item, "created"));
}

static void recognise(struct openai_server *s, const char *headers)
{
    const json_t *first = json_array_get(s->models, 0);
    const char *owner = json_string_value(json_object_get(first, "owned_by"));
    s->is_simulated = owner != NULL && strstr(owner, "simulated") != NULL;
    if (s->dialect == NULL)
        s->dialect = openai_dialect_of(owner, headers);
    if (s->dialect == NULL && is_of_cache(first, owner))
        s->dialect = openai_dialect_find("transformers");
}

static const char no_list[] = "Is it an OpenAI-compatible server, and has --base-url the "
                              "path of its API? One without a list needs --model";

static enum look keep_models(struct wait *w, const struct openai_server_answer *a)
{
    json_t *list = list_of(a->root);
    w->s->models = json_is_array(list) ? json_incref(list) : NULL;
    recognise(w->s, a->call.headers);
    if (w->s->models != NULL || w->wanted != NULL)
        return LOOK_READY;
    status_fail(&w->why, STATUS_BAD_INPUT, a->call.url, "is no list of models%s%s",
                a->said[0] != '\0' ? ": " : "", a->said);
    (void)status_hint(&w->why, no_list);
    return LOOK_REFUSED;
}

/* The server has answered, with something else than a list. */
static enum look refused(struct wait *w, const struct openai_server_answer *a)
{
    recognise(w->s, a->call.headers);
    if (w->wanted != NULL)
        return LOOK_READY;
    tell_status(w, a);
    /* LiteLLM's answer to a wrong key, where it has no database of keys */
    bool is_unknown = strstr(a->said, "No connected db") != NULL;
    bool needs_key = a->call.status == 401 || a->call.status == 403 || is_unknown;
    (void)status_hint(&w->why, needs_key
                                   ? "It requires an API key: set OPENAI_API_KEY or "
                                     "--api-key-file"
                                   : no_list);
    return LOOK_REFUSED;
}

/* A path that nobody called the API's whole: the list may also stand right below it. */
static enum status ask_bare(struct wait *w, struct openai_server_answer *a)
{
    struct openai_server *s = w->s;
    struct openai_server_answer bare;
    if (!s->is_guess || a->call.status / 100 != 4)
        return STATUS_OK;
    enum status st = ask(w, below(s, s->base, "/models"), &bare);
    if (st == STATUS_OK && list_of(bare.root) != NULL) {
        s->is_bare = true;
        s->api = s->base;
        json_decref(a->root);
        *a = bare;
        return STATUS_OK;
    }
    json_decref(bare.root);
    return st == STATUS_NO_MEMORY ? st : STATUS_OK;
}

/* What no further look would mend: TLS, an unknown name, an answer without end. */
static enum look look_of(struct wait *w, enum status failure)
{
    if (failure == STATUS_TOO_BIG && w->wanted != NULL)
        return LOOK_READY;
    if (failure == STATUS_TOO_BIG)
        (void)status_hint(&w->why, no_list);
    return failure == STATUS_UNSUPPORTED || failure == STATUS_NOT_FOUND ||
                   failure == STATUS_TOO_BIG || failure == STATUS_NO_MEMORY
               ? LOOK_REFUSED
               : LOOK_NOT_YET;
}

/* A server that is asked too often is asked less often, and when it says so. */
static void set_pause(struct wait *w, const struct rest_call *call)
{
    bool was_limited = w->pause_s > POLL_S;
    double told_s = (double)call->retry_after_s;
    if (call->status != 429) {
        w->pause_s = POLL_S;
        return;
    }
    w->pause_s = fmin(was_limited ? 2 * w->pause_s : LIMITED_S, LIMITED_MOST_S);
    w->pause_s = fmax(w->pause_s, fmin(told_s, LIMITED_MOST_S));
}

static enum look look_at_models(struct wait *w)
{
    struct openai_server_answer a;
    enum look found = LOOK_NOT_YET;
    enum status st = ask(w, below(w->s, w->s->api, "/models"), &a);
    if (st == STATUS_OK)
        st = ask_bare(w, &a);
    if (st != STATUS_OK)
        found = look_of(w, st);
    else if (is_later(a.call.status) && (a.call.status != 429 || w->wanted == NULL)) {
        tell_status(w, &a);
        set_pause(w, &a.call);
    } else
        found = a.call.status == 200 ? keep_models(w, &a) : refused(w, &a);
    json_decref(a.root);
    return found;
}

/* 404, 401 and the like: it has none for us. */
static enum look look_at_health(struct wait *w)
{
    struct openai_server_answer a;
    enum status st = ask(w, below(w->s, w->s->base, "/health"), &a);
    json_decref(a.root);
    if (st == STATUS_OK && !is_later(a.call.status))
        return LOOK_READY;
    if (st == STATUS_OK)
        tell_status(w, &a);
    return st == STATUS_OK ? LOOK_NOT_YET : look_of(w, st);
}

static bool is_version(const json_t *root)
{
    return json_is_string(json_object_get(root, "version"));
}

/* Does a page have what only one kind of server says there? */
static bool says_so(struct wait *w, const char *path, bool (*is_sign)(const json_t *))
{
    struct openai_server_answer a;
    struct err kept = w->why;
    enum status st = ask(w, below(w->s, w->s->base, path), &a);
    bool is_so = st == STATUS_OK && is_sign(a.root);
    w->why = kept;
    if (is_so && is_sign == is_version)
        w->s->version = json_incref(a.root);
    json_decref(a.root);
    return is_so;
}

static bool is_alive(const json_t *root)
{
    const char *text = json_string_value(root);
    return text != NULL && strcmp(text, "I'm alive!") == 0;
}

/* Where neither models nor headers tell: vLLM's own page, and LiteLLM's, whose list of
 * models is like OpenAI's; this one asks no model. */
static void look_at_pages(struct wait *w)
{
    const char *name = says_so(w, "/version", is_version)           ? "vllm"
                       : says_so(w, "/health/liveliness", is_alive) ? "litellm"
                                                                    : "other";
    w->s->dialect = openai_dialect_find(name);
}

static enum look look(struct wait *w)
{
    json_decref(w->s->models);
    w->s->models = NULL;
    w->why = (struct err){.code = STATUS_OK};
    enum look l = w->launched != NULL ? look_at_health(w) : LOOK_READY;
    if (l == LOOK_READY)
        l = look_at_models(w);
    if (l == LOOK_READY && w->s->dialect == NULL)
        look_at_pages(w);
    if (l == LOOK_READY && w->launched == NULL &&
        (w->s->dialect->traits & OPENAI_HAS_HEALTH) != 0)
        l = look_at_health(w);
    return l;
}

/* --- the wait */

static enum status launched_died(struct proc *p, struct err *e)
{
    struct proc_end end;
    char how[64];
    (void)proc_has_ended(p, &end);
    proc_end_text(end, how, sizeof how);
    return status_fail(e, STATUS_DIED, "server", "exited during startup: %s", how);
}

static bool is_refused(const struct wait *w)
{
    return strstr(w->why.what, "refused") != NULL;
}

static double waited_s(const struct wait *w)
{
    return clock_to_s(clock_since(w->start));
}

/* How long it waits, s. */
static double most_of(const struct wait *w)
{
    bool is_default = w->s->options->is_default_url && w->most_s > DEFAULT_URL_S;
    return is_default && is_refused(w) ? DEFAULT_URL_S : w->most_s;
}

static void tick(const struct wait *w)
{
    char stage[200];
    if (is_refused(w) && waited_s(w) > SAY_AFTER_S && w->launched == NULL)
        snprintf(stage, sizeof stage,
                 "nobody listens on %.60s; is the server running? --base-url sets its "
                 "address; waiting up to %g s",
                 w->s->base, most_of(w));
    else
        snprintf(stage, sizeof stage, "waiting for %.70s%s%.60s", w->s->base,
                 w->why.what[0] != '\0' ? ": " : "", w->why.what);
    struct engine_progress p = {.stage = stage, .since = w->start};
    if (w->watch != NULL && w->watch->tick != NULL)
        w->watch->tick(w->watch->arg, &p);
}

static enum status not_ready(const struct wait *w, struct err *e)
{
    char within[40] = ""; /* of a server that was waited for before */
    if (w->most_s > 0)
        (void)snprintf(within, sizeof within, " within %g s", most_of(w));
    status_fail(e, STATUS_TIMEOUT, w->s->base, "not ready%s: %s", within, w->why.what);
    if (strncmp(w->why.what, answers, strlen(answers)) == 0)
        return status_hint(e, "Its log says why. Wait longer with --ready-timeout");
    return status_hint(
        e, "%s Set its address with --base-url, wait longer with --ready-timeout",
        is_refused(w) ? "Is the server running, and is the address right?"
                      : "Is the address right, and http or https as the server expects?");
}

static bool is_over(const struct wait *w)
{
    return waited_s(w) >= most_of(w) || !clock_before(clock_now(), w->limit);
}

static bool is_stopped(const struct wait *w)
{
    return w->watch != NULL && w->watch->stop != NULL && w->watch->stop(w->watch->arg);
}

/* Waits for the time of the next look, or for the end of the wait. */
static bool has_been_stopped(const struct wait *w)
{
    struct instant next = clock_after(clock_now(), clock_seconds(w->pause_s));
    next = clock_before(w->limit, next) ? w->limit : next;
    while (clock_before(clock_now(), next) && !is_stopped(w)) {
        struct instant soon = clock_after(clock_now(), clock_seconds(POLL_S));
        clock_sleep_until(clock_before(next, soon) ? next : soon);
        tick(w);
    }
    return is_stopped(w);
}

static enum status wait_for(struct wait *w, struct err *e)
{
    for (;;) {
        tick(w);
        enum look l = look(w);
        if (l == LOOK_READY)
            return STATUS_OK;
        if (l == LOOK_REFUSED) {
            *e = w->why;
            return e->code;
        }
        if (w->launched != NULL && proc_has_ended(w->launched, NULL))
            return launched_died(w->launched, e);
        if (is_over(w))
            return not_ready(w, e);
        if (has_been_stopped(w))
            return status_fail(e, STATUS_INTERRUPTED, w->s->base, "stopped by a signal");
    }
}

/* A server not ours that was waited for in vain is not waited for again. */
enum status openai_meet_wait(struct openai_server *s, const struct engine_watch *w,
                             struct proc *launched, const char *wanted, struct err *e)
{
    const struct engine_target *o = s->options;
    double *left_s = launched == NULL ? o->ready_left_s : NULL;
    struct wait wait = {.s = s,
                        .watch = w,
                        .launched = launched,
                        .wanted = wanted,
                        .start = clock_now(),
                        .pause_s = POLL_S,
                        .most_s = left_s != NULL ? *left_s : o->ready_timeout_s};
    wait.limit = clock_after(wait.start, clock_seconds(wait.most_s));
    enum status st = wait_for(&wait, e);
    if (left_s != NULL)
        *left_s = st == STATUS_TIMEOUT ? 0 : o->ready_timeout_s;
    return st;
}

/* --- models */

/* The ids, for an error: "a, b". */
static void list_models(const json_t *data, char *out, size_t room)
{
    size_t i, used = 0;
    json_t *item;
    out[0] = '\0';
    json_array_foreach(data, i, item)
    {
        const char *id = id_of(item);
        if (id != NULL && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%s",
                                     used > 0 ? ", " : "", id);
    }
}

/* The entry with that id, the first one where wanted is NULL; NULL: none. */
static const json_t *find_model(const json_t *data, const char *wanted)
{
    size_t i;
    json_t *item;
    json_array_foreach(data, i, item)
    {
        const char *id = id_of(item);
        if (id != NULL && (wanted == NULL || strcmp(id, wanted) == 0))
            return item;
    }
    return NULL;
}

bool openai_meet_lists(const struct openai_server *s, const char *model)
{
    return find_model(s->models, model) != NULL;
}

void openai_meet_names(const struct openai_server *s, char *out, size_t room)
{
    list_models(s->models, out, room);
}

static bool has_others(const json_t *data, const char *id)
{
    size_t i;
    json_t *item;
    json_array_foreach(data, i, item)
    {
        const char *other = id_of(item);
        if (other != NULL && strcmp(other, id) != 0)
            return true;
    }
    return false;
}

static enum status pick_model(const struct openai_server *s, const char *wanted,
                              const json_t **found, struct err *e)
{
    char names[256];
    bool is_whole = s->models != NULL && (s->dialect->traits & OPENAI_LISTS_ALL) != 0;
    *found = find_model(s->models, wanted);
    list_models(s->models, names, sizeof names);
    if (*found == NULL && wanted == NULL) {
        status_fail(e, STATUS_NOT_FOUND, s->base, "lists no model");
        return status_hint(e, "Name one with --model");
    }
    if (*found == NULL && is_whole) {
        status_fail(e, STATUS_NOT_FOUND, s->base, "does not serve \"%s\"", wanted);
        return status_hint(e, "It serves: %s", names[0] != '\0' ? names : "nothing");
    }
    if (wanted == NULL && has_others(s->models, id_of(*found))) {
        status_fail(e, STATUS_BAD_OPTION, "--model", "%s serves several models", s->base);
        return status_hint(e, "Choose one with --model: %s", names);
    }
    return STATUS_OK;
}

enum status openai_meet_model(struct openai_server *s, const char *wanted,
                              const char **model, int64_t *max_model_len, struct err *e)
{
    const json_t *found = NULL;
    *max_model_len = 0;
    if (pick_model(s, wanted, &found, e) != STATUS_OK)
        return e->code;
    const json_t *meta = json_object_get(found, "meta");
    *max_model_len = json_range_of(found, "max_model_len", 1, JSON_COUNT_MAX, 0);
    s->vocab_size = json_range_of(meta, "n_vocab", 1, JSON_IDS_MAX, 0);
    s->loaded = arena_strdup(s->arena, json_string_value(json_object_get(found, "root")));
    *model = arena_strdup(s->arena, found != NULL ? id_of(found) : wanted);
    return *model != NULL ? STATUS_OK : status_no_memory(e, s->base);
}
