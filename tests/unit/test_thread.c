#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
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

static void *pin(void *arg)
{
    int cpu = *(int *)arg;
    return thread_pin(cpu) && sched_getcpu() == cpu ? arg : NULL;
}

/* Where it is not allowed nothing changes. */
static void *go_first(void *arg)
{
    int before = sched_getscheduler(0);
    *(bool *)arg = thread_go_first();
    int after = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    return after == (*(bool *)arg ? SCHED_FIFO : before) ? arg : NULL;
}

static void first_of_all(void **state)
{
    (void)state;
    bool is_granted = false;
    void *result = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, go_first, &is_granted), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
    assert_int_not_equal(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, SCHED_FIFO);
}

static void waits(void **state)
{
    (void)state;
    struct thread_waits before, after;
    if (!thread_waited(&before))
        skip(); /* a kernel without schedstat */
    usleep(1000);
    assert_true(thread_waited(&after));
    assert_true(after.count > before.count && after.wait_ns >= before.wait_ns);
}

static void cores_to_spare(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int count = CPU_COUNT(&set), last = thread_spare_cpu(0, count);
    assert_true(last >= 0 && CPU_ISSET(last, &set));
    assert_int_equal(thread_spare_cpu(0, count + 1), -1);
    assert_int_equal(thread_spare_cpu(count, 1), -1);
    if (count > 1)
        assert_true(thread_spare_cpu(1, count) < last);
    assert_false(thread_pin(-1));
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, pin, &last), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_alone), cmocka_unit_test(first_of_all),
        cmocka_unit_test(waits), cmocka_unit_test(cores_to_spare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
