#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

static void *hurry(void *arg)
{
    int thread = (int)syscall(SYS_gettid);
    *(bool *)arg = thread_hurry();
    return getpriority(PRIO_PROCESS, (id_t)thread) <= 0 ? arg : NULL;
}

/* Only the thread that asks is changed, and never for the worse. */
static void one_thread_alone(void **state)
{
    (void)state;
    int before = getpriority(PRIO_PROCESS, 0);
    bool is_granted = false;
    void *result = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hurry, &is_granted), 0);
    pthread_join(thread, &result);
    if (before <= 0)
        assert_non_null(result);
    if (geteuid() == 0 && before == 0)
        assert_true(is_granted || result != NULL);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_thread_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
