#include "row_fixture.h"

#include <string.h>

void row_fixture_fill(struct row *r, const char *machine, const char *scenario,
                      int64_t batch, double tokens_per_second)
{
    memset(r, 0, sizeof *r);
    r->v[FIELD_instance_type] = r->v[FIELD_label] = value_str(machine);
    r->v[FIELD_scenario] = value_str(scenario);
    r->v[FIELD_serving_mode] = value_str("offline");
    r->v[FIELD_model_name] = value_str("m");
    r->v[FIELD_batch_size] = value_int(batch);
    r->v[FIELD_enable_prefix_caching] = value_bool(false);
    r->v[FIELD_is_warmup] = value_bool(false);
    r->v[FIELD_tokens_per_second] = value_num(tokens_per_second);
    r->v[FIELD_verdict] = value_str("VALID");
}
