#include "cli/commands.h"

#include <string.h>

/* In the order of the help. */
#define COMMANDS(X) \
    X(offline)      \
    X(online)       \
    X(merge)        \
    X(analyze)      \
    X(compare)      \
    X(mlflow)       \
    X(env)          \
    X(recover)      \
    X(serve)        \
    X(selftest)

#define X(name) extern const struct cli_command cmd_##name;
COMMANDS(X)
#undef X

const struct cli_command *const commands_table[] = {
#define X(name) &cmd_##name,
    COMMANDS(X)
#undef X
};

const size_t commands_count = sizeof commands_table / sizeof commands_table[0];

const struct cli_command *commands_find(const char *name)
{
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(commands_table[i]->name, name) == 0)
            return commands_table[i];
    return NULL;
}
