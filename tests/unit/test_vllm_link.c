/* The line to the worker, played by the stand-in interpreter. */
#include "engines/vllm_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "journal_fixture.h"
#include "text/json.h"

struct bench {
    struct journal_fixture fx;
    char stand_in[4096];
    struct vllm_python python;
    struct vllm_link link;
    struct err e;
};

static int setup(void **state)
{
    static struct bench b;
    const char *root = getenv("INFERBENCH_SOURCE_ROOT");
    memset(&b, 0, sizeof b);
    b.link.fd = -1;
    journal_fixture_init(&b.fx);
    snprintf(b.stand_in, sizeof b.stand_in, "%s/tests/transcripts/vllm/stand-in",
             root != NULL ? root : "..");
    b.python = (struct vllm_python){.path = b.stand_in, .python = "3.11.2"};
    setenv("STAND_IN", b.fx.path, 1);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    vllm_link_close(&b->link);
    journal_fixture_fini(&b->fx);
    return 0;
}

static void start(struct bench *b, const char *dialogue)
{
    journal_fixture_put(b->fx.path, str_from(dialogue));
    if (vllm_link_start(&b->link, &b->python, b->fx.dir, &b->e) != STATUS_OK)
        fail_msg("%s: %s", b->e.where, b->e.what);
}

static void events_come_in_their_order(void **state)
{
    struct bench *b = *state;
    json_t *event = NULL;
    start(b, "{\"from\":{\"ev\":\"noise\"}}\n"
             "{\"from\":{\"ev\":\"stage\",\"name\":\"compiling\"}}\n"
             "{\"to\":{\"op\":\"open\"}}\n{\"from\":{\"ev\":\"ready\",\"n\":3}}\n");
    assert_int_equal(vllm_link_send(&b->link, str_from("{\"op\":\"open\"}"), &b->e),
                     STATUS_OK);
    assert_int_equal(vllm_link_await(&b->link, "ready", &event, &b->e), STATUS_OK);
    assert_int_equal(json_int_of(event, "n", 0), 3);
    json_decref(event);
    assert_string_equal(b->link.stage, "compiling");
    assert_int_equal(vllm_link_read(&b->link, clock_now(), &event, &b->e), STATUS_OK);
    assert_null(event); /* nothing came by then */
    assert_false(b->link.is_dead);
}

static void closing_leaves_nothing(void **state)
{
    struct bench *b = *state;
    char dir[TEMPDIR_BYTES], log[256];
    start(b, "{\"log\":\"started\"}\n");
    snprintf(dir, sizeof dir, "%s", b->link.dir.path);
    snprintf(log, sizeof log, "%s/engine.log", b->fx.dir);
    assert_true(file_exists(dir));
    assert_null(b->link.guard.variable);
    vllm_link_close(&b->link);
    assert_false(file_exists(dir));
    assert_true(file_exists(log)); /* but the log, where it was wanted */
    assert_true(b->link.proc.is_ended);
    assert_int_equal(b->link.proc.end.signal, 0); /* by itself */
    vllm_link_close(&b->link);
    json_t *event = NULL;
    assert_int_equal(vllm_link_send(&b->link, str_from("{}"), &b->e), STATUS_DIED);
    assert_int_equal(vllm_link_read(&b->link, clock_now(), &event, &b->e), STATUS_DIED);
}

static void a_line_that_is_no_message_is_refused(void **state)
{
    struct bench *b = *state;
    json_t *event = NULL;
    start(b, "{\"from\":[1]}\n{\"do\":\"hang\"}\n");
    struct instant until = clock_after(clock_now(), clock_seconds(20));
    assert_int_equal(vllm_link_read(&b->link, until, &event, &b->e), STATUS_OK);
    assert_null(json_str_of(event, "ev")); /* of no name: whoever awaits one drops it */
    json_decref(event);
    assert_int_equal(buf_text(&b->link.in, "{]\n"), STATUS_OK);
    assert_int_equal(vllm_link_read(&b->link, until, &event, &b->e), STATUS_BAD_INPUT);
    assert_null(event);
    b->link.pulse = LINK_PULSE_LOG; /* it hangs: close does not ask it */
}

/* The same stage again does not start its clock anew; a new one does. */
static void stages_have_their_own_time(void **state)
{
    struct bench *b = *state;
    struct vllm_link *l = &b->link;
    const struct span never = {0};
    vllm_link_expect(l, "loading", LINK_PULSE_LOG, never);
    l->stage_since.ns -= NS_PER_S;
    int64_t before = l->stage_since.ns;
    vllm_link_expect(l, "loading", LINK_PULSE_TOKENS, never);
    assert_true(l->stage_since.ns == before);
    assert_int_equal(l->pulse, LINK_PULSE_TOKENS);
    vllm_link_expect(l, "running", LINK_PULSE_TOKENS, never);
    assert_true(l->stage_since.ns > before);
}

static void no_start_leaves_nothing(void **state)
{
    struct bench *b = *state;
    setenv("TMPDIR", b->fx.dir, 1);
    assert_int_equal(vllm_link_start(&b->link,
                                     &(struct vllm_python){.path = "/nowhere/python"},
                                     NULL, &b->e),
                     STATUS_NOT_FOUND);
    vllm_link_close(&b->link);
    mem_fail_at(1); /* of the paths */
    enum status s = vllm_link_start(&b->link, &b->python, NULL, &b->e);
    mem_fail_at(0);
    vllm_link_close(&b->link);
    assert_int_equal(s, STATUS_NO_MEMORY);
    unsetenv("TMPDIR");
    assert_int_equal(rmdir(b->fx.dir), 0); /* it is empty */
    setenv("TMPDIR", "/nowhere", 1);
    assert_int_equal(vllm_link_start(&b->link, &b->python, NULL, &b->e), STATUS_IO);
    unsetenv("TMPDIR");
    journal_fixture_has(b->e.where, "/nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_is_no_message_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stages_have_their_own_time, setup, teardown),
        cmocka_unit_test_setup_teardown(no_start_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
