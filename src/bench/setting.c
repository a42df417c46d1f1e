#include "bench/setting.h"

#include <string.h>

#include "plan/hash.h"

#define LAUNCH_DIGITS 32

/* Room of the KV cache follows from what memory a launch finds. */
static bool is_of_setting(enum field_id id)
{
    return field_table[id].role == ROLE_SETTING && id != FIELD_kv_cache_tokens &&
           id != FIELD_settings_sha256;
}

/* Names and values; what is unknown is left out, so that a field which an engine never
 * tells changes nothing when it is added to the table. */
static bool hash_settings(const struct row *f, char out[DIGEST_HEX_BYTES])
{
    struct digest d;
    if (digest_init(&d) != STATUS_OK)
        return false;
    for (int id = 0; id < FIELD_COUNT; id++) {
        if (!is_of_setting((enum field_id)id) || !value_is_known(f->v[id]))
            continue;
        plan_hash_text(&d, field_table[id].name);
        plan_hash_value(&d, f->v[id]);
    }
    digest_hex(&d, out);
    return true;
}

/* kind and what are of one launch alone, together with number where it is not 0. */
static const char *launch_id(const char *kind, const char *what, int64_t number,
                             struct arena *a)
{
    char hex[DIGEST_HEX_BYTES];
    struct digest d;
    if (digest_init(&d) != STATUS_OK)
        return NULL;
    plan_hash_text(&d, kind);
    plan_hash_text(&d, what);
    plan_hash_int(&d, number);
    digest_hex(&d, hex);
    return arena_str(a, (struct str){.ptr = hex, .len = LAUNCH_DIGITS});
}

enum status setting_fill(const struct setting_place *p, const struct engine_facts *facts,
                         struct arena *a, struct row *f, struct err *e)
{
    char hex[DIGEST_HEX_BYTES];
    const char *source = "started", *what = p->run_id;
    int64_t number = p->opening;
    f->v[FIELD_setting_position] = value_int(p->position);
    f->v[FIELD_setting_number] = value_int(p->number);
    f->v[FIELD_engine] = value_str(p->engine);
    if (facts == NULL)
        return STATUS_OK;
    if (facts->process != NULL) { /* not ours: however often it was opened */
        bool is_known = *facts->process != '\0';
        source = is_known ? "metrics" : "run";
        what = is_known ? facts->process : p->run_id;
        number = 0;
    }
    const char *id = launch_id(source, what, number, a);
    const char *digest = hash_settings(f, hex) ? arena_strdup(a, hex) : NULL;
    if (id == NULL || digest == NULL)
        return status_no_memory(e, "setting");
    f->v[FIELD_launch_id] = value_str(id);
    f->v[FIELD_launch_source] = value_str(source);
    f->v[FIELD_settings_sha256] = value_str(digest);
    return STATUS_OK;
}
