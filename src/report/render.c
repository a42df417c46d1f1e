#include "report/render.h"

#include <string.h>

static const struct renderer renderers[] = {
#define X(name, file, is_page) {#name, file, is_page, render_##name},
    RENDER_LIST(X)
#undef X
};

const struct renderer *render_at(size_t i)
{
    return i < sizeof renderers / sizeof renderers[0] ? &renderers[i] : NULL;
}

const struct renderer *render_find(const char *name)
{
    size_t i = 0;
    while (render_at(i) != NULL && strcmp(renderers[i].name, name) != 0)
        i++;
    return render_at(i);
}

enum status render_document(const struct document *d, const struct renderer *r,
                            struct buf *out)
{
    document_make_visible(d);
    enum status s = d->arena->has_failed ? STATUS_NO_MEMORY : d->line.failed;
    if (s == STATUS_OK) {
        r->render(d, out);
        s = d->arena->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
    }
    if (out->failed != STATUS_OK)
        s = out->failed;
    if (s != STATUS_OK) {
        buf_clear(out);
        out->failed = s;
    }
    return out->failed;
}
