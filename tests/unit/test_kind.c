#include "bench/kind.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/opt.h"

static struct bench bench;
static struct engine_target target;
static struct plan plan;
static struct load load;
static const struct plan_setting setting = {.caching = true};
static const struct plan_cell cell = {.load = &load, .setting = &setting};

static int make(void **state)
{
    (void)state;
    target = (struct engine_target){
        .endpoint = "completions", .token_counts = "usage", .is_stream = true};
    plan = (struct plan){.options.warmup_requests = 3};
    bench = (struct bench){.plan = &plan, .session.settings.target = &target};
    load = (struct load){.num_prompts = OPT_INT_UNSET,
                         .max_concurrency = OPT_INT_UNSET,
                         .batch_size = 4,
                         .concurrency = 8,
                         .rate_rps = 2.5,
                         .burstiness = 0.5,
                         .duration_s = NAN};
    return 0;
}

static struct row fields_of(enum load_kind kind)
{
    struct row f = {.v = {{0}}};
    load.kind = kind;
    kind_of(&load)->fields(&bench, &cell, &f);
    return f;
}

static void labels(void **state)
{
    static const char *const want[LOAD_KIND_COUNT] = {
        [LOAD_BATCH] = "bs=4 cache=on", [LOAD_CLOSED] = "c=8", [LOAD_OPEN] = "2.5/s"};
    char label[KIND_LABEL_BYTES];
    (void)state;
    for (int k = 0; k < LOAD_KIND_COUNT; k++) {
        load.kind = (enum load_kind)k;
        kind_of(&load)->label(&cell, label);
        assert_string_equal(label, want[k]);
    }
}

/* What was planned, until an engine says how it is set. */
static void a_batch_tells_the_engine_s_caching(void **state)
{
    (void)state;
    struct row f = fields_of(LOAD_BATCH);
    assert_true(field_is_true(&f, FIELD_enable_prefix_caching));
    assert_true(field_num(&f, FIELD_batch_size) == 4);
    assert_int_equal(f.v[FIELD_is_simulated].kind, VALUE_BOOL);
    char engine;
    bench.session.engine = (struct engine *)&engine;
    bench.session.facts.is_caching = false;
    f = fields_of(LOAD_BATCH);
    assert_false(field_is_true(&f, FIELD_enable_prefix_caching));
    assert_true(value_is_known(f.v[FIELD_enable_prefix_caching]));
}

/* A closed load has a concurrency and no rate; an open one the other way round. */
static void of_a_server(void **state)
{
    (void)state;
    struct row f = fields_of(LOAD_CLOSED);
    assert_true(field_num(&f, FIELD_batch_size) == 8);
    assert_false(value_is_known(f.v[FIELD_request_rate]));
    assert_false(value_is_known(f.v[FIELD_num_prompts]));
    assert_false(value_is_known(f.v[FIELD_duration_s]));
    assert_true(field_num(&f, FIELD_warmup_requests) == 3);
    assert_true(field_is_true(&f, FIELD_is_streamed));
    assert_int_equal(f.v[FIELD_enable_prefix_caching].kind, VALUE_NULL); /* not told */
    load.num_prompts = 100;
    load.max_concurrency = 7;
    f = fields_of(LOAD_OPEN);
    assert_false(value_is_known(f.v[FIELD_batch_size]));
    assert_true(field_num(&f, FIELD_request_rate) == 2.5);
    assert_true(field_num(&f, FIELD_num_prompts) == 100);
    assert_true(field_num(&f, FIELD_max_concurrency) == 7);
    assert_false(value_is_known(f.v[FIELD_burstiness])); /* of Poisson */
    load.arrival = LOAD_GAMMA;
    f = fields_of(LOAD_OPEN);
    assert_true(field_num(&f, FIELD_burstiness) == 0.5);
    load.rate_rps = INFINITY;
    f = fields_of(LOAD_OPEN);
    assert_string_equal(field_str(&f, FIELD_request_rate), "inf");
    assert_false(value_is_known(f.v[FIELD_burstiness]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(labels, make),
        cmocka_unit_test_setup(a_batch_tells_the_engine_s_caching, make),
        cmocka_unit_test_setup(of_a_server, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
