#include "serve/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"

struct fixture {
    struct arena arena;
    struct settings settings;
    struct opt_parse parse;
    struct err e;
};

static enum status read_words(struct fixture *f, int argc, char **argv)
{
    f->parse = (struct opt_parse){.table = settings_table,
                                  .count = SETTINGS_COUNT,
                                  .target = &f->settings,
                                  .arena = &f->arena};
    arena_init(&f->arena, 1 << 20);
    assert_int_equal(opt_init(&f->parse, &f->e), STATUS_OK);
    return opt_read_argv(&f->parse, argc, argv, &f->e);
}

static void defaults(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(read_words(&f, 0, NULL), STATUS_OK);
    assert_int_equal(f.settings.port, 8000);
    assert_int_equal(f.settings.ttft_ns, 20000000);
    assert_int_equal(f.settings.itl_ns, 10000000);
    assert_int_equal(f.settings.keepalive_ns, INT64_C(5000000000));
    assert_string_equal(f.settings.model, "simulated");
    assert_false(f.settings.hides_usage);
    for (int i = FAULT_OK + 1; i < FAULT_COUNT; i++)
        assert_true(f.settings.faults.share[i] == 0);
    assert_int_equal(settings_check(&f.settings, &f.e), STATUS_OK);
    arena_fini(&f.arena);
}

static void every_fault_has_an_option(void **state)
{
    (void)state;
    for (int i = FAULT_OK + 1; i < FAULT_COUNT; i++) {
        struct fixture f;
        char word[40];
        (void)snprintf(word, sizeof word, "--%s=0.5", fault_name((enum fault_kind)i));
        char *argv[] = {word};
        if (strchr(word, '_') != NULL)
            *strchr(word, '_') = '-';
        assert_int_equal(read_words(&f, 1, argv), STATUS_OK);
        assert_true(f.settings.faults.share[i] == 0.5);
        arena_fini(&f.arena);
    }
}

static void what_rows_cannot_say(void **state)
{
    (void)state;
    struct fixture f;
    char *argv[] = {(char[]){"--model"}, (char[]){""}};
    assert_int_equal(read_words(&f, 2, argv), STATUS_OK);
    assert_int_equal(settings_check(&f.settings, &f.e), STATUS_BAD_OPTION);
    assert_string_equal(f.e.where, "--model");
    f.settings.model = "m";
    assert_int_equal(settings_check(&f.settings, &f.e), STATUS_OK);
    f.settings.faults.share[FAULT_CUT] = f.settings.faults.share[FAULT_HANG] = 0.6;
    assert_int_equal(settings_check(&f.settings, &f.e), STATUS_BAD_OPTION);
    arena_fini(&f.arena);
}

static void a_delay_implies_the_finish_chunk(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int64_t delay_ns;
    } rows[] = {{"--quiet", NS_UNKNOWN},
                {"--finish-chunk", 0},
                {"--finish-delay=0s", 0},
                {"--finish-delay=100ms", 100000000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        char word[40];
        (void)snprintf(word, sizeof word, "%s", rows[i].word);
        char *argv[] = {word};
        assert_int_equal(read_words(&f, 1, argv), STATUS_OK);
        assert_int_equal(settings_finish_delay_ns(&f.settings), rows[i].delay_ns);
        arena_fini(&f.arena);
    }
}

static void keys(void **state)
{
    (void)state;
    char path[] = "/tmp/inferbench-key-XXXXXX";
    struct settings s = {.api_key_file = NULL};
    struct buf key;
    struct err e;
    buf_init(&key, 1000);
    assert_int_equal(settings_key(&s, &key, &e), STATUS_OK);
    assert_int_equal(key.len, 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    s.api_key_file = path;
    assert_int_equal(settings_key(&s, &key, &e), STATUS_BAD_OPTION);
    assert_int_equal(write(fd, " secret \n", 9), 9);
    assert_int_equal(settings_key(&s, &key, &e), STATUS_OK);
    assert_string_equal(buf_cstr(&key), "Bearer secret");
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(settings_key(&s, &key, &e), STATUS_NOT_FOUND);
    buf_fini(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_fault_has_an_option),
        cmocka_unit_test(what_rows_cannot_say),
        cmocka_unit_test(a_delay_implies_the_finish_chunk),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
