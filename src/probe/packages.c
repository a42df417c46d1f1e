#include "probe/packages.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "embed.h"
#include "text/json.h"

#define TIMEOUT_S        20
#define ANSWER_CAP_BYTES 65536

static const char *copy_str(const json_t *obj, const char *key, struct arena *a)
{
    return arena_strdup(a, json_str_of(obj, key));
}

/* The last line of the answer is ours: a sitecustomize may print others before it. */
static struct str last_line(const char *text)
{
    struct str all = str_trim(str_from(text));
    size_t from = all.len;
    while (from > 0 && all.ptr[from - 1] != '\n')
        from--;
    return (struct str){all.ptr + from, all.len - from};
}

static void understand(const char *text, struct arena *a, struct packages_facts *out)
{
    json_t *top = NULL;
    struct err e;
    if (json_from_text(last_line(text), "packages", &top, &e) != STATUS_OK) {
        out->problem = "the interpreter's answer is not understood";
        return;
    }
    struct buf versions;
    buf_init(&versions, ANSWER_CAP_BYTES);
    const json_t *packages = json_object_get(top, "packages");
    if (json_is_object(packages) && json_to_text(packages, &versions) == STATUS_OK)
        out->versions = arena_strdup(a, buf_cstr(&versions));
    out->python = copy_str(top, "python", a);
    out->implementation = copy_str(top, "implementation", a);
    out->executable = copy_str(top, "executable", a);
    buf_fini(&versions);
    json_decref(top);
}

void packages_probe(const char *python, struct arena *a, struct packages_facts *out)
{
    *out = (struct packages_facts){.problem = NULL};
    if (python == NULL)
        return;
    const char *argv[] = {python, "-c", (const char *)embed_packages_py, NULL};
    struct buf text;
    struct err e;
    int exit_code = -1;
    buf_init(&text, ANSWER_CAP_BYTES);
    enum status code = proc_run(argv, clock_seconds(TIMEOUT_S), &text, &exit_code, &e);
    if (code == STATUS_NOT_FOUND)
        out->problem = "no such interpreter";
    else if (code == STATUS_TIMEOUT)
        out->problem = "the interpreter did not answer within 20 s";
    else if (code != STATUS_OK || exit_code != 0)
        out->problem = "the interpreter failed";
    else
        understand(buf_cstr(&text), a, out);
    buf_fini(&text);
}

void packages_write(const struct packages_facts *f, struct jsonw *w, const char *key)
{
    jsonw_object(w, key);
    json_t *versions = NULL;
    struct err e;
    if (f->versions != NULL &&
        json_from_text(str_from(f->versions), "packages", &versions, &e) == STATUS_OK) {
        const char *name;
        json_t *value;
        json_object_foreach(versions, name, value)
        {
            jsonw_str(w, name, json_string_value(value));
        }
        json_decref(versions);
    }
    if (f->python != NULL)
        jsonw_str(w, "python", f->python);
    if (f->executable != NULL)
        jsonw_str(w, "python_executable", f->executable);
    if (f->problem != NULL)
        jsonw_str(w, "problem", f->problem);
    jsonw_object_end(w);
}
