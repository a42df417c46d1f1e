#include "base/xxh64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Bytes, seeds and sums of xxHash's own sanity check (cli/xsum_sanity_check.c). */
#define PRIME_32 UINT32_C(2654435761)
#define PRIME_64 UINT64_C(11400714785074694797)

enum { MOST = 222 };

static void test_known(void **state)
{
    static const struct {
        size_t len;
        uint64_t seed, sum;
    } cases[] = {
        {0, 0, UINT64_C(0xEF46DB3751D8E999)},
        {0, PRIME_32, UINT64_C(0xAC75FDA2929B17EF)},
        {1, 0, UINT64_C(0xE934A84ADB052768)},
        {1, PRIME_32, UINT64_C(0x5014607643A9B4C3)},
        {4, 0, UINT64_C(0x9136A0DCA57457EE)},
        {14, 0, UINT64_C(0x8282DCC4994E35C8)},
        {14, PRIME_32, UINT64_C(0xC3BD6BF63DEB6DF0)},
        {222, 0, UINT64_C(0xB641AE8CB691C174)},
        {222, PRIME_32, UINT64_C(0x20CB8AB7AE10C14A)},
    };
    unsigned char bytes[MOST];
    uint64_t next = PRIME_32;
    (void)state;
    for (size_t i = 0; i < MOST; i++, next *= PRIME_64)
        bytes[i] = (unsigned char)(next >> 56);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str text = {(const char *)bytes, cases[i].len};
        if (xxh64(text, cases[i].seed) != cases[i].sum)
            fail_msg("%zu bytes: %016llx", cases[i].len,
                     (unsigned long long)xxh64(text, cases[i].seed));
    }
}

static void test_text(void **state)
{
    (void)state;
    assert_true(xxh64(str_from("abc"), 0) == UINT64_C(0x44BC2CF5AD770999));
    assert_true(xxh64(str_from(NULL), 0) == UINT64_C(0xEF46DB3751D8E999));
}

/* Every bit of every byte counts, at every length. */
static void test_each_bit(void **state)
{
    char bytes[80] = {0};
    (void)state;
    for (size_t len = 1; len <= sizeof bytes; len++)
        for (size_t bit = 0; bit < len * 8; bit++) {
            const struct str text = {bytes, len};
            uint64_t before = xxh64(text, 1);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            assert_true(xxh64(text, 1) != before);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_each_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
