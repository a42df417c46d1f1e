#include "base/words.h"

#include <ctype.h>
#include <string.h>

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

/* The word at *at into `room`, which is as long as the text; *at is what follows. False:
 * it ends within quotes. */
static bool take_word(const char **at, char *room)
{
    char quote = '\0';
    for (; **at != '\0' && (quote != '\0' || !is_blank(**at)); ++*at)
        if (quote == '\0' && (**at == '"' || **at == '\''))
            quote = **at;
        else if (**at == quote)
            quote = '\0';
        else
            *room++ = **at;
    *room = '\0';
    return quote == '\0';
}

enum status words_cut(const char *text, const char *where, struct arena *a,
                      struct opt_strings *out, struct err *e)
{
    size_t len = strlen(text);
    char *room = arena_alloc(a, len + 1, 1);
    *out = (struct opt_strings){arena_alloc(a, len / 2 + 1, sizeof *out->items), 0};
    if (room == NULL || out->items == NULL)
        return status_no_memory(e, where);
    for (;;) {
        while (is_blank(*text))
            text++;
        if (*text == '\0')
            return STATUS_OK;
        if (!take_word(&text, room)) {
            status_fail(e, STATUS_BAD_OPTION, where, "a quote is not closed");
            return status_hint(e, "Quotes come in pairs, \"...\" or '...'");
        }
        out->items[out->count] = room;
        out->count++;
        room += strlen(room) + 1;
    }
}
