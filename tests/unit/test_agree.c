#include "stats/agree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* A letter a place: Must, Said, - silent. */
static void agrees(enum field_id id, const char *want)
{
    static const char letters[] = {
        [AGREE_SILENT] = '-', [AGREE_SAID] = 'S', [AGREE_MUST] = 'M'};
    char got[AGREE_WHERE_COUNT + 1] = "";
    for (int k = 0; k < AGREE_WHERE_COUNT; k++)
        got[k] = letters[agree_of(id, (enum agree_where)k)];
    if (strcmp(got, want) != 0)
        fail_msg("%s: %s, not %s", field_table[id].name, got, want);
}

static void test_roles(void **state)
{
    (void)state; /* in a cell, ON / OFF, machines, GPU / Neuron, models, chosen, floor */
    agrees(FIELD_notes, "-------");
    agrees(FIELD_slo, "-------");
    agrees(FIELD_launch_id, "-------");
    agrees(FIELD_ttft_p99_s, "-------");
    agrees(FIELD_requests_ok, "-------");
    agrees(FIELD_verdict, "-------");
    agrees(FIELD_scenario, "MMMMMMM");
    agrees(FIELD_endpoint, "MMMMMMM");
    agrees(FIELD_engine_args, "MMSSSSS");
    agrees(FIELD_enforce_eager, "MMSSSSS");
    agrees(FIELD_devices, "MMSSSSS");
    agrees(FIELD_engine_version, "MMSSSSM");
    agrees(FIELD_seed, "MMSSSS-");
    agrees(FIELD_temperature, "MMSSSSM");
    agrees(FIELD_num_prompts, "MMSSSSM");
    agrees(FIELD_plan_sha256, "MMSSSS-");
    agrees(FIELD_machine_sha256, "MM--SSM");
}

static void test_exceptions(void **state)
{
    (void)state;
    agrees(FIELD_label, "MM-----");
    agrees(FIELD_is_simulated, "MMMMMMM");
    agrees(FIELD_enable_prefix_caching, "MMMMMMS");
    agrees(FIELD_max_num_seqs, "MMMSMSS");
    agrees(FIELD_dtype, "MMMSMSS");
    agrees(FIELD_settings_sha256, "M-----S");
    agrees(FIELD_kv_cache_tokens, "MSSSSSS");
    agrees(FIELD_ramp_up_s, "MMMMMMM");
    agrees(FIELD_is_streamed, "MMMMMMM");
    agrees(FIELD_extra_body, "MMMMMMM");
    agrees(FIELD_driver_version, "MMSSSSM");
    agrees(FIELD_instance_type, "MM--MS-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
