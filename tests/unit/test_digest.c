#include "text/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

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

static void whole_texts(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_BYTES];
    assert_int_equal(digest_text(str_from("abc"), hex), STATUS_OK);
    assert_string_equal(
        hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(a_million_times_a),
        cmocka_unit_test(whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
