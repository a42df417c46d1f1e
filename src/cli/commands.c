#include "cli/commands.h"

#include <string.h>

const struct cli_command *const commands_table[] = {
    &cmd_offline, &cmd_online,  &cmd_merge, &cmd_analyze,  &cmd_mlflow,
    &cmd_env,     &cmd_recover, &cmd_serve, &cmd_selftest,
};

const size_t commands_count = sizeof commands_table / sizeof commands_table[0];

const struct cli_command *commands_find(const char *name)
{
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(commands_table[i]->name, name) == 0)
            return commands_table[i];
    return NULL;
}
