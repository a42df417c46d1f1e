#include "sims_fixture.h"

#include <math.h>
#include <stdlib.h>

#define SIMS 200

long sims_fixture_count(void)
{
    const char *text = getenv("INFERBENCH_TEST_SIMS");
    long n = text != NULL ? strtol(text, NULL, 10) : 0;
    return n > 0 ? n : SIMS;
}

double sims_fixture_normal(struct rng *r)
{
    double u = 1 - rng_unit(r);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * rng_unit(r));
}

double sims_fixture_slack(double share)
{
    return 3 * sqrt(share * (1 - share) / (double)sims_fixture_count());
}
