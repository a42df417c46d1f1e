#include "track/mlflow_path.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

static void escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL))
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", (unsigned)c);
    }
}

void mlflow_path_escape(struct buf *out, const char *text)
{
    escape(out, str_from(text));
}

enum status mlflow_path_add(struct buf *out, const char *path, struct err *e)
{
    struct str rest = str_from(path);
    const char *separator = "";
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '/');
        if (str_is(part, ".") || str_is(part, ".."))
            return status_fail(e, STATUS_BAD_INPUT, "MLflow",
                               "\"%.200s\" leads out of the server's artifacts", path);
        if (part.len == 0)
            continue;
        buf_text(out, separator);
        escape(out, part);
        separator = "/";
    }
    return STATUS_OK;
}
