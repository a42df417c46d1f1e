/* Allocations that fail: the first one of an attempt, then the second, and so on until
 * the attempt gets through.
 *
 *     struct alloc_fixture a = {.least = 2};
 *     while (alloc_fixture_next(&a)) {
 *         alloc_fixture_arm(&a);
 *         s = thing_make(&thing);
 *         alloc_fixture_judge(&a, s);
 *     } */
#ifndef TESTS_ALLOC_FIXTURE_H
#define TESTS_ALLOC_FIXTURE_H

#include <stdbool.h>

#include "base/status.h"

struct alloc_fixture {
    long least; /* so many attempts fail at least; 0: one */
    long failures;
    bool is_over;
};

/* Another attempt? When there is none, fails the test unless `least` attempts failed. */
bool alloc_fixture_next(struct alloc_fixture *f);
/* From here on allocations count. */
void alloc_fixture_arm(const struct alloc_fixture *f);
/* Allocations are good again. Fails the test unless s is OK, which ends the attempts, or
 * NO_MEMORY. */
void alloc_fixture_judge(struct alloc_fixture *f, enum status s);

#endif
