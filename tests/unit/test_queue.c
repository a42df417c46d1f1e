#include "serve/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "serve/exchange.h"
#include "serve_fixture.h"

#define TTFT_NS (40 * NS_PER_MS) /* longer than a busy machine needs to ask */
#define ITL_NS  (10 * NS_PER_MS)
#define HOUR_NS (3600 * NS_PER_S)

enum { CLIENTS = 5 };

static const char stream3[] = "{\"prompt\":[1],\"max_tokens\":3,\"stream\":true}";
static const char whole3[] = "{\"prompt\":[1],\"max_tokens\":3}";

/* A server and its clients, who ask one after the other. */
struct scene {
    struct serve_fixture f;
    struct conn *conns[CLIENTS + 1];
    int peers[CLIENTS + 1];
    int count;
};

static void begin(struct scene *s, int64_t slots, bool is_serial)
{
    *s = (struct scene){0};
    serve_fixture_begin(&s->f);
    s->f.settings.ttft_ns = TTFT_NS;
    s->f.settings.itl_ns = ITL_NS;
    s->f.settings.slots = slots;
    s->f.settings.has_serial_prefill = is_serial;
}

static void end(struct scene *s)
{
    serve_fixture_end(&s->f);
    for (int i = 0; i < s->count; i++)
        (void)close(s->peers[i]);
}

/* Another client asks; its answer. */
static struct completion *ask(struct scene *s, const char *body)
{
    char text[400];
    struct conn *c = serve_fixture_open(&s->f, &s->peers[s->count]);
    int len = snprintf(text, sizeof text,
                       "POST /v1/completions HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    assert_int_equal(send(s->peers[s->count], text, (size_t)len, 0), len);
    s->conns[s->count++] = c;
    exchange_readable(&s->f.server, c, false);
    return &c->answer;
}

/* Waits for what is due next, and does it; whose it was. */
static struct conn *step(struct scene *s)
{
    uint32_t who = 0;
    struct instant at = due_next(&s->f.server.due, &who);
    assert_true(at.ns != DUE_NEVER);
    while (clock_before(clock_now(), at))
        clock_sleep_until(at);
    struct conn *c = s->f.server.conns.all[who];
    exchange_due(&s->f.server, c);
    return c;
}

static void step_until_over(struct scene *s, int client)
{
    while (s->conns[client]->state == CONN_ANSWERING)
        (void)step(s);
}

static void check_counts(const struct scene *s, int64_t running, int64_t waiting)
{
    assert_int_equal(s->f.server.counts.running, running);
    assert_int_equal(s->f.server.counts.waiting, waiting);
}

static void without_a_limit_nobody_waits(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 0, false);
    for (int i = 0; i < CLIENTS; i++) {
        const struct completion *a = ask(&s, stream3);
        assert_int_equal(a->due.ns, a->record.read.ns + TTFT_NS);
        assert_int_equal(a->record.begin.ns, NS_UNKNOWN);
        check_counts(&s, i + 1, 0);
    }
    end(&s);
}

/* The next one begins when the last event of the one before was due. */
static void slots_are_given_in_order(void **state)
{
    (void)state;
    struct scene s;
    struct completion *a[CLIENTS];
    begin(&s, 2, false);
    for (int i = 0; i < CLIENTS; i++) {
        a[i] = ask(&s, i == 3 ? whole3 : stream3);
        assert_int_equal(a[i]->is_running, i < 2);
        if (i < 2)
            assert_int_equal(a[i]->record.begin.ns, a[i]->record.read.ns);
        else
            assert_int_equal(a[i]->due.ns, DUE_NEVER);
    }
    check_counts(&s, 2, 3);
    char head[100] = "";
    assert_true(recv(s.peers[2], head, sizeof head - 1, 0) > 0); /* the head comes
                                                                    at once */
    serve_fixture_has(head, "HTTP/1.1 200 OK");
    int64_t ends[CLIENTS];
    for (int i = 0; i < 3; i++) {
        step_until_over(&s, i);
        ends[i] = a[i]->due.ns;
        check_counts(&s, 2, 2 - i);
        assert_int_equal(a[i + 2]->record.begin.ns, ends[i]);
        assert_int_equal(a[i + 2]->due.ns,
                         ends[i] + TTFT_NS + (i + 2 == 3 ? 2 * ITL_NS : 0));
    }
    step_until_over(&s, 3);
    step_until_over(&s, 4);
    check_counts(&s, 0, 0);
    const struct completion *late = ask(&s, stream3); /* there is a slot: no waiting */
    assert_int_equal(late->record.begin.ns, late->record.read.ns);
    end(&s);
}

static void leave(struct scene *s, int client)
{
    exchange_close(&s->f.server, s->conns[client], "closed");
}

