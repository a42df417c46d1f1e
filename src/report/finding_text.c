#include "report/finding_text.h"

#include <inttypes.h>
#include <string.h>

#include "text/jsonw.h"

/* A finding without a text for people: numbers speak, a name or yes does not. */
static void put_plain(struct buf *out, const struct finding *f)
{
    char value[32], limit[32];
    if (f->value.kind != VALUE_INT && f->value.kind != VALUE_NUM)
        return;
    jsonw_double_text(value_as_num(f->value), value);
    jsonw_double_text(f->limit, limit);
    if (f->value.kind == VALUE_INT)
        buf_printf(out, ": %s %" PRId64 ", limit %s", f->field, f->value.i, limit);
    else
        buf_printf(out, ": %s %s, limit %s", f->field, value, limit);
}

/* Of a code's checks the first that fired, else the first. */
static const struct finding *told(const struct findings *checks, const char *code)
{
    const struct finding *first = NULL;
    for (size_t i = 0; checks != NULL && i < checks->count; i++) {
        const struct finding *f = &checks->items[i];
        bool is_its = strcmp(f->code, code) == 0 && f->field != NULL;
        if (is_its && f->text != NULL)
            return f;
        first = first == NULL && is_its ? f : first;
    }
    return first;
}

void finding_text_put(const struct findings *checks, const char *code, struct buf *out)
{
    const struct finding *f = told(checks, code);
    if (f != NULL && f->text != NULL)
        buf_printf(out, ": %s", f->text);
    else if (f != NULL)
        put_plain(out, f);
}
