/* YAML in, through libyaml: a small tree that remembers its lines. Anchors and aliases
 * are refused; one document a file; an empty one is a null scalar. */
#ifndef TEXT_YAML_H
#define TEXT_YAML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int line;                /* 1-based, for messages */
    bool is_null;            /* a plain null, ~ or nothing */
    const char *key;         /* its name, if it is a map's member */
    const char *text;        /* scalars, else NULL */
    struct yaml_node *first; /* members or items, in the file's order */
    struct yaml_node *next;
};

/* The tree lives in the arena. A key given twice is an error. */
MUST_CHECK enum status yaml_from_file(const char *path, struct arena *a,
                                      struct yaml_node **out, struct err *e);
/* name stands for the file in messages. */
MUST_CHECK enum status yaml_from_text(struct str text, const char *name, struct arena *a,
                                      struct yaml_node **out, struct err *e);
/* NULL if map is NULL, no map, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
