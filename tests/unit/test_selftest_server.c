#include "run/selftest_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *url_in(const char *text, struct arena *a)
{
    return selftest_server_url(str_from(text), a);
}

static void the_address_is_read_once_its_line_is_whole(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_null(url_in("", &a));
    assert_null(url_in("serve: listening on http://127.0.0.1:40", &a));
    assert_string_equal(url_in("serve: listening on http://127.0.0.1:40219\n", &a),
                        "http://127.0.0.1:40219");
    assert_string_equal(url_in("a warning\nserve: listening on http://[::1]:9\nmore", &a),
                        "http://[::1]:9");
    assert_null(url_in("not serve: listening on http://127.0.0.1:1\n", &a));
    arena_fini(&a);
}

static void none_can_be_stopped(void **state)
{
    (void)state;
    struct selftest_server s = {.url = NULL};
    selftest_server_stop(&s);
    assert_null(s.url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_is_read_once_its_line_is_whole),
        cmocka_unit_test(none_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
