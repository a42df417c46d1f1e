/* Options of a plan, and the plan that is made of them. */
#ifndef TESTS_PLAN_FIXTURE_H
#define TESTS_PLAN_FIXTURE_H

#include "plan/plan.h"

struct plan_fixture {
    struct arena a;
    struct scenario scenarios[2]; /* for the test */
    struct load loads[3];         /* the options' */
    struct plan_setting settings[2];
    struct plan_options o;
    struct err e;
};

/* For cmocka: caching off and on, three repeats, no scenarios and no loads yet. */
int plan_fixture_set_up(void **state);
int plan_fixture_tear_down(void **state);
/* Each fails the test where the plan is refused. */
struct plan plan_fixture_build(struct plan_fixture *f);
struct plan_repeat plan_fixture_draw(struct plan_fixture *f, const struct plan *p,
                                     size_t cell, int64_t repeat, int64_t block_size);
/* Fails the test unless the options are refused at `where`, with these words. */
void plan_fixture_refused(struct plan_fixture *f, const char *where, const char *what,
                          const char *hint);

#endif
