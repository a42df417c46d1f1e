#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "probe/neuron_meter.h"
#include "probe_fixture.h"

static void reports_are_summed_over_applications(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct str rest = str_from(probe_fixture_text("neuron-monitor.jsonl", &a));
    assert_int_equal(neuron_meter_parse(str_cut(&rest, '\n')), -1); /* none runs */
    assert_int_equal(neuron_meter_parse(str_cut(&rest, '\n')), INT64_C(3221225472));
    assert_int_equal(neuron_meter_parse(str_cut(&rest, '\n')), 1234);
    assert_int_equal(neuron_meter_parse(str_from("half a li")), -1);
    arena_fini(&a);
}

static void sysfs_takes_the_greater_counter_of_each_core(void **state)
{
    (void)state;
    assert_int_equal(neuron_meter_sysfs(probe_fixture_path("inf2.xlarge")),
                     INT64_C(1500000000) + 700000000);
    assert_int_equal(neuron_meter_sysfs("/nowhere"), -1);
}

/* A monitor that writes the captured reports, the last of them in two pieces. */
static void a_monitor_is_read(void **state)
{
    (void)state;
    char script[4096];
    struct neuron_meter *m = NULL;
    struct err e;
    const char *dir = probe_fixture_dir();
    snprintf(script, sizeof script,
             "#!/bin/sh\ngrep -q '\"period\": \"1s\"' \"$2\" || exit 9\n"
             "head -n 2 %s\nprintf '{\"neuron_runtime'\nsleep 0.2\n"
             "echo '_data\":[{\"report\":{\"memory_used\":{\"neuron_runtime_used_bytes\":"
             "{\"neuron_device\":77}}}}]}'\nexec sleep 60\n",
             probe_fixture_path("neuron-monitor.jsonl"));
    probe_fixture_file(dir, "opt/aws/neuron/bin/neuron-monitor", script, true);
    assert_int_equal(neuron_meter_open(dir, &m, &e), STATUS_OK);
    int64_t bytes = -1;
    for (int i = 0; i < 400 && bytes != 77; i++) {
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.02)));
        bytes = neuron_meter_read(m);
        assert_true(bytes == -1 || bytes == INT64_C(3221225472) || bytes == 77);
    }
    neuron_meter_close(m);
    assert_int_equal(bytes, 77);
}

static void without_a_monitor_sysfs_is_read(void **state)
{
    (void)state;
    struct neuron_meter *m = NULL;
    struct err e;
    assert_int_equal(neuron_meter_open(probe_fixture_path("inf2.xlarge"), &m, &e),
                     STATUS_OK);
    assert_int_equal(neuron_meter_read(m), INT64_C(2200000000));
    neuron_meter_close(m);
    neuron_meter_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_summed_over_applications),
        cmocka_unit_test(sysfs_takes_the_greater_counter_of_each_core),
        cmocka_unit_test(a_monitor_is_read),
        cmocka_unit_test(without_a_monitor_sysfs_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
