#include "serve/slog.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static char path[] = "/tmp/inferbench-slog-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct slog_record record(int64_t number)
{
    return (struct slog_record){.request = number,
                                .endpoint = "/v1/completions",
                                .outcome = "ok",
                                .is_stream = true,
                                .status = 200,
                                .arrival = {NS_UNKNOWN},
                                .read = {20},
                                .begin = {NS_UNKNOWN},
                                .end = {90},
                                .empty = {NS_UNKNOWN},
                                .finish = {NS_UNKNOWN},
                                .prompt_tokens = 4,
                                .tokens_per_event = 1};
}

static struct buf written(void)
{
    struct buf b;
    struct err e;
    buf_init(&b, 1 << 26);
    assert_int_equal(file_read(path, &b, &e), STATUS_OK);
    return b;
}

static void lines(void **state)
{
    (void)state;
    struct slog l;
    struct err e;
    assert_int_equal(slog_open(&l, path, "{\"log\":1}", &e), STATUS_OK);
    struct slog_record a = record(0), b = record(1), c = record(2);
    a.id = mem_strdup("x\"y");
    a.arrival.ns = 10;
    for (int64_t i = 0; i < 3; i++)
        slog_stamp(&l, &a.sent, (struct instant){30 + i});
    a.tokens = 3;
    slog_stamp(&l, &b.sent, (struct instant){40});
    slog_stamp(&l, &b.sent, (struct instant){50});
    slog_stamp(&l, &b.made, (struct instant){38});
    slog_stamp(&l, &b.made, (struct instant){39});
    b.tokens = 7;
    b.tokens_per_event = 4;
    b.begin.ns = 22;
    b.empty.ns = 25;
    b.finish.ns = 60;
    c.outcome = "hang";
    c.status = 0;
    c.end.ns = NS_UNKNOWN;
    slog_add(&l, &a);
    assert_null(a.sent.ns);
    slog_add(&l, &b);
    slog_add(&l, &c);
    assert_int_equal(slog_waiting(&l), 3);
    assert_int_equal(l.stamps, 7);
    slog_write(&l, 1);
    assert_int_equal(slog_waiting(&l), 2);
    slog_write(&l, 5);
    assert_int_equal(slog_waiting(&l), 0);
    assert_int_equal(l.stamps, 0);
    struct buf text = written();
    assert_string_equal(
        buf_cstr(&text),
        "{\"log\":1}\n"
        "{\"request\":0,\"id\":\"x\\\"y\",\"endpoint\":\"/v1/completions\","
        "\"stream\":true,\"arrival_ns\":10,\"read_ns\":20,\"prompt_tokens\":4,"
        "\"tokens\":3,"
        "\"sent_ns\":[30,31,32],\"end_ns\":90,\"status\":200,\"outcome\":\"ok\"}\n"
        "{\"request\":1,\"id\":null,\"endpoint\":\"/v1/completions\",\"stream\":true,"
        "\"arrival_ns\":null,\"read_ns\":20,\"begin_ns\":22,\"prompt_tokens\":4,"
        "\"tokens\":7,"
        "\"empty_ns\":25,\"sent_ns\":[40,50],\"made_ns\":[38,39],"
        "\"event_tokens\":[4,3],"
        "\"finish_ns\":60,\"end_ns\":90,\"status\":200,\"outcome\":\"ok\"}\n"
        "{\"request\":2,\"id\":null,\"endpoint\":\"/v1/completions\",\"stream\":true,"
        "\"arrival_ns\":null,\"read_ns\":20,\"prompt_tokens\":4,\"tokens\":0,"
        "\"sent_ns\":[],\"end_ns\":null,\"status\":0,\"outcome\":\"hang\"}\n");
    buf_fini(&text);
    assert_int_equal(slog_close(&l, &e), STATUS_OK);
}

static void many_records_keep_their_order(void **state)
{
    (void)state;
    enum { RECORDS = 5000 };
    struct slog l;
    struct err e;
    assert_int_equal(slog_open(&l, path, "{}", &e), STATUS_OK);
    for (int64_t i = 0; i < RECORDS; i++) {
        struct slog_record r = record(i);
        for (int64_t k = 0; k < i % 200; k++)
            slog_stamp(&l, &r.sent, (struct instant){k});
        r.tokens = i % 200;
        slog_add(&l, &r);
        if (i % 3 == 0)
            slog_write(&l, 2);
    }
    assert_int_equal(slog_close(&l, &e), STATUS_OK);
    struct buf text = written();
    struct str rest = {text.data, text.len};
    assert_true(str_is(str_cut(&rest, '\n'), "{}"));
    for (int i = 0; i < RECORDS; i++) {
        char start[40];
        (void)snprintf(start, sizeof start, "{\"request\":%d,", i);
        assert_true(str_starts(str_cut(&rest, '\n'), start));
    }
    assert_int_equal(rest.len, 0);
    buf_fini(&text);
}

static void no_log_keeps_nothing(void **state)
{
    (void)state;
    struct slog l;
    struct err e;
    assert_int_equal(slog_open(&l, NULL, "{}", &e), STATUS_OK);
    struct slog_record r = record(0);
    r.id = mem_strdup("id");
    slog_stamp(&l, &r.sent, (struct instant){1});
    assert_int_equal(r.sent.count, 0);
    slog_add(&l, &r);
    assert_null(r.id);
    assert_int_equal(slog_waiting(&l), 0);
    assert_int_equal(slog_close(&l, &e), STATUS_OK);
}

static void faults_are_told_at_the_end(void **state)
{
    (void)state;
    struct slog l;
    struct err e;
    assert_int_equal(slog_open(&l, "/none/such", "{}", &e), STATUS_IO);
    assert_string_equal(e.where, "/none/such");
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    (void)close(full);
    assert_int_equal(slog_open(&l, "/dev/full", "{}", &e), STATUS_NO_SPACE);
    assert_int_equal(slog_open(&l, path, "{}", &e), STATUS_OK);
    full = open("/dev/full", O_WRONLY);
    assert_true(dup2(full, l.fd) >= 0);
    (void)close(full);
    struct slog_record r = record(0);
    slog_add(&l, &r);
    slog_write(&l, 10);
    r = record(1);
    slog_add(&l, &r);
    slog_write(&l, 10);
    assert_int_equal(slog_close(&l, &e), STATUS_NO_SPACE);
}

static void no_memory_is_told_at_the_end(void **state)
{
    (void)state;
    bool was_good = false;
    for (long n = 1; !was_good; n++) {
        struct slog l;
        struct err e;
        assert_int_equal(slog_open(&l, path, "{}", &e), STATUS_OK);
        mem_fail_at(n);
        for (int i = 0; i < 300; i++) {
            struct slog_record r = record(i);
            slog_stamp(&l, &r.sent, (struct instant){1});
            slog_add(&l, &r);
        }
        slog_write(&l, 1000);
        mem_fail_at(0);
        enum status st = slog_close(&l, &e);
        was_good = st == STATUS_OK;
        assert_true(was_good || st == STATUS_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, make_file, remove_file),
        cmocka_unit_test_setup_teardown(many_records_keep_their_order, make_file,
                                        remove_file),
        cmocka_unit_test(no_log_keeps_nothing),
        cmocka_unit_test_setup_teardown(faults_are_told_at_the_end, make_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(no_memory_is_told_at_the_end, make_file,
                                        remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
