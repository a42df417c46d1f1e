/* For tests that prove a formula by simulation. */
#ifndef TESTS_SIMS_FIXTURE_H
#define TESTS_SIMS_FIXTURE_H

#include "base/rng.h"

/* How many to make: 200, or INFERBENCH_TEST_SIMS. */
long sims_fixture_count(void);
/* Standard normal (Box and Muller, Ann. Math. Statist. 29 (1958) 610-611). */
double sims_fixture_normal(struct rng *r);
/* Three standard errors of a share that so many simulations show. */
double sims_fixture_slack(double share);

#endif
