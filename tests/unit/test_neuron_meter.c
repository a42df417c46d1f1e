#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/neuron_meter.h"
#include "probe_fixture.h"

static void reports_are_read(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct str rest = str_from(probe_fixture_text("neuron-monitor.jsonl", &a));
    const struct neuron_meter_own any = {.tag = "x", .root = ""};
    assert_int_equal(neuron_meter_parse(str_cut(&rest, '\n'), &any), -1); /* none runs */
    assert_int_equal(neuron_meter_parse(str_cut(&rest, '\n'), &any), INT64_C(3221225472));
    struct str two = str_cut(&rest, '\n');
    assert_int_equal(neuron_meter_parse(two, &any), NEURON_METER_OTHERS);
    assert_int_equal(neuron_meter_parse(str_from("half a li"), &any), -1);
    arena_fini(&a);
}

#define APPLICATION(pid, tag, bytes)                                                    \
    "{\"pid\":" pid ",\"neuron_runtime_tag\":\"" tag "\",\"report\":{\"memory_used\":{" \
    "\"neuron_runtime_used_bytes\":{\"neuron_device\":" bytes "},\"error\":\"\"}}}"

/* Of several applications on a device ours alone counts; whose is not known, none. */
static void only_our_application_counts(void **state)
{
    (void)state;
    char own_pid[32], report[2048];
    const int32_t pids[] = {41, 42};
    const struct neuron_meter_own own = {pids, 2, "inferbench-7", ""};
    const struct neuron_meter_own unknown = {.tag = "inferbench-7", .root = ""};
    static const char two[] = "{\"neuron_runtime_data\":[" APPLICATION(
        "42", "42", "100") "," APPLICATION("99", "99", "5000") "]}";
    static const char tagged[] = "{\"neuron_runtime_data\":[" APPLICATION(
        "9", "inferbench-7", "300") "," APPLICATION("99", "99", "5000") "]}";
    static const char others[] = "{\"neuron_runtime_data\":[" APPLICATION(
        "98", "98", "300") "," APPLICATION("99", "99", "5000") "]}";
    assert_int_equal(neuron_meter_parse(str_from(two), &own), 100);
    assert_int_equal(neuron_meter_parse(str_from(two), &unknown), NEURON_METER_OTHERS);
    assert_int_equal(neuron_meter_parse(str_from(tagged), &own), 300);
    assert_int_equal(neuron_meter_parse(str_from(tagged), &unknown), 300);
    assert_int_equal(neuron_meter_parse(str_from(others), &own), NEURON_METER_OTHERS);
    /* an only one: ours under a container's number, or a neighbour that we can see */
    assert_int_equal(neuron_meter_parse(str_from("{\"neuron_runtime_data\":[" APPLICATION(
                                            "999999999", "999999999", "77") "]}"),
                                        &own),
                     77);
    snprintf(own_pid, sizeof own_pid, "%d", (int)getpid());
    snprintf(report, sizeof report,
             "{\"neuron_runtime_data\":[{\"pid\":%s,\"report\":{\"memory_used\":{"
             "\"neuron_runtime_used_bytes\":{\"neuron_device\":77}}}}]}",
             own_pid);
    assert_int_equal(neuron_meter_parse(str_from(report), &own), NEURON_METER_OTHERS);
    setenv("NEURON_PROCESS_TAG", "mine", 1);
    assert_string_equal(neuron_meter_tag(own_pid, sizeof own_pid), "mine");
    unsetenv("NEURON_PROCESS_TAG");
    assert_memory_equal(neuron_meter_tag(own_pid, sizeof own_pid), "inferbench-", 11);
}

static void sysfs_takes_the_greater_counter_of_each_core(void **state)
{
    (void)state;
    assert_int_equal(neuron_meter_sysfs(probe_fixture_path("inf2.xlarge")),
                     INT64_C(1500000000) + 700000000);
    setenv("NEURON_RT_VISIBLE_CORES", "1", 1);
    assert_int_equal(neuron_meter_sysfs(probe_fixture_path("inf2.xlarge")), 700000000);
    unsetenv("NEURON_RT_VISIBLE_CORES");
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
        cmocka_unit_test(reports_are_read),
        cmocka_unit_test(only_our_application_counts),
        cmocka_unit_test(sysfs_takes_the_greater_counter_of_each_core),
        cmocka_unit_test(a_monitor_is_read),
        cmocka_unit_test(without_a_monitor_sysfs_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
