/* The failure policy, on an engine that fails as the test says. */
#include "bench/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engines/registry.h"
#include "journal_fixture.h"
#include "plan/scenario.h"
#include "store/journal_read.h"

/* What the engine does wrong, and what was seen of it; hooks reach it through
 * settings. */
struct faults {
    int opens, closes, repeats; /* counted */
    enum status at_open;        /* of every open from open_from on, if not OK */
    int open_from;
    int dies_in[4];      /* repeats (counted from 1) in which next fails */
    bool fails_requests; /* every request ends in FAILED */
    int stops_after;     /* repeats; 0: never */
};

struct engine_lane {
    struct faults *faults;
    struct engine_request batch[8];
    size_t count;
};

struct engine {
    struct engine_lane lane;
};

static enum status fake_open(const struct engine_settings *s,
                             const struct engine_watch *w, struct engine **out,
                             struct engine_facts *facts, struct err *e)
{
    struct faults *f = w->arg;
    *out = NULL;
    if (++f->opens >= f->open_from && f->at_open != STATUS_OK)
        return status_fail(e, f->at_open, "fake", "open number %d fails", f->opens);
    *out = mem_alloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->lane.faults = f;
    *facts = (struct engine_facts){.vocab_size = 1000,
                                   .is_caching = s->enable_prefix_caching,
                                   .hardware_type = "cpu",
                                   .notes = f->opens <= 2 ? "first note" : "another"};
    return STATUS_OK;
}

static enum status fake_lane(struct engine *en, struct engine_lane **out, struct err *e)
{
    (void)e;
    *out = &en->lane;
    return STATUS_OK;
}

static enum status fake_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    (void)e;
    l->batch[l->count++] = *r;
    return STATUS_OK;
}

static enum status fake_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    (void)l;
    (void)request;
    (void)e;
    return STATUS_OK;
}

static enum status fake_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    struct event *events = out->items;
    size_t cap = out->cap, *n = &out->count;
    *n = 0;
    struct faults *f = l->faults;
    (void)until;
    (void)w;
    (void)cap;
    f->repeats++;
    for (size_t i = 0; i < 4; i++)
        if (f->dies_in[i] == f->repeats)
            return status_fail(e, STATUS_DIED, "fake", "died in repeat %d", f->repeats);
    for (size_t i = 0; i < l->count; i++) {
        struct event ev = {.request = l->batch[i].index, .at = clock_now(), .tokens = 1};
        ev.kind = EVENT_SENT;
        events[(*n)++] = ev;
        ev.kind = EVENT_TOKENS;
        ev.at.ns += 1000;
        events[(*n)++] = ev;
        ev.kind = f->fails_requests ? EVENT_FAILED : EVENT_DONE;
        ev.fail = f->fails_requests ? FAIL_engine : FAIL_none;
        ev.text = f->fails_requests ? "refused by the fake" : NULL;
        ev.tokens_in = (int64_t)l->batch[i].id_count;
        ev.tokens_out = 1;
        events[(*n)++] = ev;
    }
    l->count = 0;
    return STATUS_OK;
}

/* close has no watch: the faults are found through the lane. */
static void fake_close(struct engine *en)
{
    if (en != NULL)
        en->lane.faults->closes++;
    mem_free(en);
}

static enum status fake_reset(struct engine *en, bool *done, struct err *e)
{
    (void)en;
    (void)e;
    *done = true;
    return STATUS_OK;
}

static enum status fake_counters(struct engine *en, struct row *fields, struct err *e)
{
    (void)en;
    (void)fields;
    (void)e;
    return STATUS_OK;
}

static const struct engine_ops fake = {.name = "fake",
                                       .abi = ENGINE_ABI,
                                       .flags = ENGINE_OFFLINE,
                                       .open = fake_open,
                                       .lane_new = fake_lane,
                                       .submit = fake_submit,
                                       .cancel = fake_cancel,
                                       .next = fake_next,
                                       .reset_prefix = fake_reset,
                                       .counters = fake_counters,
                                       .close = fake_close};

static bool stop_after(void *arg)
{
    const struct faults *f = arg;
    return f->stops_after > 0 && f->repeats >= f->stops_after;
}

static void count_pause(void *pauses)
{
    ++*(int *)pauses;
}

struct bed {
    struct journal_fixture fx;
    struct faults faults;
    int log_fd; /* 0: no log */
    next_policy *policy;
    int64_t launches;
    int pauses;
    struct driver_outcome out;
    struct arena arena;
    struct run_data read;
    struct err e;
};

static int setup(void **state)
{
    static struct bed b;
    memset(&b, 0, sizeof b);
    journal_fixture_init(&b.fx);
    arena_init(&b.arena, 64 << 20);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    mem_fail_at(0);
    arena_fini(&b->arena);
    journal_fixture_fini(&b->fx);
    return 0;
}

