#include "stats/verdict.h"

#include <math.h>
#include <string.h>

enum { VERDICT_OF_ROW, VERDICT_OF_CELL };

const struct verdict_rule verdict_rules[RULE_COUNT] = {
#define X(rule_code, rule_kind, scope, rule_field, rule_limit, rule_judge, rule_help) \
    [RULE_##rule_code] = {.code = #rule_code,                                         \
                          .kind = VERDICT_##rule_kind,                                \
                          .is_cell = VERDICT_OF_##scope,                              \
                          .field = rule_field,                                        \
                          .limit = rule_limit,                                        \
                          .help = rule_help,                                          \
                          .judge = verdict_##rule_judge},
    VERDICT_LIST(X)
#undef X
};

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {[VERDICT_INVALID] = "INVALID",
                                        [VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
                                        [VERDICT_WARNING] = "warning"};
    return names[kind];
}

const struct verdict_rule *verdict_find(const char *code)
{
    for (int i = 0; code != NULL && i < RULE_COUNT; i++)
        if (strcmp(verdict_rules[i].code, code) == 0)
            return &verdict_rules[i];
    return NULL;
}

bool verdict_has(const struct findings *of, const char *code)
{
    for (size_t i = 0; of != NULL && i < of->count; i++)
        if (strcmp(of->items[i].code, code) == 0)
            return true;
    return false;
}

double verdict_limit(const struct run_data *run, enum rule_id id)
{
    double limit = verdict_rules[id].limit;
    bool has_one = !isnan(limit);
    for (size_t i = 0; run != NULL && i < run->limit_count && has_one; i++)
        if (strcmp(run->limits[i].code, verdict_rules[id].code) == 0)
            limit = run->limits[i].value;
    return limit;
}
