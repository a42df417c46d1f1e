#include "engines/vllm_errors.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"
#include "engines/vllm_cause.h"
#include "engines/vllm_rules.h"
#include "engines/vllm_words.h"

#define TEXT_MAX        330
#define LOG_CAP_BYTES   ((size_t)256 << 20)
#define ARENA_CAP_BYTES ((size_t)8 << 20)

/* What is known of a failure: the rule that fits its words, if one does. */
struct finding {
    struct vllm_cause cause; /* type NULL: nobody said why */
    const struct vllm_rule *rule;
};

/* The last line of the log that a telling rule fits. */
static void find_telling(struct str log, struct arena *a, struct finding *out)
{
    struct str line;
    while (vllm_cause_take_line(&log, &line)) {
        const char *text = arena_str(a, line);
        const struct vllm_rule *rule = text != NULL ? vllm_rules_find(text, true) : NULL;
        if (rule != NULL)
            *out = (struct finding){.cause = {.type = "", .text = text}, .rule = rule};
    }
}

static const struct vllm_rule *rule_of(const struct vllm_cause *c, struct arena *a)
{
    const char *text = c->type != NULL ? arena_printf(a, "%s: %s", c->type, c->text)
                                       : NULL;
    return text != NULL ? vllm_rules_find(text, false) : NULL;
}

/* Where no rule knows an error, perhaps one knows that from which it came; else both are
 * told. */
static void ask_root(struct finding *found, const struct vllm_cause *logged,
                     struct arena *a)
{
    const struct vllm_cause root = {logged->root_type, logged->root_text, NULL, NULL};
    if (root.type == NULL || found->cause.type == NULL ||
        strcmp(logged->type, found->cause.type) != 0)
        return;
    found->rule = rule_of(&root, a);
    const char *both = arena_printf(a, "%s. Cause: %s: %s", found->cause.text, root.type,
                                    root.text);
    if (found->rule != NULL)
        found->cause = root;
    else if (both != NULL)
        found->cause.text = both;
}

static bool is_second_hand(const struct vllm_cause *c)
{
    return vllm_cause_is_second_hand(str_from(c->type), str_from(c->text));
}

static struct vllm_cause own_cause(const struct vllm_failure *f)
{
    const char *type = f->type != NULL ? f->type : "error";
    return (struct vllm_cause){.type = f->text != NULL ? type : NULL, .text = f->text};
}

/* What the process itself reported comes first, unless that only points elsewhere; then
 * the log. Who was killed had no time to say why. */
static struct finding find_cause(const struct vllm_failure *f, struct arena *a)
{
    struct finding found = {.cause = own_cause(f)};
    struct str log = str_from(f->log_tail);
    struct vllm_cause logged = {0};
    bool was_killed = f->end.signal == SIGKILL || f->end.signal == SIGTERM;
    bool is_silent = f->text == NULL || *f->text == '\0'; /* a bare AssertionError */
    bool is_logged = !was_killed && vllm_cause_find(log, a, &logged);
    if (is_logged &&
        (is_silent || (is_second_hand(&found.cause) && !is_second_hand(&logged))))
        found.cause = logged;
    found.rule = rule_of(&found.cause, a);
    if (found.rule == NULL && is_logged)
        ask_root(&found, &logged, a);
    if (found.rule == NULL)
        find_telling(log, a, &found);
    return found;
}

/* Writes a rule's `what`, whose only %s is replaced by text. */
static void fill(const char *what, const char *text, char *out, size_t size)
{
    const char *mark = what != NULL ? strstr(what, "%s") : NULL;
    if (what == NULL)
        snprintf(out, size, "%s", text);
    else if (mark == NULL)
        snprintf(out, size, "%s", what);
    else
        snprintf(out, size, "%.*s%s%s", (int)(mark - what), what, text, mark + 2);
}

static const char *who(const struct vllm_failure *f)
{
    return f->who != NULL ? f->who : "worker";
}

/* What a signal speaks of. */
static const char *signal_hint(int number, const char *stage)
{
    if (number == SIGKILL && strstr(stage, "compil") != NULL)
        return "Probably the host's memory is too small for compiling: use a machine "
               "with more, or compile elsewhere and carry the artifacts "
               "(NEURON_COMPILED_ARTIFACTS)";
    switch (number) {
    case SIGKILL:
        return "It was killed, perhaps by the kernel for lack of memory (see dmesg)";
    case SIGBUS:
        return "The shared memory may be too small: a container needs --ipc=host or "
               "--shm-size=8g";
    case SIGILL:
        return "It was built for another CPU: install a build without the instructions "
               "that this one lacks";
    case SIGSEGV:
    case SIGABRT:
        return "A library crashed: packages may not fit each other; install vLLM in a "
               "virtual environment of its own";
    default: return "The end of the log may tell more";
    }
}

static const char *where(const struct vllm_failure *f)
{
    return f->where != NULL ? f->where : "vllm";
}

