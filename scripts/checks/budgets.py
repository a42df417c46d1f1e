"""Lengths, complexity and parameters."""

import re
from collections import namedtuple

from .tree import line_of, strip_c, strip_directives

FUNCTION_LINES = 60
FUNCTION_COMPLEXITY = 12
FUNCTION_PARAMETERS = 5
SOURCE_LINES = 600
HEADER_LINES = 150
COMMAND_LINES = 100  # a subcommand parses, calls, prints and chooses the exit code
LINE_COLUMNS = 90
CORE_LINES = 900  # what all levels share: kept small, and without logic
# The table of fields: data, a row a field; it grows with the metrics, not with complexity.
TABLES = {"src/core/field_list.h", "src/run/opts_list.h"}

Function = namedtuple("Function", "name line lines complexity parameters")

# McCabe: one, and one more for each place where the flow divides.
BRANCH = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")


def closing(code, at, opening, close):
    """Index of the bracket that closes the one at `at`, or -1."""
    depth = 0
    for index in range(at, len(code)):
        if code[index] == opening:
            depth += 1
        elif code[index] == close:
            depth -= 1
            if depth == 0:
                return index
    return -1


def count_parameters(text):
    depth, commas = 0, 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        commas += letter == "," and depth == 0
    return 0 if text.strip() in ("", "void") else commas + 1


def signature(head):
    """(offset of the name, name, parameters) where `head`, the text between the last
    declaration and a brace, is the head of a function; else None."""
    if not head.rstrip().endswith(")") or "=" in head:
        return None
    for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", head):
        if match.group(1) in ("__attribute__", "_Alignas", "_Static_assert"):
            continue
        end = closing(head, match.end() - 1, "(", ")")
        return match.start(1), match.group(1), head[match.end():end]
    return None


def functions(source):
    """Function definitions in C source."""
    code = strip_directives(strip_c(source))
    start = at = 0
    while True:
        match = re.compile(r"[;{}]").search(code, at)
        if not match:
            return
        at = match.end()
        if match.group(0) != "{":
            start = at
            continue
        end = closing(code, match.start(), "{", "}")
        if end < 0:
            return
        head = code[start:match.start()]
        found = signature(head)
        if found:
            offset, name, parameters = found
            first, last = line_of(code, start + offset), line_of(code, end)
            body = code[match.start():end]
            yield Function(name, first, last - first + 1, 1 + len(BRANCH.findall(body)),
                           count_parameters(parameters))
            start = end + 1
        at = end + 1


def check_functions(tree):
    found = []
    for path in tree.sources():
        for function in functions(tree.read(path)):
            where = f"{path}:{function.line}: {function.name}"
            if function.lines > FUNCTION_LINES:
                found.append(f"{where} has {function.lines} lines, limit {FUNCTION_LINES}")
            if function.complexity > FUNCTION_COMPLEXITY:
                found.append(f"{where} has complexity {function.complexity}, "
                             f"limit {FUNCTION_COMPLEXITY}")
            if function.parameters > FUNCTION_PARAMETERS:
                found.append(f"{where} has {function.parameters} parameters, "
                             f"limit {FUNCTION_PARAMETERS}: use a struct")
    return found


def check_sizes(tree):
    found, core = [], 0
    for path in tree.sources() + tree.within("tests", ".c", ".h"):
        lines = tree.read(path).splitlines()
        is_table = path in TABLES
        core += len(lines) if path.startswith("src/core/") and not is_table else 0
        limit = HEADER_LINES if path.endswith(".h") else SOURCE_LINES
        if path.startswith("src/cli/cmd_"):
            limit = COMMAND_LINES
        if len(lines) > limit and path.startswith("src/") and not is_table:
            found.append(f"{path}: {len(lines)} lines, limit {limit}")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS:
                found.append(f"{path}:{number}: {len(line)} columns, limit {LINE_COLUMNS}")
    if core > CORE_LINES:
        found.append(f"src/core: {core} lines in all, limit {CORE_LINES}")
    return found
