#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_CAP_BYTES ((size_t)64 << 10)

const char *path_absolute(const char *path, struct arena *a)
{
    char folder[4096];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL)
        return path;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    const char *whole = arena_printf(a, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
                                     path);
    return whole != NULL ? whole : path;
}

void path_put_word(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_./:@%+=,-";
    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        buf_text(out, text);
        return;
    }
    buf_char(out, '\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            buf_text(out, "'\\''");
        else
            buf_char(out, *text);
    buf_char(out, '\'');
}

const char *path_word(const char *path, struct arena *a)
{
    struct buf out;
    buf_init(&out, PATH_CAP_BYTES);
    path_put_word(&out, path_absolute(path, a));
    const char *word = out.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&out)) : NULL;
    buf_fini(&out);
    return word != NULL ? word : path;
}

const char *path_data_folder(struct arena *a)
{
    const char *home = getenv("INFERBENCH_HOME"), *data = getenv("XDG_DATA_HOME");
    if (home != NULL && *home != 0)
        return arena_strdup(a, home);
    if (data != NULL && *data != 0)
        return arena_printf(a, "%s/inferbench", data);
    home = getenv("HOME");
    return arena_printf(a, "%s/.local/share/inferbench", home != NULL ? home : "");
}
