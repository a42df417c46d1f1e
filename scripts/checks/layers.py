"""Who may include whom. Includes are resolved to files; names alone prove nothing."""

import os
import re

from .tree import line_of, strip_comments

LEVELS = {
    "base": 0,
    "core": 1, "net": 1, "text": 1,
    "http": 2, "stats": 2,
    "plan": 3, "data": 3, "store": 3, "probe": 3,
    "engines": 4, "serve": 4, "report": 4, "track": 4,
    "bench": 5,
    "run": 6,
    "cli": 7,
}
GENERATED = {"embed.h", "version.h"}
# base/ stands on the C library and the kernel alone.
THIRD_PARTY = ("jansson", "curl/", "openssl/", "yaml", "cmocka")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def includes(tree, path):
    """[(line, quote or angle, name)] in order."""
    text = strip_comments(tree.read(path))
    return [(line_of(text, m.start(1)), m.group(1), m.group(2)) for m in INCLUDE.finditer(text)]


def resolve(tree, path, name):
    """The file in the tree that `#include "name"` in `path` finds, or None."""
    known = set(tree.paths)
    for folder in (os.path.dirname(path), "src"):
        found = os.path.normpath(os.path.join(folder, name)).replace(os.sep, "/")
        if found in known:
            return found
    return None


def folder_of(path):
    return path.split("/")[1]


def check_levels(tree):
    found = []
    for path in tree.sources():
        if path.count("/") != 2 or folder_of(path) not in LEVELS:
            found.append(f"{path}: not in one of the folders of src/: {' '.join(LEVELS)}")
            continue
        own = folder_of(path)
        for line, kind, name in includes(tree, path):
            where = f"{path}:{line}"
            if kind == "<":
                if own == "base" and name.startswith(THIRD_PARTY):
                    found.append(f"{where}: base/ stands on the C library alone, not <{name}>")
                continue
            if name in GENERATED:
                continue
            target = resolve(tree, path, name)
            if target is None:
                found.append(f'{where}: "{name}" is no file of src/')
            elif target != "src/" + name:
                found.append(f'{where}: write "{target[4:]}", with the folder')
            elif folder_of(target) not in LEVELS:
                continue
            elif folder_of(target) != own and LEVELS[folder_of(target)] >= LEVELS[own]:
                found.append(f"{where}: {own}/ (level {LEVELS[own]}) includes {name} "
                             f"(level {LEVELS[folder_of(target)]})")
    return found


def check_includes(tree):
    """Own header first, then the C library and other packages, then ours."""
    found = []
    for path in tree.within("src", ".c"):
        listed = includes(tree, path)
        own = path[4:-2] + ".h"
        if "src/" + own in tree.paths:
            if not listed or listed[0][2] != own:
                found.append(f'{path}: the first include is to be its own header, "{own}"')
            listed = listed[1:]
        ours = False
        for line, kind, name in listed:
            if kind == '"':
                ours = True
            elif ours:
                found.append(f"{path}:{line}: <{name}> stands after includes of ours")
                break
    return found


def check_cycles(tree):
    graph = {path: [] for path in tree.within("src", ".h")}
    for path in graph:
        for _, kind, name in includes(tree, path):
            target = resolve(tree, path, name) if kind == '"' else None
            if target in graph:
                graph[path].append(target)
    found, done = [], set()

    def visit(path, trail):
        if path in trail:
            loop = trail[trail.index(path):] + [path]
            found.append("headers include each other: " + " -> ".join(loop))
        elif path not in done:
            for target in graph[path]:
                visit(target, trail + [path])
            done.add(path)

    for path in graph:
        visit(path, [])
    return found
