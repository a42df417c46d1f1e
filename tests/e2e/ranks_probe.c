/* One process of several on net/ranks, for test_ranks_mpi.py: shares, gathers, sends
 * 10 MB, measures clocks and beats; says what it found as one line of JSON. Arguments:
 * "die N": rank N kills itself while all beat; "stop N": rank N says that it stops. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/ranks.h"

enum { BIG_BYTES = 10 * 1000 * 1000 };

static void must(enum status s, const struct err *e)
{
    if (s == STATUS_OK)
        return;
    char text[1024];
    status_format(e, text, sizeof text);
    fprintf(stderr, "ranks_probe: %s\n", text);
    exit(3);
}

static bool big_is_whole(struct ranks *r)
{
    struct err e;
    unsigned char *big = mem_alloc(BIG_BYTES, 1);
    int last = ranks_count(r) - 1;
    bool is_whole = true;
    for (int i = 0; i < BIG_BYTES; i++)
        big[i] = ranks_rank(r) == last ? (unsigned char)(i * 31 >> 3) : 0;
    if (ranks_rank(r) == last)
        must(ranks_send(r, 0, (struct str){(char *)big, BIG_BYTES}, &e), &e);
    if (ranks_rank(r) == 0)
        must(ranks_receive(r, last, big, BIG_BYTES, &e), &e);
    for (int i = 0; ranks_rank(r) == 0 && i < BIG_BYTES; i++)
        is_whole = is_whole && big[i] == (unsigned char)(i * 31 >> 3);
    mem_free(big);
    return is_whole;
}

/* For 20 s, or until another one stops; true: it did. */
static bool beat(struct ranks *r, const char *act, int who, struct err *e)
{
    struct instant begun = clock_now();
    while (clock_since(begun).ns < 20 * NS_PER_S) {
        bool is_time = ranks_rank(r) == who && clock_since(begun).ns > NS_PER_S;
        struct err mine;
        status_fail(&mine, STATUS_IO, "probe", "asked to stop");
        if (is_time && strcmp(act, "die") == 0)
            raise(SIGKILL);
        if (is_time && strcmp(act, "stop") == 0) {
            ranks_beat(r, &mine, e);
            return false;
        }
        if (ranks_beat(r, NULL, e))
            return true;
        clock_sleep_until(clock_after(clock_now(), (struct span){10 * NS_PER_MS}));
    }
    return false;
}

int main(int count, char **args)
{
    struct ranks *r = NULL;
    struct err e = {0};
    must(ranks_open("auto", &r, &e), &e);
    if (r == NULL) {
        puts("{\"alone\": true}");
        return 0;
    }
    int64_t seed = ranks_rank(r) == 0 ? 4711 : 0;
    must(ranks_share(r, "seed", &seed, sizeof seed, &e), &e);
    int32_t mine = 100 + ranks_rank(r), sum = 0;
    int32_t *all = mem_alloc((size_t)ranks_count(r), sizeof *all);
    must(ranks_gather(r, "ranks", (struct ranks_part){&mine, all, sizeof mine}, &e), &e);
    for (int n = 0; n < ranks_count(r); n++)
        sum += all[n];
    mem_free(all);
    struct instant begun = clock_now();
    bool is_whole = big_is_whole(r);
    double big_s = clock_to_s(clock_since(begun));
    struct ranks_clock c;
    must(ranks_clock(r, &c, &e), &e);
    int64_t who = -1;
    if (count == 3 && !str_to_i64(str_from(args[2]), &who))
        return 2;
    bool is_stopped = count == 3 && beat(r, args[1], (int)who, &e);
    printf("{\"rank\": %d, \"ranks\": %d, \"library\": \"%s\", \"seed\": %lld, "
           "\"sum\": %d, \"whole\": %s, \"big_s\": %.4f, \"offset_ns\": %lld, "
           "\"error_ns\": %lld, \"stopped\": \"%s\"}\n",
           ranks_rank(r), ranks_count(r), ranks_library(r), (long long)seed, sum,
           is_whole ? "true" : "false", big_s, (long long)c.offset_ns,
           (long long)c.error_ns, is_stopped ? e.what : "");
    fflush(stdout);
    ranks_close(r);
    return 0;
}
