#include "engines/model_dir.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "text/digest.h"
#include "text/json.h"

#define CONFIG_CAP_BYTES ((size_t)16 << 20)
#define INDEX_CAP_BYTES  ((size_t)256 << 20)

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* The hub's local cache. */
static const char *hub_cache(struct arena *a)
{
    const char *at = variable("HF_HUB_CACHE");
    if (at != NULL)
        return at;
    if ((at = variable("HF_HOME")) != NULL)
        return arena_printf(a, "%s/hub", at);
    if ((at = variable("XDG_CACHE_HOME")) != NULL)
        return arena_printf(a, "%s/huggingface/hub", at);
    at = variable("HOME");
    return arena_printf(a, "%s/.cache/huggingface/hub", at != NULL ? at : "");
}

/* "org/name" as the cache names its folder: models--org--name. */
static const char *cached_name(const char *model, struct arena *a)
{
    const char *slash = strchr(model, '/');
    if (slash == NULL || strchr(slash + 1, '/') != NULL)
        return NULL;
    return arena_printf(a, "models--%.*s--%s", (int)(slash - model), model, slash + 1);
}

const char *model_dir_find(const char *model, struct arena *a)
{
    struct buf commit;
    struct err ignored;
    if (model == NULL || file_is_dir(model))
        return model;
    const char *cache = hub_cache(a), *name = cached_name(model, a);
    if (cache == NULL || name == NULL)
        return NULL;
    const char *ref = arena_printf(a, "%s/%s/refs/main", cache, name);
    const char *folder = NULL;
    buf_init(&commit, 256);
    if (ref != NULL && file_read(ref, &commit, &ignored) == STATUS_OK) {
        struct str id = str_trim(str_from(buf_cstr(&commit)));
        folder = arena_printf(a, "%s/%s/snapshots/%.*s", cache, name, (int)id.len,
                              id.ptr);
    }
    buf_fini(&commit);
    return folder != NULL && file_is_dir(folder) ? folder : NULL;
}

/* --- fingerprint */

static bool add_file(struct digest *d, const char *path, size_t cap)
{
    struct buf text;
    struct err ignored;
    buf_init(&text, cap);
    bool is_read = path != NULL && file_read(path, &text, &ignored) == STATUS_OK;
    if (is_read)
        digest_add(d, buf_cstr(&text), text.len);
    buf_fini(&text);
    return is_read;
}

/* "[" and the like in a folder's name are no patterns. */
static const char *escaped(const char *folder, struct arena *a)
{
    char *out = arena_alloc(a, strlen(folder) * 2 + 1, 1);
    char *to = out;
    for (const char *c = folder; out != NULL && *c != '\0'; c++) {
        if (strchr("*?[\\", *c) != NULL)
            *to++ = '\\';
        *to++ = *c;
    }
    return out;
}

/* A line "name size" for each file of weights, by name. */
static void add_weights(struct digest *d, const char *folder, struct arena *a)
{
    glob_t found;
    const char *where = escaped(folder, a);
    const char *pattern = where != NULL ? arena_printf(a, "%s/*.safetensors", where)
                                        : NULL;
    if (pattern == NULL || glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat about;
        if (stat(found.gl_pathv[i], &about) != 0)
            continue;
        const char *line = arena_printf(a, "%s %lld\n", file_base_name(found.gl_pathv[i]),
                                        (long long)about.st_size);
        if (line != NULL)
            digest_add(d, line, strlen(line));
    }
    globfree(&found);
}

const char *model_dir_fingerprint(const char *folder, struct arena *a)
{
    struct digest d;
    char hex[DIGEST_HEX_BYTES];
    if (folder == NULL || digest_init(&d) != STATUS_OK)
        return NULL;
    bool is_model = add_file(&d, arena_printf(a, "%s/config.json", folder),
                             CONFIG_CAP_BYTES);
    if (is_model &&
        !add_file(&d, arena_printf(a, "%s/model.safetensors.index.json", folder),
                  INDEX_CAP_BYTES))
        add_weights(&d, folder, a);
    digest_hex(&d, hex);
    return is_model ? arena_strdup(a, hex) : NULL;
}

/* --- config.json */

/* The object that describes the text model, a new reference; NULL: none. */
static json_t *text_config(const char *folder, struct arena *a)
{
    json_t *root = NULL;
    struct err ignored;
    const char *path = folder != NULL ? arena_printf(a, "%s/config.json", folder) : NULL;
    if (path == NULL ||
        json_from_file(path, CONFIG_CAP_BYTES, &root, &ignored) != STATUS_OK)
        return NULL;
    json_t *text = json_object_get(root, "text_config");
    if (!json_is_object(text))
        return root;
    (void)json_incref(text);
    json_decref(root);
    return text;
}

int64_t model_dir_vocabulary(const char *folder, struct arena *a)
{
    json_t *config = text_config(folder, a);
    int64_t size = json_range_of(config, "vocab_size", 1, JSON_IDS_MAX, 0);
    json_decref(config);
    return size;
}