/* Four cells (OFF and ON x batch sizes 1 and 2), three repeats each. */
static enum status go(struct bed *b)
{
    static const struct load loads[] = {{.batch_size = 1}, {.batch_size = 2}};
    static const struct plan_setting settings[] = {{.caching = false}, {.caching = true}};
    struct plan plan;
    struct journal j;
    struct journal_note note;
    struct log log = {.level = b->log_fd > 0 ? LOG_NOTE : LOG_ERROR,
                      .fd = b->log_fd > 0 ? b->log_fd : -1};
    struct progress progress;
    const struct plan_options o = {.scenarios = scenario_builtin().items,
                                   .scenario_count = 1,
                                   .loads = loads,
                                   .load_count = 2,
                                   .max_tokens = 1,
                                   .num_runs = 3,
                                   .settings = settings,
                                   .setting_count = 2,
                                   .launches = b->launches,
                                   .max_model_len = 4096};
    assert_int_equal(plan_build(&o, &b->arena, &plan, &b->e), STATUS_OK);
    assert_int_equal(journal_create(&j, b->fx.path, clock_now(), &b->e), STATUS_OK);
    assert_int_equal(journal_run(&j, &b->fx.f.run, &b->e), STATUS_OK);
    progress_init(&progress, &log, true);
    struct bench bench = {.session = {.ops = &fake, .lane_count = 1},
                          .plan = &plan,
                          .journal = &j,
                          .arena = &b->arena,
                          .progress = &progress,
                          .watch = {.stop = stop_after, .arg = &b->faults},
                          .log = &log,
                          .run_id = "run",
                          .with_gaps = true};
    const struct driver driver = {
        .bench = &bench, .policy = b->policy, .pause = {count_pause, &b->pauses}};
    enum status s = driver_run(&driver, &b->out, &b->e);
    progress_end(&progress);
    journal_close(&j);
    assert_null(bench.session.engine);
    struct err why;
    if (journal_read(b->fx.path, &b->arena, &b->read, &note, &why) != STATUS_OK)
        fail_msg("%s: %s", why.where, why.what);
    return s;
}

static int failed_rows(const struct bed *b)
{
    int n = 0;
    for (size_t i = 0; i < b->read.repeat_count; i++)
        n += b->read.repeats[i].error != NULL;
    return n;
}

static void expect(const struct bed *b, int cells, int rows, int failed, int opens)
{
    assert_int_equal(b->read.cell_count, cells);
    assert_int_equal(b->read.repeat_count, rows);
    assert_int_equal(failed_rows(b), failed);
    assert_int_equal(b->faults.opens, opens);
    for (size_t i = 0; i < b->read.repeat_count; i++) {
        const struct repeat_data *r = &b->read.repeats[i];
        assert_true(r->is_ended);
        if (r->request_count > 0)
            assert_int_equal(r->request_count, r->requests_planned);
    }
}

static const char *text_of(const struct bed *b, size_t cell, enum field_id id)
{
    const char *text = field_str(&b->read.cells[cell].fields, id);
    assert_non_null(text);
    return text;
}

/* OFF and ON are two settings and two launches, and the same work. */
static void check_settings(const struct bed *b)
{
    for (size_t i = 0; i < 4; i++) {
        const struct row *f = &b->read.cells[i].fields;
        size_t same = i / 2 * 2, other = (i + 2) % 4;
        assert_int_equal(f->v[FIELD_setting_position].i, i < 2 ? 1 : 2);
        assert_string_equal(text_of(b, i, FIELD_launch_source), "started");
        assert_false(f->v[FIELD_stop_at_eos].b);
        assert_string_equal(text_of(b, i, FIELD_launch_id),
                            text_of(b, same, FIELD_launch_id));
        assert_string_not_equal(text_of(b, i, FIELD_launch_id),
                                text_of(b, other, FIELD_launch_id));
        assert_string_not_equal(text_of(b, i, FIELD_settings_sha256),
                                text_of(b, other, FIELD_settings_sha256));
        assert_string_equal(text_of(b, i, FIELD_plan_sha256),
                            text_of(b, other, FIELD_plan_sha256));
    }
    assert_string_not_equal(text_of(b, 0, FIELD_plan_sha256),
                            text_of(b, 1, FIELD_plan_sha256));
}

static void test_all_well(void **state)
{
    struct bed *b = *state;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 4, 12, 0, 2);
    check_settings(b);
    assert_int_equal(b->faults.closes, 2);
    assert_int_equal(b->pauses, 3);
    assert_true(b->out.is_complete);
    assert_int_equal(b->out.first.code, STATUS_OK);
}

/* OFF ON ON OFF: four starts, though ON follows ON. */
static void test_launches(void **state)
{
    struct bed *b = *state;
    b->launches = 2;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 8, 24, 0, 4);
    assert_int_equal(b->faults.closes, 4);
    static const int64_t positions[] = {1, 1, 2, 2, 2, 2, 1, 1};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(b->read.cells[i].fields.v[FIELD_setting_position].i,
                         positions[i]);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(strcmp(text_of(b, i, FIELD_launch_id),
                                    text_of(b, k, FIELD_launch_id)) == 0,
                             i / 2 == k / 2);
    }
}

