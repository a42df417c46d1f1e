#include "text/encoding.h"

#include <stdio.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

/* How files begin that look like none of ours; the longer first. */
static const struct beginning {
    const char *bytes;
    size_t len;
    const char *what, *cure;
} beginnings[] = {
    {BYTES("\x1f\x8b"), "compressed with gzip", "gzip -dc FILE > NEW"},
    {BYTES("\x28\xb5\x2f\xfd"), "compressed with zstd", "zstd -dc FILE > NEW"},
    {BYTES("\xfd"
           "7zXZ"),
     "compressed with xz", "xz -dc FILE > NEW"},
    {BYTES("BZh"), "compressed with bzip2", "bzip2 -dc FILE > NEW"},
    {BYTES("PK\x03\x04"), "a zip archive", "unzip -p FILE > NEW"},
    {BYTES("PAR1"), "a Parquet file",
     "python3 -c \"import pandas; pandas.read_parquet('FILE').to_json('NEW', "
     "orient='records', lines=True)\""},
    {BYTES("\xff\xfe\0\0"), "UTF-32", "iconv -f UTF-32 -t UTF-8 FILE > NEW"},
    {BYTES("\0\0\xfe\xff"), "UTF-32", "iconv -f UTF-32 -t UTF-8 FILE > NEW"},
    {BYTES("\xff\xfe"), "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE > NEW"},
    {BYTES("\xfe\xff"), "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE > NEW"},
};

static enum status not_this(const char *path, const char *what, const char *cure,
                            struct err *e)
{
    status_fail(e, STATUS_BAD_INPUT, path, "is %s, not UTF-8 text", what);
    return status_hint(e, "Make text of it: %s", cure);
}

/* UTF-16 without a mark has a NUL in every ASCII letter. */
static enum status check_utf16(struct str content, const char *path, struct err *e)
{
    if (content.len >= 2 && content.ptr[0] != '\0' && content.ptr[1] == '\0')
        return not_this(path, "UTF-16", "iconv -f UTF-16LE -t UTF-8 FILE > NEW", e);
    if (content.len >= 2 && content.ptr[0] == '\0' && content.ptr[1] != '\0')
        return not_this(path, "UTF-16", "iconv -f UTF-16BE -t UTF-8 FILE > NEW", e);
    return STATUS_OK;
}

enum status encoding_check_start(struct str content, const char *path, struct err *e)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const struct beginning *b = &beginnings[i];
        if (content.len >= b->len && memcmp(content.ptr, b->bytes, b->len) == 0)
            return not_this(path, b->what, b->cure, e);
    }
    return check_utf16(content, path, e);
}

enum status encoding_check(struct str content, const char *path, struct err *e)
{
    if (encoding_check_start(content, path, e) != STATUS_OK)
        return e->code;
    if (content.len > 0 && memchr(content.ptr, '\0', content.len) != NULL)
        return status_fail(e, STATUS_BAD_INPUT, path, "has a NUL byte: it is no text");
    int line = 1;
    for (size_t i = 0; i < content.len;) {
        size_t len = str_utf8_len(content.ptr + i, content.len - i);
        if (len == 0) {
            char where[sizeof e->where];
            (void)snprintf(where, sizeof where, "%.140s:%d", path, line);
            status_fail(e, STATUS_BAD_INPUT, where, "not UTF-8: byte 0x%02x",
                        (unsigned char)content.ptr[i]);
            return status_hint(e, "iconv -f CP932 -t UTF-8 FILE > NEW makes UTF-8 of "
                                  "Shift-JIS, as Windows writes Japanese; after -f goes "
                                  "the file's own encoding");
        }
        line += content.ptr[i] == '\n';
        i += len;
    }
    return STATUS_OK;
}
