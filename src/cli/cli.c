#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/visible.h"
#include "text/yaml.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)

/* A descriptor 0, 1 or 2 that is closed would be given to the next file that is opened,
 * say the journal, and messages would be written into it. What holds the place of
 * standard output cannot be written to, for what is printed is lost; so where even
 * /dev/null cannot be opened. */
static void hold_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int lowest = open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        if (lowest < 0)
            lowest = open("/", O_RDONLY | O_DIRECTORY);
        (void)lowest; /* it is fd, or there is nothing that could be opened */
    }
}

/* A limit on the size of files ends a program that does not ask otherwise. */
void cli_start(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    hold_standard_files();
    (void)sigaction(SIGXFSZ, &ignore, NULL);
}

int cli_code(enum status s)
{
    if (s == STATUS_OK)
        return CLI_DONE;
    if (s == STATUS_BAD_OPTION)
        return CLI_USAGE;
    return s == STATUS_INTERRUPTED ? CLI_SIGNAL : CLI_FAILED;
}

int cli_fail(struct cli *cli, const struct err *e)
{
    log_error(&cli->log, e);
    return cli_code(e->code);
}

bool cli_wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* Nobody reads any more, by their own choice: `| head` has ended, or a terminal has hung
 * up, after which a run writes its messages to progress.log. */
static bool has_left(int error)
{
    struct stat st;
    bool is_terminal = fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode);
    return error == EPIPE || (error == EIO && is_terminal);
}

bool cli_print(struct cli *cli, const char *text)
{
    struct err e;
    char room[VISIBLE_BYTES];
    struct str rest = str_from(text), piece;
    enum status s = STATUS_OK;
    while (s == STATUS_OK && (piece = visible_next(&rest, true, room)).len > 0)
        s = file_write_all(STDOUT_FILENO, "standard output", piece, &e);
    if (s == STATUS_OK)
        return true;
    if (!has_left(errno)) {
        cli->has_lost_output = true;
        log_error(&cli->log, &e);
    }
    return false;
}

bool cli_tell(void *arg, const char *text)
{
    struct cli *cli = arg;
    (void)cli_print(cli, text);
    return !cli->has_lost_output;
}

/* The words of one key: a scalar is one word, a list one word an item, a map "k=v"
 * words. */
static enum status words_of(const struct yaml_node *n, const char *where, struct arena *a,
                            struct opt_strings *out, struct err *e)
{
    size_t count = 0;
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next)
        count++;
    count = n->kind == YAML_SCALAR ? 1 : count;
    out->items = arena_alloc(a, count + 1, sizeof *out->items);
    if (out->items == NULL)
        return status_no_memory(e, where);
    out->count = 0;
    if (n->kind == YAML_SCALAR)
        out->items[out->count++] = n->text;
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        if (c->kind != YAML_SCALAR) {
            status_fail(e, STATUS_BAD_OPTION, where, "%s: a list inside a value", n->key);
            return status_hint(e,
                               "Write one value, a list of values, or key: value pairs.");
        }
        out->items[out->count++] = n->kind == YAML_MAP
                                       ? arena_printf(a, "%s=%s", c->key, c->text)
                                       : c->text;
    }
    return STATUS_OK;
}

static enum status read_config(struct opt_parse *p, const char *path, struct err *e)
{
    struct yaml_node *root = NULL;
    if (yaml_from_file(path, p->arena, &root, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return e->code;
    }
    if (root->kind != YAML_MAP) {
        status_fail(e, STATUS_BAD_OPTION, path, "not a list of option: value lines");
        return status_hint(e, "Write e.g. batch-sizes: [1, 4]");
    }
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        const char *where = arena_printf(p->arena, "%s:%d", path, n->line);
        struct opt_strings words = {0};
        if (n->is_null)
            continue;
        if (where == NULL || words_of(n, where, p->arena, &words, e) != STATUS_OK)
            return e->code;
        if (opt_set(p, n->key, &words, where, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

enum status cli_parse(const struct cli_table *table, const struct cli_words *w,
                      struct arena *arena, struct opt_parse *parse, struct err *e)
{
    *parse = (struct opt_parse){.table = table->rows,
                                .count = table->count,
                                .target = table->target,
                                .arena = arena};
    if (opt_init(parse, e) != STATUS_OK ||
        opt_read_argv(parse, w->argc, w->argv, e) != STATUS_OK)
        return e->code;
    const struct opt *config = opt_find(parse, "config");
    if (config == NULL)
        return STATUS_OK;
    const char *path;
    memcpy(&path, (const char *)table->target + config->offset, sizeof path);
    return path == NULL ? STATUS_OK : read_config(parse, path, e);
}

/* Words beside options: as many as the command takes. */
static enum status check_operands(struct cli_call *c)
{
    const struct cli_command *command = c->command;
    const struct opt_strings *words = &c->parse.positional;
    const char *stray = words->count > command->operands_max
                            ? words->items[command->operands_max]
                            : NULL;
    bool takes_rest = strstr(command->synopsis, "[-- ") != NULL;
    if (stray == NULL && c->parse.rest.count > 0 && !takes_rest)
        stray = "--";
    bool is_one_too_many = command->operands_max > 0 &&
                           words->count > command->operands_max;
    if (words->count < command->operands_min || is_one_too_many) {
        status_fail(&c->e, STATUS_BAD_OPTION, command->name, "%s", command->needs);
        return status_hint(&c->e, "Write e.g. inferbench %s", command->example);
    }
    if (stray == NULL)
        return STATUS_OK;
    status_fail(&c->e, STATUS_BAD_OPTION, stray, "unexpected argument");
    return status_hint(&c->e, "See inferbench %s --help", command->name);
}

enum status cli_call_parse(struct cli_call *c)
{
    const struct cli_command *command = c->command;
    c->opts = arena_alloc(&c->arena, 1, command->opts_bytes);
    if (c->opts == NULL)
        return status_no_memory(&c->e, command->name);
    const struct cli_table table = {command->options, command->option_count, c->opts};
    if (cli_parse(&table, &c->words, &c->arena, &c->parse, &c->e) != STATUS_OK)
        return c->e.code;
    return check_operands(c);
}

int cli_run(struct cli *cli, const struct cli_command *command, struct cli_words words)
{
    struct cli_call c = {.cli = cli, .command = command, .words = words};
    arena_init(&c.arena, ARENA_CAP_BYTES);
    int code = cli_call_parse(&c) == STATUS_OK ? command->run(&c) : cli_fail(cli, &c.e);
    if (cli->has_lost_output && (code == CLI_DONE || code == CLI_INVALID))
        code = CLI_FAILED;
    arena_fini(&c.arena);
    return code;
}