/* A cell whose engine dies ends there; the next one gets a fresh engine. */
static void test_dies_once(void **state)
{
    struct bed *b = *state;
    b->faults.dies_in[0] = 2;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 4, 2 + 3 * 3, 1, 3);
    assert_int_equal(b->faults.closes, 3);
    assert_string_not_equal(text_of(b, 0, FIELD_launch_id),
                            text_of(b, 1, FIELD_launch_id));
    assert_string_equal(text_of(b, 0, FIELD_settings_sha256),
                        text_of(b, 1, FIELD_settings_sha256));
    assert_string_equal(b->read.repeats[1].error, "died in repeat 2");
    assert_int_equal(b->read.repeats[1].requests[0].fail, FAIL_engine);
    assert_null(b->read.repeats[0].error);
    assert_false(b->out.is_complete);
    assert_false(b->out.is_interrupted);
    assert_int_equal(b->out.cells_failed, 1);
    assert_int_equal(b->out.first.code, STATUS_DIED);
}

static void test_two_in_a_row(void **state)
{
    struct bed *b = *state;
    b->faults.dies_in[0] = 1;
    b->faults.dies_in[1] = 2;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 2, 2, 2, 2);
    assert_int_equal(b->out.cells_failed, 2);
    assert_string_equal(b->out.first.what, "died in repeat 1");
}

/* One that succeeds between two failures lets the run go on. */
static void test_not_in_a_row(void **state)
{
    struct bed *b = *state;
    b->faults.dies_in[0] = 1;
    b->faults.dies_in[1] = 5;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 4, 1 + 3 + 1 + 3, 2, 4);
}

static void test_fails_at_open(void **state)
{
    struct bed *b = *state;
    b->faults.at_open = STATUS_ENGINE; /* may be mended by another try: two cells */
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 2, 2, 2, 2);
    const struct row *f = &b->read.cells[0].fields;
    assert_int_equal(f->v[FIELD_setting_position].i, 1);
    assert_false(value_is_known(f->v[FIELD_launch_id]));
    assert_string_equal(b->read.repeats[0].error, "open number 1 fails");
    assert_int_equal(b->read.repeats[0].request_count, 0);
    assert_int_equal(b->faults.closes, 0);
}

static void test_final_failures(void **state)
{
    static const enum status final[] = {STATUS_NOT_FOUND, STATUS_UNSUPPORTED,
                                        STATUS_BAD_OPTION, STATUS_BAD_INPUT};
    struct bed *b = *state;
    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        b->faults = (struct faults){.at_open = final[i]};
        assert_int_equal(go(b), STATUS_OK);
        expect(b, 1, 1, 1, 1);
        assert_int_equal(b->out.first.code, final[i]);
        assert_int_equal(unlink(b->fx.path), 0);
    }
}

/* What was measured OFF stays when the engine of ON cannot be had. */
static void test_second_setting_fails(void **state)
{
    struct bed *b = *state;
    b->faults.at_open = STATUS_NOT_FOUND;
    b->faults.open_from = 2;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 3, 7, 1, 2);
    assert_int_equal(b->faults.closes, 1);
}

static void test_every_request_fails(void **state)
{
    struct bed *b = *state;
    b->faults.fails_requests = true;
    assert_int_equal(go(b), STATUS_OK);
    expect(b, 2, 2, 2, 2);
    assert_string_equal(b->read.repeats[0].error, "refused by the fake");
}

static void test_stopped(void **state)
{
    struct bed *b = *state;
    b->faults.stops_after = 4;
    assert_int_equal(go(b), STATUS_OK);
    assert_true(b->out.is_interrupted);
    assert_false(b->out.is_complete);
    assert_int_equal(failed_rows(b), 0);
    assert_int_equal(b->read.repeat_count, 4);
    assert_int_equal(b->faults.closes, 1);
}

/* OFF ON ON OFF: launches that alternate, as long as a policy asks for them. */
static bool next_of_abba(const struct plan *p, const struct next_history *past,
                         struct next_turn *out)
{
    static const size_t order[] = {0, 2, 2, 0};
    (void)p;
    *out = (struct next_turn){order[past->count % 4], (int64_t)past->count / 2};
    return past->count < 4;
}

static void test_another_policy(void **state)
{
    struct bed *b = *state;
    b->policy = next_of_abba;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->faults.opens, 3);
    assert_int_equal(b->faults.repeats, 4);
    assert_int_equal(b->pauses, 2);
    assert_true(b->out.is_complete);
}

/* Three engines, two texts; the log has nothing else but the failure. */
static void test_notes_are_told_once(void **state)
{
    struct bed *b = *state;
    int fds[2];
    char text[512];
    assert_int_equal(pipe(fds), 0);
    b->log_fd = fds[1];
    b->faults.dies_in[0] = 9;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->faults.opens, 3);
    ssize_t got = read(fds[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, "first note\n"
                              "inferbench: fake: died in repeat 9.\n"
                              "another\n");
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_launches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dies_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_in_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fails_at_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_final_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_setting_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_request_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notes_are_told_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
