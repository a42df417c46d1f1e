"""Names of files, symbols and globals."""

import os
import re
import subprocess

from .tree import Skip

# State that cannot be passed as a parameter, each with the reason.
GLOBALS_ALLOWED = {
    ("src/base/mem.c", "fail_in"): "tests make the n-th allocation fail",
    ("src/cli/stop.c", "stop_number"): "set by a signal handler",
    ("src/cli/stop.c", "hangups"): "set by a signal handler",
    ("src/cli/stop.c", "run_words"): "printed by a signal handler",
    ("src/cli/stop.c", "has_run_words"): "read by a signal handler",
}


def check_files(tree):
    """File names are lower case; a name is unique in its folder alone, whose name goes with it."""
    return [f"{path}: file names are lower case with underscores"
            for path in tree.sources() + tree.within("tests", ".c", ".h")
            if not re.fullmatch(r"[a-z][a-z0-9_]*\.[ch]", os.path.basename(path))]


def symbols(tree):
    """[(source path, symbol, section, is_global)] of what the library's objects define."""
    archive = os.path.join(tree.build or "", "libinferbench.a")
    if not os.path.exists(archive):
        raise Skip(f"{archive} is missing: run make")
    output = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True,
                            text=True).stdout
    members = {path.replace("/", "_") + ".o": path for path in tree.within("src", ".c")}
    rows, path = [], None
    for line in output.splitlines():
        member = re.match(r"(\S+):\s+file format", line)
        if member:
            path = members.get(os.path.basename(member.group(1)))
            continue
        # address, seven flags (the first: l local, g global), section, size, name
        symbol = re.match(r"[0-9a-f]{8,} (.)(.{6}) (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
        if path and symbol and "d" not in symbol.group(2) and symbol.group(3) != "*UND*":
            rows.append((path, symbol.group(4), symbol.group(3), symbol.group(1) != "l"))
    return rows


def is_prefixed(path, name):
    stem = os.path.basename(path)[:-2]
    folder = os.path.basename(os.path.dirname(path))
    stems = [stem, folder + "_" + stem]
    if folder == "engines":
        stems.append("engine_" + stem)
    return any(name == one or name.startswith(one + "_") for one in stems)


def check_symbols(tree):
    """A .c exports only symbols that begin with its stem."""
    return [f"{path}: exports {name}, which does not begin with {os.path.basename(path)[:-2]}_"
            for path, name, _, is_global in symbols(tree)
            if is_global and not is_prefixed(path, name)]


def check_globals(tree):
    """Globals are const tables only: nothing in a section that can be written."""
    return [f"{path}: {name} is a global that can be written ({section})"
            for path, name, section, _ in symbols(tree)
            if re.match(r"\.(data|bss|tbss|tdata)(?!\.rel\.ro)", section)
            and not name.startswith(("__", ".")) and (path, name) not in GLOBALS_ALLOWED]
