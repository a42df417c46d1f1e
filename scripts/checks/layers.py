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


def stem_graph(tree):
    """{stem: stems that it needs}: x.c and x.h are one node, folder/x."""
    graph = {}
    for path in tree.sources():
        own = graph.setdefault(path[4:-2], set())
        for _, kind, name in includes(tree, path):
            target = resolve(tree, path, name) if kind == '"' else None
            if target and (target == path or target[4:-2] != path[4:-2]):
                own.add(target[4:-2])
    return graph


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for target in graph.get(todo.pop(), ()):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def a_cycle(graph, start):
    """The shortest way from `start` back to itself, as text."""
    trails = [[start]]
    for trail in trails:
        for target in sorted(graph[trail[-1]]):
            if target == start:
                return " -> ".join(trail + [start])
            if all(target not in other for other in trails):
                trails.append(trail + [target])
    return start


def check_cycles(tree):
    """No cycle of files, sources included: what need each other are one file, or share a third."""
    graph = stem_graph(tree)
    reach = {stem: reachable(graph, stem) for stem in graph}
    circles = {stem: {other for other in reach[stem] if stem in reach[other]}
               for stem in graph if stem in reach[stem]}
    found = []
    for stem, circle in sorted(circles.items()):
        if stem == min(circle):
            found.append("files include each other: " + a_cycle(graph, stem))
    return found
