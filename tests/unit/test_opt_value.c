#include "base/opt_value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"

static void numbers_come_back(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 4, "numbers");
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 10000; i++) {
        double value = (double)rng_u64(&r) / 1e9;
        buf_clear(&b);
        assert_int_equal(opt_value_number(value, &b), STATUS_OK);
        assert_true(strtod(buf_cstr(&b), NULL) == value);
    }
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {3, "3"}, {0.9, "0.9"}, {INFINITY, "inf"}, {-INFINITY, "-inf"}, {1e6, "1000000"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        (void)opt_value_number(rows[i].value, &b);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
    buf_fini(&b);
}

static void the_nearest_choice(void **state)
{
    (void)state;
    size_t len = 0;
    const char *near = opt_value_nearest("short|medium|long", "meduim", &len);
    assert_int_equal(len, 6);
    assert_int_equal(strncmp(near, "medium", len), 0);
    assert_null(opt_value_nearest("short|medium|long", "xyz", &len));
    assert_null(opt_value_nearest("", "x", &len));
}

static void a_failed_word_leaves_the_list(void **state)
{
    (void)state;
    static const struct opt o = {.name = "n", .type = OPT_INT_LIST};
    struct arena a;
    arena_init(&a, 10000);
    struct opt_ints list;
    opt_value_clear(&o, &list);
    struct err e;
    struct opt_value_job job = {
        .opt = &o, .field = &list, .where = "--n", .arena = &a, .e = &e};
    const char *words[] = {"1", "2,3", "x"};
    assert_int_equal(opt_value_store(&job, &(struct opt_strings){words, 2}), STATUS_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(opt_value_store(&job, &(struct opt_strings){words, 3}),
                     STATUS_BAD_OPTION);
    assert_int_equal(list.count, 3);
    assert_int_equal(opt_value_store(&job, &(struct opt_strings){words, 1}), STATUS_OK);
    static const int64_t expected[] = {1, 2, 3, 1};
    assert_int_equal(list.count, 4);
    assert_memory_equal(list.items, expected, sizeof expected);
    arena_fini(&a);
}

static void secrets_stay_out_of_messages(void **state)
{
    (void)state;
    static const struct opt o = {.name = "headers", .type = OPT_PAIRS, .is_secret = true};
    struct arena a;
    arena_init(&a, 10000);
    struct opt_strings list = {0};
    struct err e;
    struct opt_value_job job = {
        .opt = &o, .field = &list, .where = "--headers", .arena = &a, .e = &e};
    const char *words[] = {"sesame"};
    assert_int_equal(opt_value_store(&job, &(struct opt_strings){words, 1}),
                     STATUS_BAD_OPTION);
    assert_null(strstr(e.what, "sesame"));
    arena_fini(&a);
}

static void texts_are_copies(void **state)
{
    (void)state;
    static const struct opt o = {.name = "s", .type = OPT_STRING};
    struct arena a;
    arena_init(&a, 10000);
    const char *value = NULL;
    char word[] = "word";
    const char *words[] = {word};
    struct opt_value_job job = {.opt = &o, .field = &value, .where = "--s", .arena = &a};
    assert_int_equal(opt_value_store(&job, &(struct opt_strings){words, 1}), STATUS_OK);
    word[0] = 'x';
    assert_string_equal(value, "word");
    arena_fini(&a);
}

static void durations_come_back(void **state)
{
    (void)state;
    static const struct opt o = {
        .name = "itl", .type = OPT_DURATION, .min = 0, .max = 60, .fallback = "10ms"};
    static const struct {
        const char *word, *text, *message; /* message: NULL where it is accepted */
    } rows[] = {
        {"20ms", "20ms", NULL},
        {"1.5s", "1500ms", NULL},
        {"60s", "60s", NULL},
        {"1234ns", "1234ns", NULL},
        {"0", "0s", NULL},
        {"61s", "", "--itl: 61s is out of range. Write 0s to 60s"},
        {"20", "",
         "--itl: \"20\" is not a time with its unit (ns, us, ms, s, min, h). Write e.g. "
         "10ms"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns;
        struct err e = {0};
        struct buf b;
        char message[400] = "";
        opt_value_clear(&o, &ns);
        assert_int_equal(ns, OPT_INT_UNSET);
        struct opt_value_job job = {.opt = &o, .field = &ns, .where = "--itl", .e = &e};
        enum status st = opt_value_store(
            &job, &(struct opt_strings){(const char *[]){rows[i].word}, 1});
        assert_int_equal(st, rows[i].message == NULL ? STATUS_OK : STATUS_BAD_OPTION);
        buf_init(&b, 100);
        assert_int_equal(opt_value_text(&o, &ns, &b), STATUS_OK);
        assert_string_equal(buf_cstr(&b), rows[i].text);
        buf_fini(&b);
        if (rows[i].message != NULL) {
            status_format(&e, message, sizeof message);
            assert_int_equal(strncmp(message, rows[i].message, strlen(rows[i].message)),
                             0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(the_nearest_choice),
        cmocka_unit_test(a_failed_word_leaves_the_list),
        cmocka_unit_test(secrets_stay_out_of_messages),
        cmocka_unit_test(texts_are_copies),
        cmocka_unit_test(durations_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