static void who_leaves_makes_room(void **state)
{
    (void)state;
    struct scene s;
    struct completion *a[4];
    begin(&s, 1, false);
    s.f.settings.itl_ns = HOUR_NS; /* of the one that leaves */
    for (int i = 0; i < 4; i++) {
        a[i] = ask(&s, stream3);
        s.f.settings.itl_ns = ITL_NS;
    }
    leave(&s, 2);
    check_counts(&s, 1, 2);
    (void)step(&s);
    struct instant before = clock_now();
    leave(&s, 0);
    check_counts(&s, 1, 1);
    assert_in_range(a[1]->record.begin.ns, before.ns, clock_now().ns);
    step_until_over(&s, 1);
    assert_int_equal(a[3]->record.begin.ns, a[1]->due.ns);
    leave(&s, 3);
    check_counts(&s, 0, 0);
    end(&s);
}

/* Such a request never ends: it would take its slot away for good. */
static void what_is_not_answered_holds_no_slot(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_HANG, FAULT_STALL, FAULT_FAIL};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct scene s;
        begin(&s, 1, true);
        s.f.settings.faults.share[kinds[i]] = 1;
        (void)ask(&s, stream3);
        s.f.settings.faults.share[kinds[i]] = 0;
        const struct completion *next = ask(&s, stream3);
        while (s.conns[0]->state == CONN_ANSWERING)
            (void)step(&s);
        check_counts(&s, 1, 0);
        assert_true(next->is_running);
        step_until_over(&s, 1);
        end(&s);
    }
}

static void one_prefill_after_the_other(void **state)
{
    (void)state;
    struct scene s;
    struct completion *a[CLIENTS];
    begin(&s, 0, true);
    for (int i = 0; i < CLIENTS; i++)
        a[i] = ask(&s, i == 1 ? whole3 : stream3);
    check_counts(&s, 1, 4);
    int64_t first = a[0]->due.ns;
    assert_int_equal(first, a[0]->record.read.ns + TTFT_NS);
    for (int i = 1; i < CLIENTS; i++) {
        while (!a[i]->is_running)
            (void)step(&s);
        assert_int_equal(a[i]->record.begin.ns, first + (i - 1) * TTFT_NS);
        assert_int_equal(a[i]->due.ns, first + i * TTFT_NS);
    }
    while (s.f.server.queue.prefilling != NULL)
        (void)step(&s);
    assert_int_equal(a[1]->made_tokens, 3); /* its decode went on beside other prefills */
    step_until_over(&s, 4);
    const struct completion *late = ask(&s, stream3);
    assert_int_equal(late->due.ns, late->record.read.ns + TTFT_NS);
    check_counts(&s, 1, 0);
    end(&s);
}

static void a_prefill_that_is_given_up(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 0, true);
    s.f.settings.ttft_ns = HOUR_NS;
    (void)ask(&s, stream3);
    const struct completion *next = ask(&s, stream3);
    struct instant before = clock_now();
    leave(&s, 0);
    assert_in_range(next->record.begin.ns, before.ns, clock_now().ns);
    end(&s);
    begin(&s, 0, true); /* the only token is cut off, when it was due */
    s.f.settings.faults.share[FAULT_CUT] = 1;
    const struct completion *cut = ask(
        &s, "{\"prompt\":[1],\"max_tokens\":1,\"stream\":true}");
    next = ask(&s, stream3);
    struct instant due = cut->due;
    assert_ptr_equal(step(&s), s.conns[0]);
    assert_int_equal(s.conns[0]->state, CONN_CLOSED);
    assert_int_equal(next->record.begin.ns, due.ns);
    end(&s);
}

/* A slot is free, but the prefill is not; and the other way round. */
static void slots_and_prefill(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 2, true);
    const struct completion *a = ask(&s, stream3), *b = ask(&s, stream3);
    const struct completion *c = ask(&s, stream3);
    int64_t start = a->record.begin.ns;
    check_counts(&s, 1, 2);
    step_until_over(&s, 0);
    assert_int_equal(b->record.begin.ns, start + TTFT_NS);
    assert_int_equal(a->due.ns, start + TTFT_NS + 2 * ITL_NS);
    assert_false(c->is_running); /* b's prefill is not over */
    (void)step(&s);
    assert_int_equal(c->record.begin.ns, start + 2 * TTFT_NS);
    check_counts(&s, 2, 0);
    end(&s);
}

static void at_the_end_nobody_begins(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 1, false);
    serve_fixture_log(&s.f);
    (void)ask(&s, stream3);
    (void)ask(&s, stream3);
    s.f.server.queue.is_closed = true;
    leave(&s, 0);
    check_counts(&s, 0, 1);
    leave(&s, 1);
    const char *text = serve_fixture_logged(&s.f);
    assert_non_null(strstr(text, "\"begin_ns\":"));
    serve_fixture_has_not(strstr(text, "\"request\":1"), "\"begin_ns\":");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_nobody_waits),
        cmocka_unit_test(slots_are_given_in_order),
        cmocka_unit_test(who_leaves_makes_room),
        cmocka_unit_test(what_is_not_answered_holds_no_slot),
        cmocka_unit_test(one_prefill_after_the_other),
        cmocka_unit_test(a_prefill_that_is_given_up),
        cmocka_unit_test(slots_and_prefill),
        cmocka_unit_test(at_the_end_nobody_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
