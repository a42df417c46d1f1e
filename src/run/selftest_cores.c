#include "run/selftest_cores.h"

#include <stdio.h>
#include <string.h>

void selftest_cores_split(struct selftest_cores *c)
{
    c->client = c->server = c->all;
    c->server_core = -1;
    if (c->usable < 2)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &c->all))
            c->server_core = i;
    CPU_ZERO(&c->server);
    CPU_SET((size_t)c->server_core, &c->server);
    CPU_CLR((size_t)c->server_core, &c->client);
}

void selftest_cores_find(struct selftest_cores *c)
{
    *c = (struct selftest_cores){.usable = -1, .server_core = -1};
    if (sched_getaffinity(0, sizeof c->all, &c->all) == 0)
        c->usable = CPU_COUNT(&c->all);
    selftest_cores_split(c);
}

void selftest_cores_move(const struct selftest_cores *c, enum selftest_side side)
{
    if (c->usable < 2)
        return;
    const cpu_set_t *set = &c->all;
    if (side == SELFTEST_CLIENT)
        set = &c->client;
    else if (side == SELFTEST_SERVER)
        set = &c->server;
    (void)sched_setaffinity(0, sizeof *set, set); /* refused: they share the cores */
}

void selftest_cores_text(const cpu_set_t *set, char out[SELFTEST_CORES_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < CPU_SETSIZE && len < SELFTEST_CORES_BYTES - 24; i++) {
        if (!CPU_ISSET(i, set))
            continue;
        int last = i;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
            last++;
        len += (size_t)snprintf(out + len, SELFTEST_CORES_BYTES - len,
                                last > i ? "%s%d-%d" : "%s%d", len > 0 ? "," : "", i,
                                last);
        i = last;
    }
}