static enum status explain_signal(const struct vllm_failure *f, int number, struct err *e)
{
    char how[64];
    bool is_own = f->end.signal != 0;
    proc_end_text((struct proc_end){.exit_code = -1, .signal = number}, how, sizeof how);
    status_fail(e, STATUS_DIED, where(f), "%s%s was killed by %s while %s",
                is_own ? "the " : "", is_own ? who(f) : "a process of vLLM", how,
                f->stage);
    return status_hint(e, "%s. Log: %s", signal_hint(number, f->stage), f->log_path);
}

static enum status explain_hang(const struct vllm_failure *f, struct err *e)
{
    status_fail(e, STATUS_TIMEOUT, where(f), "no %s for %.0f s while %s: ended",
                f->is_running ? "token" : "sign of life", clock_to_s(f->limit), f->stage);
    return status_hint(e,
                       "On a slow machine use a longer --engine-timeout; otherwise see "
                       "the end of the log: %s",
                       f->log_path);
}

/* The hint follows behind a full stop: a text needs none of its own. */
static void drop_stop(char *text)
{
    size_t len = strlen(text);
    if (len > 1 && text[len - 1] == '.' && text[len - 2] != '.')
        text[len - 1] = '\0';
}

/* Room for a text within what the rule says around it. */
static size_t room_in(const char *what)
{
    size_t around = what != NULL ? strlen(what) : 0;
    return around < TEXT_MAX / 2 ? TEXT_MAX - around : TEXT_MAX / 2;
}

static enum status explain_rule(const struct vllm_failure *f, const struct finding *found,
                                struct err *e)
{
    const struct vllm_rule *rule = found->rule;
    char text[TEXT_MAX + 1], what[512];
    vllm_words_cut(found->cause.text, text, room_in(rule->what));
    if (text[0] == '\0')
        snprintf(text, sizeof text, "%s", found->cause.type);
    drop_stop(text);
    fill(rule->what, text, what, sizeof what);
    status_fail(e, rule->code, where(f), "%s", what);
    bool is_other = f->is_running && rule->hint_running != NULL;
    return status_hint(e, "%s. Log: %s", is_other ? rule->hint_running : rule->hint,
                       f->log_path);
}

/* No rule fits: its own words, or how it ended. */
static enum status explain_unknown(const struct vllm_failure *f,
                                   const struct vllm_cause *c, struct err *e)
{
    char text[TEXT_MAX + 1] = "", how[64];
    if (c->type != NULL)
        vllm_words_cut(c->text, text, TEXT_MAX - 40);
    drop_stop(text);
    if (text[0] != '\0') {
        status_fail(e, STATUS_ENGINE, where(f), "while %s: %.40s: %s", f->stage, c->type,
                    text);
    } else if (c->type != NULL && f->text == NULL) {
        status_fail(e, STATUS_ENGINE, where(f), "while %s: %.80s", f->stage, c->type);
    } else {
        proc_end_text(f->end, how, sizeof how);
        status_fail(e, STATUS_DIED, where(f), "the %s ended (%s) while %s", who(f), how,
                    f->stage);
    }
    if (f->log_tail[0] == '\0')
        return status_hint(e, "It wrote nothing into its log, %s", f->log_path);
    return status_hint(e, "See the end of the log: %s", f->log_path);
}

enum status vllm_errors_explain(const struct vllm_failure *f, struct err *e)
{
    struct arena a;
    if (f->has_hung)
        return explain_hang(f, e);
    arena_init(&a, ARENA_CAP_BYTES);
    struct finding found = find_cause(f, &a);
    int of_other = vllm_cause_signal(f->text != NULL ? f->text : f->log_tail);
    enum status st;
    if (found.rule != NULL &&
        !(of_other != 0 && strcmp(found.rule->name, "process-died") == 0))
        st = explain_rule(f, &found, e);
    else if (f->end.signal != 0 && found.cause.type == NULL)
        st = explain_signal(f, f->end.signal, e);
    else if (of_other != 0)
        st = explain_signal(f, of_other, e);
    else
        st = explain_unknown(f, &found.cause, e);
    arena_fini(&a);
    return st;
}

/* Takes out what colours a terminal: ESC [ ... letter. */
static void drop_colours(struct buf *b)
{
    size_t to = 0;
    for (size_t from = 0; from < b->len; from++) {
        if (b->data[from] == '\033' && from + 1 < b->len && b->data[from + 1] == '[') {
            from += 2;
            while (from < b->len && strchr("0123456789;?", b->data[from]) != NULL)
                from++;
            continue;
        }
        b->data[to++] = b->data[from];
    }
    b->len = to;
    if (b->data != NULL)
        b->data[to] = '\0';
}

void vllm_errors_read_log(const char *path, int64_t from, struct buf *out)
{
    char block[4096];
    struct err ignored;
    int fd;
    buf_init(out, LOG_CAP_BYTES);
    if (path == NULL || file_open(path, &fd, &ignored) != STATUS_OK)
        return;
    int64_t size = lseek(fd, 0, SEEK_END);
    if (from < 0)
        from = size + from > 0 ? size + from : 0;
    lseek(fd, from, SEEK_SET);
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;)
        if (buf_append(out, block, (size_t)n) != STATUS_OK)
            break;
    close(fd);
    drop_colours(out);
}
