#include "cli/floor_job.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/run_job.h"
#include "run/mode.h"
#include "run/selftest_floor.h"
#include "store/floor_file.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)
#define PRINT_CAP_BYTES ((size_t)64 << 20)
#define WORDS_ADDED     6

struct floor_job {
    struct cli *cli;
    struct floor_output how;
};

static const struct run_mode *const modes[] = {&run_offline, &run_online};

bool floor_job_is_asked(const struct cli_call *c, const struct floor_opts *o)
{
    return o->is_asked || c->parse.rest.count > 0;
}

static enum status print(const struct floor_job *j, const struct run *r,
                         const struct selftest_floor *f, struct err *e)
{
    struct buf out;
    buf_init(&out, PRINT_CAP_BYTES);
    enum status s = STATUS_OK;
    if (j->how.is_json)
        floor_file_write(&f->floor, j->cli->tool, &out);
    else
        s = selftest_floor_text(f, r->arena, &out);
    if (s != STATUS_OK || out.failed != STATUS_OK)
        s = status_no_memory(e, "floor");
    else if (!cli_tell(j->cli, buf_cstr(&out)))
        s = status_fail(e, STATUS_IO, "standard output", "the floor was not printed");
    buf_fini(&out);
    return s;
}

static int after_run(void *arg, const struct run *r, int code)
{
    const struct floor_job *j = arg;
    struct selftest_floor floor;
    struct err e;
    if (selftest_floor_measure(r, r->arena, &floor, &e) != STATUS_OK ||
        selftest_floor_keep(r, r->arena, &floor, &e) != STATUS_OK ||
        print(j, r, &floor, &e) != STATUS_OK) {
        int failed = cli_fail(j->cli, &e);
        return code == CLI_INVALID && e.code == STATUS_NOT_FOUND ? code : failed;
    }
    return code;
}

/* The words of the run, with what --floor says before them. */
static enum status make_words(struct cli_call *c, const struct floor_opts *o,
                              struct floor_output how, struct cli_words *out)
{
    const struct opt_strings *rest = &c->parse.rest;
    const char **words = arena_alloc(&c->arena, rest->count + WORDS_ADDED + 1,
                                     sizeof(char *));
    int n = 0;
    if (words == NULL)
        return status_no_memory(&c->e, "selftest");
    words[n++] = "--launches";
    words[n++] = arena_text(&c->arena, "%" PRId64, o->launches);
    words[n++] = "--num-runs";
    words[n++] = arena_text(&c->arena, "%" PRId64, o->num_runs);
    if (o->dry_run)
        words[n++] = "--dry-run";
    if (how.is_quiet)
        words[n++] = "--quiet";
    for (size_t i = 1; i < rest->count; i++)
        words[n++] = rest->items[i];
    *out = (struct cli_words){n, (char **)words}; /* only those of the user change */
    return c->arena.has_failed ? status_no_memory(&c->e, "selftest") : STATUS_OK;
}

static enum status no_mode(struct cli_call *c, const char *given)
{
    status_fail(&c->e, STATUS_BAD_OPTION, "--floor", "%s%s",
                given != NULL ? "neither offline nor online: " : "no run behind --",
                given != NULL ? given : "");
    return status_hint(&c->e, "Write e.g. inferbench selftest --floor -- offline "
                              "--batch-sizes 4");
}

static const struct run_mode *mode_of(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (name != NULL && strcmp(modes[i]->name, name) == 0)
            return modes[i];
    return NULL;
}

int floor_job_main(struct cli_call *c, const struct floor_opts *o,
                   struct floor_output how)
{
    struct floor_job job = {c->cli, how};
    const struct run_job_then then = {after_run, &job, how.is_json};
    const struct opt_strings *rest = &c->parse.rest;
    const char *name = rest->count > 0 ? rest->items[0] : NULL;
    const struct run_mode *mode = mode_of(name);
    struct cli_call run = {.cli = c->cli};
    if (mode == NULL ? no_mode(c, name) != STATUS_OK
                     : make_words(c, o, how, &run.words) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    run.command = commands_find(name);
    arena_init(&run.arena, ARENA_CAP_BYTES);
    int code = cli_call_parse(&run) == STATUS_OK ? run_job_do(&run, mode, &then)
                                                 : cli_fail(c->cli, &run.e);
    arena_fini(&run.arena);
    return code;
}
