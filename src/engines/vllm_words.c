#include "engines/vllm_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define WORK_BYTES    8192
#define SENTENCES_MAX 64
#define GAP_BYTES     6 /* a blank, and " ..." */

/* Sentences that begin so, or hold such words, say nothing to who reads them on a
 * screen. */
static const char *const empty_words[] = {
    "You can inspect",
    "For further information visit",
    "For more information",
    "See root cause above",
    "See stack trace",
    "see the stack trace above",
    "please check the stack trace above",
    "see issue",
    "please open an issue",
    "open an issue",
    "report this",
    "reporting a bug",
    "TORCH_USE_CUDA_DSA",
    "TORCHDYNAMO_VERBOSE",
    "CUDA kernel errors might be asynchronously reported",
    "Search for `cudaError",
    "Failed core proc(s): {}",
};

/* What cures a failure is said in such words. */
static const char *const cure_words[] = {
    "lease ",    "ou can ",  "Try ",     "try ",    "ncrease",
    "ecrease",   "educe",    "Set ",     "set ",    "Use ",
    "use ",      "Pass ",    "pass ",    "nstall",  "instead",
    "upported",  "Consider", "consider", "--",      "Make sure",
    "make sure", "explicit", "Check ",   "must be", "estimated maximum",
    "Cause: ",
};

static bool holds_any(struct str s, const char *const *words, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        size_t len = strlen(words[k]);
        for (size_t i = 0; i + len <= s.len; i++)
            if (memcmp(s.ptr + i, words[k], len) == 0)
                return true;
    }
    return false;
}

/* Takes out the bytes from `at` to `end`, and puts `with` there, which is no longer. */
static void replace(char *at, const char *end, const char *with)
{
    size_t len = strlen(with);
    memcpy(at, with, len);
    memmove(at + len, end, strlen(end) + 1);
}

/* pydantic: "1 validation error for X\n  Value error, TEXT [type=..., input_value=...]",
 * or "...\nfield\n  TEXT [type=...". */
static void drop_pydantic(char *text)
{
    char *head = strstr(text, "validation error");
    char *tail = strstr(text, " [type=");
    if (head == NULL)
        return;
    if (tail != NULL)
        *tail = '\0';
    char *value = strstr(head, "Value error, ");
    char *line = strchr(head, '\n');
    if (value != NULL)
        replace(text, value + strlen("Value error, "), "");
    else if (line != NULL)
        replace(text, line + 1, "");
}

/* Whether a list of words is a command line: options or paths are in it. */
static bool is_command(const char *list, const char *end)
{
    for (const char *at = list; (at = strchr(at, '\'')) != NULL && at < end; at++)
        if (at[1] == '-' || at[1] == '/')
            return true;
    return false;
}

/* vLLM passes a worker's error on: "Worker failed with error 'TEXT', please check". */
static void drop_wrapper(char *text)
{
    static const char head[] = "Worker failed with error '";
    char *at = strstr(text, head);
    char *end = strstr(text, "', please check");
    if (at == NULL || end == NULL || end < at)
        return;
    *end = '\0';
    replace(text, at + strlen(head), "");
}

/* "['neuronx-cc', 'compile', ...]" becomes "neuronx-cc"; "Command: g++ ...\n" goes, and
 * the hub's "(Request ID: ...)". */
static void drop_commands(char *text)
{
    char *id = strstr(text, "(Request ID");
    if (id != NULL && strchr(id, ')') != NULL)
        replace(id, strchr(id, ')') + 1, "");
    for (char *at = text; (at = strstr(at, "['")) != NULL;) {
        char *name_end = strchr(at + 2, '\'');
        char *end = strstr(at, "']");
        if (name_end == NULL || end == NULL || !is_command(at, end)) {
            at += 2;
            continue;
        }
        size_t len = (size_t)(name_end - at - 2);
        memmove(at, at + 2, len);
        replace(at + len, end + 2, "");
        at += len;
    }
    for (char *at = text; (at = strstr(at, "Command:")) != NULL;) {
        char *end = at + strcspn(at, "\n");
        char *output = strstr(at, "Output:");
        replace(at, output != NULL ? output + strlen("Output:") : end, "");
    }
}

