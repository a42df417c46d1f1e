/* The forms that a document can take: a new one is a file render_NAME.c and a line
 * here. */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include "report/document.h"

/* X(name, its file, is it the page?) */
#define RENDER_LIST(X)                      \
    X(text, "summary_report.txt", false)    \
    X(html, "report.html", true)            \
    X(markdown, "summary_report.md", false) \
    X(csv, "summary_report.csv", false)

struct renderer {
    const char *name, *file;
    bool is_page;
    void (*render)(const struct document *d, struct buf *out);
};

#define X(name, file, is_page) \
    void render_##name(const struct document *d, struct buf *out);
RENDER_LIST(X)
#undef X

#define RENDER_ONE(name, file, is_page) +1
enum { RENDER_COUNT = 0 RENDER_LIST(RENDER_ONE) };

/* Names of all, for an option: "all|text|..." */
#define RENDER_CHOICE(name, file, is_page) "|" #name
#define RENDER_CHOICES                     "all" RENDER_LIST(RENDER_CHOICE)

/* NULL behind the last. */
const struct renderer *render_at(size_t i);
/* By its name; NULL: there is none. */
const struct renderer *render_find(const char *name);
/* The document as `render` writes it, or what kept it from being whole. */
enum status render_document(const struct document *d, const struct renderer *r,
                            struct buf *out);

#endif
