#include <stdio.h>
#include <string.h>

#include "version.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        const char *commit = INFERBENCH_COMMIT;
        printf("inferbench %s%s%s\n", INFERBENCH_VERSION, *commit ? "+" : "", commit);
        return 0;
    }
    fprintf(stderr, "inferbench: wrong usage. Try inferbench --version.\n");
    return 2;
}
