#include "engines/vllm_cause.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MORE_LINES     12
#define TEXT_CAP_BYTES 4000

/* A line of a log without what stands in front of it. */
struct line {
    struct str body;   /* indentation kept */
    bool is_harmless;  /* logged as a warning or less */
    bool is_in_source; /* a line of code within a traceback */
};

static struct str part(struct str s, size_t from, size_t len)
{
    return (struct str){.ptr = s.ptr + from, .len = len};
}

static struct str rest_of(struct str s, size_t from)
{
    return part(s, from, s.len - from);
}

static bool contains(struct str s, const char *what)
{
    return str_at(s, 0, what) < s.len;
}

static bool ends_in(struct str s, const char *what)
{
    size_t len = strlen(what);
    return s.len >= len && memcmp(s.ptr + s.len - len, what, len) == 0;
}

static size_t count_spaces(struct str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] == ' ')
        n++;
    return n;
}

/* --- lines */

/* Process names in front: "(EngineCore pid=1) (Worker pid=2) ", "[rank0]: ". */
static struct str drop_names(struct str s)
{
    for (;;) {
        bool is_rank = str_starts(s, "[rank");
        const char *mark = is_rank ? "]: " : ") ";
        size_t end = str_at(s, 0, mark);
        if (end > 80 || end == s.len || (!is_rank && !str_starts(s, "(")))
            return s;
        s = rest_of(s, end + strlen(mark));
    }
}

/* "ERROR 11-30 12:00:00 [core.py:708] text", "INFO 07-17 19:35:07 engine.py:17] ". */
static struct str drop_level(struct str s, bool *is_harmless)
{
    static const char *const quiet[] = {"WARNING ", "INFO ", "DEBUG "};
    bool has_level = str_starts(s, "ERROR ") || str_starts(s, "CRITICAL ");
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (str_starts(s, quiet[i]))
            has_level = *is_harmless = true;
    size_t end = str_at(s, 0, "] ");
    if (!has_level || end > 90)
        return s;
    return rest_of(s, end < s.len ? end + 2 : end);
}

static struct line read_line(struct str raw)
{
    struct line l = {.is_harmless = false};
    while (raw.len > 0 && isspace((unsigned char)raw.ptr[raw.len - 1]))
        raw.len--;
    l.body = drop_level(drop_names(raw), &l.is_harmless);
    l.is_in_source = count_spaces(l.body) >= 4;
    return l;
}

/* --- errors in a line */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool is_error_name(struct str name)
{
    static const char *const ends[] = {"Error", "Exception", "Failure", "Interrupt"};
    if (name.len == 0 || !isupper((unsigned char)name.ptr[0]))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_in(name, ends[i]))
            return true;
    return false;
}

/* "module.Name" without its modules. */
static struct str last_name(struct str name)
{
    size_t from = name.len;
    while (from > 0 && is_word(name.ptr[from - 1]))
        from--;
    return rest_of(name, from);
}

/* The name that a line begins with, "socket.gaierror" of "socket.gaierror: text". */
static struct str first_name(struct str s)
{
    size_t n = 0;
    while (n < s.len && (is_word(s.ptr[n]) || s.ptr[n] == '.'))
        n++;
    return part(s, 0, n);
}

/* The last line of a traceback: "socket.gaierror: text", "AssertionError". Behind a line
 * of code any name is one; elsewhere, those that look like it and say something. */
static bool is_raised(struct line l, bool is_behind_code, struct vllm_cause *out,
                      struct arena *a)
{
    struct str whole = first_name(l.body);
    struct str type = last_name(whole), text = rest_of(l.body, whole.len);
    if (type.len == 0 || isdigit((unsigned char)type.ptr[0]))
        return false;
    if (text.len > 0 && !str_is(text, ":") && !str_starts(text, ": "))
        return false;
    text = str_trim(rest_of(text, text.len > 0 ? 1 : 0));
    if (!is_behind_code && (text.len == 0 || !is_error_name(type)))
        return false;
    out->type = arena_str(a, type);
    out->text = arena_str(a, text);
    return true;
}

