#include "stats/told.h"

/* Settings but those that inferbench itself says; and what loading cost. */
bool told_by_engine(enum field_id id)
{
    switch (id) {
    case FIELD_engine:
    case FIELD_engine_args:
    case FIELD_settings_sha256: return false;
    case FIELD_load_time_s:
    case FIELD_download_time_s:
    case FIELD_compile_time_s:
    case FIELD_weights_mb:
    case FIELD_kv_cache_mb: return true;
    default: return field_table[id].role == ROLE_SETTING;
    }
}
