#include "probe/packages.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "embed.h"
#include "text/json.h"

#define TIMEOUT_S        20
#define ANSWER_CAP_BYTES 65536

/* The last line of the answer is ours: a sitecustomize may print others before it. */
static struct str last_line(const char *text)
{
    struct str all = str_trim(str_from(text));
    size_t from = all.len;
    while (from > 0 && all.ptr[from - 1] != '\n')
        from--;
    return (struct str){all.ptr + from, all.len - from};
}

/* Versions, and the interpreter itself, in one object: a new reference; NULL: no answer
 * of ours. */
static json_t *understand(const char *text)
{
    json_t *top = NULL;
    struct err e;
    if (json_from_text(last_line(text), "packages", &top, &e) != STATUS_OK)
        return NULL;
    json_t *versions = json_object_get(top, "packages");
    json_t *members = json_is_object(versions) ? json_incref(versions) : json_object();
    json_object_set(members, "python", json_object_get(top, "python"));
    json_object_set(members, "python_executable", json_object_get(top, "executable"));
    json_decref(top);
    return members;
}

/* What the interpreter says; NULL: *problem. A new reference. */
static json_t *ask(const char *python, const char **problem)
{
    const char *argv[] = {python, "-c", (const char *)embed_packages_py, NULL};
    struct buf text;
    struct err e;
    json_t *members = NULL;
    int exit_code = -1;
    buf_init(&text, ANSWER_CAP_BYTES);
    enum status code = proc_run(argv, clock_seconds(TIMEOUT_S), &text, &exit_code, &e);
    if (code == STATUS_NOT_FOUND)
        *problem = "no such interpreter";
    else if (code == STATUS_TIMEOUT)
        *problem = "the interpreter did not answer within 20 s";
    else if (code != STATUS_OK || exit_code != 0)
        *problem = "the interpreter failed";
    else if ((members = understand(buf_cstr(&text))) == NULL)
        *problem = "the interpreter's answer is not understood";
    buf_fini(&text);
    return members;
}

const char *packages_probe(const char *python, struct arena *a)
{
    const char *problem = NULL, *out = NULL;
    struct buf text;
    if (python == NULL)
        return "{}";
    json_t *members = ask(python, &problem);
    if (members == NULL)
        members = json_pack("{s:s}", "problem", problem);
    buf_init(&text, ANSWER_CAP_BYTES);
    if (json_to_text(members, &text) == STATUS_OK)
        out = arena_strdup(a, buf_cstr(&text));
    buf_fini(&text);
    json_decref(members);
    return out != NULL ? out : "{}";
}
