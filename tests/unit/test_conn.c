#include "serve/conn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"

static struct conn *open_pair(struct conn_table *t, int *peer)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    *peer = ends[0];
    struct conn *c = conn_open(t, ends[1]);
    if (c == NULL)
        (void)close(ends[1]);
    return c;
}

static void places_are_used_again(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct conn_table t = {0};
    int peers[COUNT];
    uint64_t tags[COUNT];
    for (int i = 0; i < COUNT; i++) {
        struct conn *c = open_pair(&t, &peers[i]);
        assert_int_equal(c->index, i);
        tags[i] = conn_tag(c);
        assert_ptr_equal(conn_of(&t, tags[i]), c);
    }
    assert_int_equal(t.open, COUNT);
    struct conn *gone = conn_of(&t, tags[7]);
    conn_close(&t, gone, false);
    conn_close(&t, gone, false);
    assert_int_equal(t.open, COUNT - 1);
    assert_null(conn_of(&t, tags[7]));
    char byte;
    assert_int_equal(recv(peers[7], &byte, 1, 0), 0);
    (void)close(peers[7]);
    struct conn *c = open_pair(&t, &peers[7]);
    assert_int_equal(c->index, 7);
    assert_int_equal(t.count, COUNT);
    assert_null(conn_of(&t, tags[7])); /* an event of the one before finds nobody */
    assert_ptr_equal(conn_of(&t, conn_tag(c)), c);
    assert_null(conn_of(&t, COUNT));
    conn_table_fini(&t);
    for (int i = 0; i < COUNT; i++)
        (void)close(peers[i]);
}

static void what_finds_no_room_waits(void **state)
{
    (void)state;
    enum { PIECE = 3000, PIECES = 400 };
    struct conn_table t = {0};
    static char piece[PIECE], got[PIECE * PIECES];
    int peer;
    size_t len = 0;
    struct instant sent = {0};
    struct conn *c = open_pair(&t, &peer);
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, sizeof piece);
        enum conn_sent result = conn_send(c, (struct str){piece, sizeof piece}, NULL);
        assert_int_equal(result, conn_is_blocked(c) ? CONN_WAITS : CONN_SENT);
    }
    assert_true(conn_is_blocked(c));
    assert_int_equal(conn_flush(c, &sent), CONN_WAITS);
    while (len < sizeof got) {
        ssize_t n = recv(peer, got + len, sizeof got - len, MSG_DONTWAIT);
        if (n > 0)
            len += (size_t)n;
        else
            assert_int_not_equal(conn_flush(c, &sent), CONN_LOST);
    }
    assert_false(conn_is_blocked(c));
    assert_true(sent.ns > 0 && sent.ns <= clock_now().ns);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 'a' + (int)(i / PIECE) % 26);
    assert_int_equal(c->out.room, 0);
    conn_table_fini(&t);
    (void)close(peer);
}

static void a_peer_that_is_gone(void **state)
{
    (void)state;
    struct conn_table t = {0};
    struct instant sent;
    int peer;
    struct conn *c = open_pair(&t, &peer);
    (void)close(peer);
    assert_int_equal(conn_send(c, str_from("x"), NULL), CONN_LOST);
    assert_int_equal(buf_text(&c->out, "x"), STATUS_OK);
    assert_int_equal(conn_flush(c, &sent), CONN_LOST);
    conn_table_fini(&t);
}

static void no_memory_opens_none(void **state)
{
    (void)state;
    for (long n = 1; n <= 3; n++) {
        struct conn_table t = {0};
        int peer;
        mem_fail_at(n);
        assert_null(open_pair(&t, &peer));
        mem_fail_at(0);
        assert_int_equal(t.open, 0);
        (void)close(peer);
        assert_non_null(open_pair(&t, &peer));
        conn_table_fini(&t);
        (void)close(peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(what_finds_no_room_waits),
        cmocka_unit_test(a_peer_that_is_gone),
        cmocka_unit_test(no_memory_opens_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
