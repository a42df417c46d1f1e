#include "text/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static void check(const char *text, const char *expected)
{
    struct digest d;
    char hex[DIGEST_HEX_BYTES];
    assert_int_equal(digest_init(&d), STATUS_OK);
    digest_add(&d, text, strlen(text));
    digest_hex(&d, hex);
    assert_string_equal(hex, expected);
}

/* The examples of FIPS 180-2. */
static void known_values(void **state)
{
    (void)state;
    check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_times_a(void **state)
{
    (void)state;
    struct digest d;
    char hex[DIGEST_HEX_BYTES], many[1000];
    memset(many, 'a', sizeof many);
    assert_int_equal(digest_init(&d), STATUS_OK);
    for (int i = 0; i < 1000; i++)
        digest_add(&d, many, sizeof many);
    digest_hex(&d, hex);
    assert_string_equal(
        hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void files(void **state)
{
    (void)state;
    char path[64], hex[DIGEST_HEX_BYTES] = "untouched";
    (void)snprintf(path, sizeof path, "/tmp/inferbench-digest-%ld", (long)getpid());
    struct err e;
    assert_int_equal(digest_file(path, hex, &e), STATUS_NOT_FOUND);
    assert_int_equal(digest_file("/tmp", hex, &e), STATUS_IO);
    assert_string_equal(hex, "untouched");
    assert_int_equal(file_replace(path, str_from("abc"), &e), STATUS_OK);
    mem_fail_at(1);
    enum status status = digest_file(path, hex, &e);
    mem_fail_at(0);
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_string_equal(hex, "untouched");
    assert_int_equal(digest_file(path, hex, &e), STATUS_OK);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(
        hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(a_million_times_a),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