/* "...ValueError: text" anywhere in a line. */
static bool is_named(struct line l, struct vllm_cause *out, struct arena *a)
{
    struct str s = l.body;
    for (size_t at = str_at(s, 0, ": "); at < s.len; at = str_at(s, at + 1, ": ")) {
        struct str type = last_name(part(s, 0, at));
        struct str text = str_trim(rest_of(s, at + 2));
        if (!is_error_name(type) || text.len == 0)
            continue;
        out->type = arena_str(a, type);
        out->text = arena_str(a, text);
        return true;
    }
    return false;
}

/* Words of runtimes and programs that raise nothing. The cause's text begins behind the
 * mark where that says nothing by itself. */
static const struct mark {
    const char *words, *type;
    bool is_start; /* of a line only */
    bool is_kept;
} marks[] = {
    {".py: error: ", "BadArgument", false, false},
    {"vllm: error: ", "BadArgument", false, false},
    {"error: unexpected argument", "BadArgument", true, true},
    {"error: invalid value", "BadArgument", true, true},
    {"error: the following required", "BadArgument", true, true},
    {"error: unrecognized", "BadArgument", true, true},
    {"Error: ", "Error", true, false},
    {" NRT:", "NRT", false, false},
    {" TDRV:", "NRT", false, false},
    {" NMGR:", "NRT", false, false},
    {"[NCC_", "neuronx-cc", false, true},
    {"neuronx-cc was forcibly", "neuronx-cc", false, true},
    {"neuronx-cc terminated", "neuronx-cc", false, true},
    {"NCCL WARN ", "NCCL", false, false},
    {"Fatal Python error: ", "Python", false, false},
    {"terminate called after throwing", "abort", false, true},
    {"what():  ", "abort", false, false},
    {"Check failed: ", "abort", false, true},
    {"Assertion `", "assert", false, true},
    {"Segfault encountered", "signal", false, true},
    {"*** SIG", "signal", true, true},
    {"Killed", "signal", true, true},
    {"Segmentation fault", "signal", false, true},
    {"Bus error", "signal", false, true},
    {"Illegal instruction", "signal", false, true},
    {"error while loading shared libraries", "loader", false, true},
    {"symbol lookup error", "loader", false, true},
    {"panicked at ", "panic", false, true},
};

static bool is_marked(struct line l, struct vllm_cause *out, struct arena *a)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const struct mark *m = &marks[i];
        size_t at = str_at(l.body, 0, m->words);
        if (at == l.body.len || (m->is_start && at > 0))
            continue;
        out->type = m->type;
        out->text = arena_str(
            a, str_trim(rest_of(l.body, at + (m->is_kept ? 0 : strlen(m->words)))));
        return true;
    }
    return false;
}

/* --- causes */

/* Texts that say that something failed elsewhere, or that somebody stopped it. */
static const char *const second_hand[] = {
    "initialization failed",
    "EngineCore encountered",
    "EngineCore failed to start",
    "Engine process failed to start",
    "please check the stack trace above",
    "died unexpectedly",
    "Driver issues are logged to your system logs",
    "Connection closed by peer",
    "Background loop",
    "process was terminated abruptly",
    "Executor failed",
    "returned non-zero exit status",
    "leaked shared_memory",
    "nrt_infodump",
};

/* What processes raise when another one has gone or told them to go. */
static const char *const second_types[] = {
    "KeyboardInterrupt",    "SystemExit",       "BrokenPipeError", "EOFError",
    "ConnectionResetError", "CancelledError",   "EngineDeadError", "EngineDead",
    "BrokenProcessPool",    "ChildFailedError",
};

bool vllm_cause_is_second_hand(struct str type, struct str text)
{
    for (size_t i = 0; i < sizeof second_types / sizeof *second_types; i++)
        if (str_is(type, second_types[i]))
            return true;
    for (size_t i = 0; i < sizeof second_hand / sizeof *second_hand; i++)
        if (contains(text, second_hand[i]))
            return true;
    return false;
}

/* Whether the text goes on in the next line: pydantic writes what is wrong behind its
 * headline, compilers behind their command; a cure may have a line to itself. */
static bool goes_on(struct str text, struct str next)
{
    static const char *const starts[] = {
        "Please ", "Try ", "You ", "Either ", "To ", "Set ", "Value", "Caused by", "  "};
    if (contains(text, "validation error") || contains(text, "ompile error") ||
        contains(text, "Client Error") || ends_in(text, ":") || ends_in(text, ","))
        return true;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (str_starts(next, starts[i]))
            return true;
    return false;
}

