#include "stats/verdict.h"

#include <math.h>
#include <string.h>

enum { VERDICT_OF_ROW, VERDICT_OF_CELL };

static const struct verdict_rule rules[] = {
#define X(rule_code, rule_kind, scope, rule_field, rule_limit, rule_judge, rule_help) \
    {.code = #rule_code,                                                              \
     .kind = VERDICT_##rule_kind,                                                     \
     .is_cell = VERDICT_OF_##scope,                                                   \
     .field = rule_field,                                                             \
     .limit = rule_limit,                                                             \
     .help = rule_help,                                                               \
     .judge = verdict_##rule_judge},
    VERDICT_LIST(X)
#undef X
};

const struct verdict_rule *verdict_rules(size_t *count)
{
    *count = sizeof rules / sizeof *rules;
    return rules;
}

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {[VERDICT_INVALID] = "INVALID",
                                        [VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
                                        [VERDICT_WARNING] = "warning"};
    return names[kind];
}

const struct verdict_rule *verdict_find(const char *code)
{
    for (size_t i = 0; code != NULL && i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].code, code) == 0)
            return &rules[i];
    return NULL;
}

double verdict_limit(const struct run_data *run, const struct verdict_rule *rule)
{
    double limit = rule->limit;
    for (size_t i = 0; run != NULL && i < run->limit_count && !isnan(rule->limit); i++)
        if (strcmp(run->limits[i].code, rule->code) == 0)
            limit = run->limits[i].value;
    return limit;
}
