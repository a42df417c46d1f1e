#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "net/addr.h"

static void numbers_need_no_name_server(void **state)
{
    (void)state;
    struct addr a;
    assert_int_equal(addr_resolve("127.0.0.1", 8000, &a, NULL), STATUS_OK);
    assert_string_equal(a.text, "127.0.0.1:8000");
    assert_int_equal(a.sa.ss_family, AF_INET);
    assert_int_equal(a.len, sizeof(struct sockaddr_in));
    assert_int_equal(ntohs(((struct sockaddr_in *)&a.sa)->sin_port), 8000);
    assert_int_equal(addr_resolve("::1", 0, &a, NULL), STATUS_OK);
    assert_string_equal(a.text, "[::1]:0");
    assert_int_equal(a.sa.ss_family, AF_INET6);
    assert_int_equal(addr_resolve("0:0::1", 65535, &a, NULL), STATUS_OK);
    assert_string_equal(a.text, "[::1]:65535");
}

static void the_first_of_all_is_the_one(void **state)
{
    (void)state;
    struct addr first;
    struct addr_list all;
    assert_int_equal(addr_resolve("localhost", 80, &first, NULL), STATUS_OK);
    assert_int_equal(addr_resolve_all("localhost", 80, &all, NULL), STATUS_OK);
    assert_in_range(all.count, 1, ADDR_LIST_MAX);
    assert_string_equal(all.at[0].text, first.text);
    for (size_t i = 0; i < all.count; i++)
        assert_non_null(strstr(all.at[i].text, ":80"));
}

static void what_is_no_address(void **state)
{
    (void)state;
    struct err e;
    struct addr a = {.len = 77};
    char label[80] = "";
    memset(label, 'a', 70); /* no name has a part of more than 63 letters */
    assert_int_equal(addr_resolve(label, 80, &a, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, label);
    assert_non_null(strstr(e.what, "unknown"));
    assert_non_null(strstr(e.hint, "spelling"));
    assert_int_equal(addr_resolve("", 80, &a, &e), STATUS_BAD_INPUT);
    assert_int_equal(addr_resolve("127.0.0.1", -1, &a, &e), STATUS_BAD_INPUT);
    assert_int_equal(addr_resolve("127.0.0.1", 65536, &a, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "65536"));
    assert_int_equal(a.len, 77);
}

static void unix_sockets(void **state)
{
    (void)state;
    struct err e;
    struct addr a = {.len = 77};
    char path[200] = "/";
    const size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    memset(path, 'x', sizeof path - 1);
    assert_int_equal(addr_unix(path, &a, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "199"));
    assert_non_null(strstr(e.what, "107"));
    path[most + 1] = '\0';
    assert_int_equal(addr_unix(path, &a, &e), STATUS_BAD_INPUT);
    assert_int_equal(addr_unix("", &a, &e), STATUS_BAD_INPUT);
    assert_int_equal(a.len, 77);
    path[most] = '\0';
    assert_int_equal(addr_unix(path, &a, &e), STATUS_OK);
    assert_string_equal(a.text, path);
    assert_int_equal(a.len, sizeof(struct sockaddr_un));
    assert_int_equal(addr_unix("/run/s", &a, &e), STATUS_OK);
    assert_string_equal(((struct sockaddr_un *)&a.sa)->sun_path, "/run/s");
    assert_int_equal(a.sa.ss_family, AF_UNIX);
    assert_int_equal(a.len, offsetof(struct sockaddr_un, sun_path) + 7);
}

static void what_is_near(void **state)
{
    (void)state;
    const char *const near[] = {"127.0.0.1",    "127.1.2.3:80",       "localhost:5000",
                                "LOCALHOST",    "a.localhost",        "[::1]:5000",
                                "[::]",         "0.0.0.0:1",          "169.254.169.254",
                                "[fe80::1%lo]", "[::ffff:127.0.0.1]", "[febf::1]:2"};
    const char *const far[] = {"",
                               "10.0.0.1",
                               "127.0.0.1.example:80",
                               "localhost.example",
                               "notlocalhost",
                               "[fec0::1]",
                               "[::2]",
                               "[2001:db8::1]:5000",
                               "169.253.0.1",
                               "["};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        if (!addr_is_near(str_from(near[i])))
            fail_msg("%s is far", near[i]);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        if (addr_is_near(str_from(far[i])))
            fail_msg("%s is near", far[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_need_no_name_server),
        cmocka_unit_test(the_first_of_all_is_the_one),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(what_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