static const char *whole_text(const char *text, struct str rest, struct arena *a)
{
    for (int i = 0; i < MORE_LINES && text != NULL && rest.len > 0; i++) {
        struct line next = read_line(str_cut(&rest, '\n'));
        struct vllm_cause other;
        if (!goes_on(str_from(text), next.body) || str_starts(next.body, "Traceback") ||
            strlen(text) + next.body.len > TEXT_CAP_BYTES ||
            is_raised(next, false, &other, a))
            return text;
        text = arena_printf(a, "%s\n%.*s", text, (int)next.body.len, next.body.ptr);
    }
    return text;
}

/* A failed assertion without words: the line of code says what was not true. */
static void name_code(struct vllm_cause *found, struct str code, struct arena *a)
{
    if (found->text != NULL && *found->text == '\0')
        found->text = arena_str(a, str_trim(code));
}

static bool is_fault(struct line l, bool is_behind_code, struct vllm_cause *out,
                     struct arena *a)
{
    return !l.is_harmless && !l.is_in_source &&
           (is_raised(l, is_behind_code, out, a) || is_marked(l, out, a) ||
            is_named(l, out, a));
}

/* What was seen on the way through a log. */
struct scan {
    struct str code;     /* the last line of code in a traceback */
    bool is_behind_code; /* the line before was one */
    bool is_usage;       /* of a command: its options are indented, too */
    bool is_linked;      /* the next error was raised while `last` was handled */
    struct vllm_cause last;
};

/* The error of a line, with the first of its chain; type NULL: it holds none. */
static struct vllm_cause take_fault(struct scan *s, struct line l, struct str rest,
                                    struct arena *a)
{
    struct vllm_cause found = {0};
    if (!is_fault(l, s->is_behind_code, &found, a))
        return found;
    name_code(&found, s->code, a);
    found.text = whole_text(found.text, rest, a);
    if (found.type == NULL || found.text == NULL)
        return (struct vllm_cause){0};
    if (s->is_linked) {
        bool has_root = s->last.root_type != NULL;
        found.root_type = has_root ? s->last.root_type : s->last.type;
        found.root_text = has_root ? s->last.root_text : s->last.text;
    }
    s->is_linked = false;
    s->last = found;
    return found;
}

static void pass_line(struct scan *s, struct line l)
{
    if (contains(l.body, "During handling of the above exception") ||
        contains(l.body, "The above exception was the direct cause"))
        s->is_linked = s->last.type != NULL;
    s->is_usage = str_starts(l.body, "usage:") || (s->is_usage && l.is_in_source);
    s->is_behind_code = l.is_in_source && !s->is_usage;
    if (l.is_in_source && !contains(l.body, "^^^"))
        s->code = l.body;
}

bool vllm_cause_find(struct str log, struct arena *a, struct vllm_cause *out)
{
    struct vllm_cause second = {0};
    struct scan scan = {.code = {"", 0}};
    *out = second;
    while (log.len > 0) {
        struct line l = read_line(str_cut(&log, '\n'));
        struct vllm_cause found = take_fault(&scan, l, log, a);
        if (found.type != NULL) {
            bool is_second = vllm_cause_is_second_hand(str_from(found.type),
                                                       str_from(found.text));
            *(is_second ? &second : out) = found;
        }
        pass_line(&scan, l);
    }
    if (out->type == NULL)
        *out = second;
    return out->type != NULL;
}

bool vllm_cause_take_line(struct str *log, struct str *out)
{
    while (log->len > 0) {
        struct line l = read_line(str_cut(log, '\n'));
        *out = str_trim(l.body);
        if (!l.is_harmless && out->len > 0)
            return true;
    }
    return false;
}

int vllm_cause_signal(const char *text)
{
    const char *at = text != NULL ? strstr(text, "proc(s): {") : NULL;
    at = at != NULL ? strstr(at, ": -") : NULL;
    long number = at != NULL ? strtol(at + 3, NULL, 10) : 0;
    return number > 0 && number < 65 ? (int)number : 0;
}
