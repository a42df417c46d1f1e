"""Calls that are banned, everywhere or outside the one file that may make them."""

import re
from collections import namedtuple

from .tree import line_of

Rule = namedtuple("Rule", "calls allowed_in instead")

RULES = [
    Rule("strcpy strcat stpcpy sprintf vsprintf gets", [], "a capped buffer (base/buf.h)"),
    Rule("atoi atol atoll atof", [], "a parser that reports errors"),
    Rule("strtok", [], "borrowed strings (base/str.h)"),
    Rule("system popen", [], "base/proc.h"),
    Rule("gettimeofday time", [], "the clock module; latencies are monotonic"),
    Rule("clock_gettime", ["src/base/clock.c"], "the clock module"),
    Rule("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf "
         "aligned_alloc posix_memalign alloca", ["src/base/mem.c"], "base/mem.h"),
    Rule("exit abort quick_exit", ["src/cli/main.c"], "return a status"),
    Rule("_exit", ["src/cli/stop.c", "src/base/proc.c"], "return a status"),
    Rule("fork vfork posix_spawn posix_spawnp execv execve execvp execvpe execl execlp",
         ["src/base/proc.c"], "base/proc.h"),
]
# Programs of the tests may end and allocate as they like.
IN_TESTS_TOO = RULES[:3]

# A call: the name and a parenthesis, but no member of a struct (`ops->free(x)`).
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")


def banned(rules, path):
    return {name: rule for rule in rules if path not in rule.allowed_in
            for name in rule.calls.split()}


def check_calls(tree):
    found = []
    for path in tree.sources() + tree.within("tests", ".c", ".h"):
        names = banned(RULES if path.startswith("src/") else IN_TESTS_TOO, path)
        code = tree.code(path)
        for match in CALL.finditer(code):
            rule = names.get(match.group(1))
            if rule:
                only = f" outside {' '.join(rule.allowed_in)}" if rule.allowed_in else ""
                found.append(f"{path}:{line_of(code, match.start())}: {match.group(1)} is "
                             f"banned{only}; use {rule.instead}")
        for match in re.finditer(r"\btypedef\s+struct\b", code):
            found.append(f"{path}:{line_of(code, match.start())}: no typedef of structs")
    return found
