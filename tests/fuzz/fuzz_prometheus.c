/* Prometheus text of any bytes: sums and labels of names that the input itself has. */
#include <math.h>
#include <string.h>

#include "http/prometheus.h"

#include "fuzz_target.h"

enum { NAME_BYTES = 64, ROOM = 32 };

/* The first word of a line, as a name. */
static void name_of(struct str line, char out[NAME_BYTES])
{
    size_t len = 0;
    while (len < line.len && len < NAME_BYTES - 1 && line.ptr[len] != '\0' &&
           strchr(" \t\r{", line.ptr[len]) == NULL) {
        out[len] = line.ptr[len];
        len++;
    }
    out[len] = '\0';
}

static void check_label(struct str text, const char *name, size_t room)
{
    char out[ROOM];
    memset(out, 'x', sizeof out);
    bool is_there = prometheus_label(text, name, "x", out, room);
    TARGET_CHECK(!is_there || memchr(out, '\0', room) != NULL);
    for (size_t i = room; i < sizeof out; i++)
        TARGET_CHECK(out[i] == 'x');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_LINES = 8 };
    struct str all = {.ptr = (const char *)data, .len = size}, left = all;
    for (int i = 0; i < MAX_LINES && left.len > 0; i++) {
        char name[NAME_BYTES];
        name_of(str_cut(&left, '\n'), name);
        double sum = prometheus_sum(all, name), again = prometheus_sum(all, name);
        TARGET_CHECK(isnan(sum) ? isnan(again) : sum == again);
        for (size_t room = 0; room <= ROOM; room += 8)
            check_label(all, name, room);
    }
    return 0;
}
