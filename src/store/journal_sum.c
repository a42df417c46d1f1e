#include "store/journal_sum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/xxh64.h"

static const char member[] = ",\"" JOURNAL_SUM_KEY "\":\"";

enum {
    MEMBER_BYTES = sizeof member - 1,
    END_BYTES = MEMBER_BYTES + JOURNAL_SUM_ROOM - 1 + 2
};

uint64_t journal_sum_add(uint64_t before, struct str line)
{
    return xxh64(line, before);
}

void journal_sum_text(uint64_t sum, char text[JOURNAL_SUM_ROOM])
{
    (void)snprintf(text, JOURNAL_SUM_ROOM, "%016" PRIx64, sum);
}

bool journal_sum_is_right(struct str line, uint64_t before)
{
    char end[END_BYTES + 1], text[JOURNAL_SUM_ROOM];
    if (line.len < END_BYTES)
        return false;
    line.len -= END_BYTES;
    journal_sum_text(journal_sum_add(before, line), text);
    (void)snprintf(end, sizeof end, "%s%s\"}", member, text);
    return memcmp(line.ptr + line.len, end, END_BYTES) == 0;
}
