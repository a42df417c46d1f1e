#include "text/jsonr_object.h"

#include "base/mem.h"

void jsonr_object_read(struct jsonr *r, const char *what, struct jsonr_object *o)
{
    struct str key;
    o->count = 0;
    jsonr_enter(r, '{');
    while (jsonr_member(r, &key)) {
        struct jsonr_value value = jsonr_value(r);
        if (o->count == JSONR_OBJECT_MAX)
            (void)jsonr_fail(r, "%s has more than %d members", what, JSONR_OBJECT_MAX);
        else if (!mem_grow(&o->pairs, o->count, &o->room, sizeof *o->pairs))
            jsonr_stop(r, STATUS_NO_MEMORY);
        else
            o->pairs[o->count++] = (struct jsonr_pair){key, value};
    }
}

void jsonr_object_fini(struct jsonr_object *o)
{
    mem_free(o->pairs);
    *o = (struct jsonr_object){0};
}

struct jsonr_pair *jsonr_object_find(const struct jsonr_object *o, const char *key)
{
    for (size_t i = o->count; i-- > 0;)
        if (str_is(o->pairs[i].key, key))
            return &o->pairs[i];
    return NULL;
}

struct jsonr_value jsonr_object_get(const struct jsonr_object *o, const char *key)
{
    const struct jsonr_pair *p = jsonr_object_find(o, key);
    return p != NULL ? p->value : (struct jsonr_value){.kind = JSONR_NONE};
}

int64_t jsonr_object_int(const struct jsonr_object *o, const char *key, int64_t none)
{
    int64_t whole;
    return jsonr_whole(jsonr_object_get(o, key), &whole) ? whole : none;
}

bool jsonr_object_bool(const struct jsonr_object *o, const char *key, bool none)
{
    struct jsonr_value v = jsonr_object_get(o, key);
    return v.kind == JSONR_BOOL ? *v.text.ptr == 't' : none;
}

double jsonr_object_num(const struct jsonr_object *o, const char *key)
{
    return jsonr_num(jsonr_object_get(o, key));
}

char *jsonr_object_text(const struct jsonr_object *o, const char *key, struct arena *a)
{
    return jsonr_text(jsonr_object_get(o, key), a);
}

bool jsonr_object_is(const struct jsonr_object *o, const char *key, const char *text)
{
    struct jsonr_value v = jsonr_object_get(o, key);
    return v.kind == JSONR_STRING && jsonr_text_is(jsonr_inner(v), text);
}
