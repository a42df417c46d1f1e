#include "track/ledger.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "text/json.h"
#include "text/jsonw.h"

#define CAP_BYTES ((size_t)256 << 20)
#define SAVE_S    1.0

static json_t *fresh(void)
{
    return json_pack("{s:i,s:[]}", "format", 1, "servers");
}

enum status ledger_open(struct ledger *l, const char *path, struct err *e)
{
    *l = (struct ledger){.path = path, .saved = clock_now()};
    struct err ignored;
    if (file_exists(path) &&
        json_from_file(path, CAP_BYTES, &l->root, &ignored) != STATUS_OK)
        l->root = NULL;
    if (!json_is_array(json_object_get(l->root, "servers"))) {
        json_decref(l->root);
        l->root = fresh();
    }
    return l->root != NULL ? STATUS_OK : status_no_memory(e, path);
}

static json_t *find(const struct ledger *l, const struct ledger_place *p)
{
    size_t i;
    json_t *server;
    json_array_foreach(json_object_get(l->root, "servers"), i, server)
    {
        if (json_str_is(server, "uri", p->uri) &&
            json_str_is(server, "experiment", p->experiment) &&
            json_str_is(server, "experiment_id", p->experiment_id))
            return server;
    }
    return NULL;
}

static void save(struct ledger *l)
{
    struct buf compact, text;
    struct jsonw w;
    buf_init(&compact, CAP_BYTES);
    buf_init(&text, CAP_BYTES);
    if (json_to_text(l->root, &compact) == STATUS_OK) {
        jsonw_init(&w, &text, 2);
        jsonw_raw(&w, NULL, buf_cstr(&compact));
        buf_char(&text, '\n');
    }
    const struct buf *written = compact.failed != STATUS_OK ? &compact : &text;
    l->is_changed = file_put(l->path, written, &l->failed) != STATUS_OK;
    l->saved = clock_now();
    buf_fini(&text);
    buf_fini(&compact);
}

void ledger_note(struct ledger *l, const struct ledger_place *p, const char *unique,
                 const char *run)
{
    json_t *server = find(l, p);
    if (server == NULL) {
        server = json_pack("{s:s,s:s,s:s,s:{}}", "uri", p->uri, "experiment",
                           p->experiment, "experiment_id", p->experiment_id, "rows");
        if (server == NULL ||
            json_array_append_new(json_object_get(l->root, "servers"), server) != 0)
            return; /* out of memory: the server is searched the next time */
    }
    json_t *rows = json_object_get(server, "rows");
    if (json_str_is(rows, unique, run))
        return;
    if (json_object_set_new(rows, unique, json_string(run)) == 0)
        l->is_changed = true;
    if (l->is_changed && clock_to_s(clock_since(l->saved)) >= SAVE_S)
        save(l);
}

void ledger_close(struct ledger *l)
{
    if (l->is_changed)
        save(l);
    json_decref(l->root);
    l->root = NULL;
}