/* "2023-09-19T09:36:54Z " and "2024-Dec-11 17:43:58.780308 45075:45075 ERROR ". */
static void drop_times(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        size_t n = strspn(at, "0123456789-");
        bool is_start = at == text || isspace((unsigned char)at[-1]);
        if (!is_start || n != 10 || at[4] != '-' || at[n] != 'T')
            continue;
        const char *end = at + n + 1 + strspn(at + n + 1, "0123456789:.Z");
        replace(at, end + strspn(end, " "), "");
    }
}

/* All white space becomes one blank; a line that ends without a stop gets none. */
static void flatten(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool is_blank = isspace((unsigned char)*from) || iscntrl((unsigned char)*from);
        if (is_blank && (to == text || to[-1] == ' '))
            continue;
        *to++ = is_blank ? ' ' : *from;
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

/* Cuts the next sentence off: it ends at ". ", "! " or "? " before a capital, or at the
 * end. */
static struct str cut_sentence(struct str *rest)
{
    size_t n = 0;
    for (; n < rest->len; n++) {
        bool is_stop = strchr(".!?", rest->ptr[n]) != NULL && n + 2 < rest->len &&
                       rest->ptr[n + 1] == ' ';
        if (is_stop && !islower((unsigned char)rest->ptr[n + 2]))
            break;
    }
    size_t len = n < rest->len ? n + 1 : n;
    struct str sentence = str_trim((struct str){rest->ptr, len});
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return sentence;
}

/* Appends a sentence; one that does not fit is cut at a word. */
static void add(char *out, size_t size, struct str sentence)
{
    size_t used = strlen(out);
    size_t need = sentence.len + (used > 0);
    if (used + need < size) {
        snprintf(out + used, size - used, "%s%.*s", used > 0 ? " " : "",
                 (int)sentence.len, sentence.ptr);
        return;
    }
    if (used + 24 > size)
        return;
    size_t n = size - used - 6;
    while (n > 0 && sentence.ptr[n] != ' ')
        n--;
    if (n == 0)
        n = size - used - 6;
    while (n > 0 && ((unsigned char)sentence.ptr[n] & 0xC0) == 0x80)
        n--; /* not within a character */
    snprintf(out + used, size - used, "%s%.*s ...", used > 0 ? " " : "", (int)n,
             sentence.ptr);
}

/* Room for the first sentence: all it needs, unless others need some too. */
static size_t first_room(const struct str *s, size_t count, size_t size)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += s[i].len + 1;
    return count > 1 && total > size ? size * 3 / 5 : size;
}

/* Which sentences fit: the first, then those with a cure from the end on, then the others
 * in order. */
static void choose(const struct str *s, size_t count, size_t size, bool *is_kept)
{
    size_t room = first_room(s, count, size);
    size_t used = count > 0 && s[0].len < room ? s[0].len + 1 : room;
    is_kept[0] = true;
    for (size_t i = count; i > 1; i--) {
        bool has_cure = holds_any(s[i - 1], cure_words,
                                  sizeof cure_words / sizeof *cure_words);
        if (has_cure && used + s[i - 1].len + GAP_BYTES < size) {
            is_kept[i - 1] = true;
            used += s[i - 1].len + 1;
        }
    }
    for (size_t i = 1; i < count; i++) {
        if (!is_kept[i] && used + s[i].len + GAP_BYTES < size) {
            is_kept[i] = true;
            used += s[i].len + 1;
        }
    }
}

/* The sentences that say something; how many there are. */
static size_t split(const char *text, struct str *out)
{
    size_t count = 0;
    for (struct str rest = str_from(text); rest.len > 0 && count < SENTENCES_MAX;) {
        struct str s = cut_sentence(&rest);
        if (s.len > 0 &&
            !holds_any(s, empty_words, sizeof empty_words / sizeof *empty_words))
            out[count++] = s;
    }
    return count;
}

void vllm_words_cut(const char *text, char *out, size_t size)
{
    char work[WORK_BYTES];
    struct str sentences[SENTENCES_MAX];
    bool is_kept[SENTENCES_MAX] = {false};
    bool has_gap = false;
    snprintf(work, sizeof work, "%s", text);
    drop_wrapper(work);
    drop_pydantic(work);
    drop_commands(work);
    drop_times(work);
    flatten(work);
    size_t count = split(work, sentences);
    out[0] = '\0';
    choose(sentences, count, size, is_kept);
    for (size_t i = 0; i < count; i++) {
        if (is_kept[i])
            add(out, i == 0 ? first_room(sentences, count, size) : size, sentences[i]);
        else if (!has_gap)
            add(out, size, str_from("..."));
        has_gap = !is_kept[i];
    }
}
