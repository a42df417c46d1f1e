"""What compilers and clang's tools say."""

import concurrent.futures
import os
import re
import shutil
import subprocess

from .tree import Skip

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic",
         "-Wmissing-prototypes", "-Werror"]
# The layout differs a little from version to version of clang-format.
FORMAT_VERSION = 14


def in_parallel(work, items):
    """Findings of work(item) over all items, in their order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return [line for lines in pool.map(work, items) for line in lines]


def tool(*names):
    for name in names:
        if shutil.which(name):
            return name
    raise Skip(f"{names[-1]} is missing: scripts/setup test installs it")


def include_flags(tree):
    flags = ["-I" + os.path.join(tree.root, "src")]
    return flags + (["-I" + tree.build] if tree.build else [])


def check_headers(tree):
    """Every header compiles alone."""
    compiler = tool("gcc", "clang", "cc")

    def compile_alone(path):
        # a declaration besides, for a list of row macros alone declares nothing
        source = f'#include "{path[4:]}"\nextern int one_declaration;\n'
        done = subprocess.run([compiler, *FLAGS, *include_flags(tree), "-fsyntax-only", "-x", "c",
                               "-"], input=source, capture_output=True, text=True)
        first = next((line for line in done.stderr.splitlines() if "error" in line), "")
        return [f"{path}: does not compile alone: {first}"] if done.returncode else []

    return in_parallel(compile_alone, tree.within("src", ".h"))


def check_format(tree):
    name = tool(f"clang-format-{FORMAT_VERSION}", "clang-format")
    version = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"version (\d+)", version)
    if not major or int(major.group(1)) != FORMAT_VERSION:
        raise Skip(f"this is {version.strip()}; the layout is that of {FORMAT_VERSION}")
    paths = tree.sources() + tree.within("tests", ".c", ".h")
    if not paths:
        return []
    done = subprocess.run([name, "--style=file", "--dry-run", "-Werror", *paths], cwd=tree.root,
                          capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if ": error:" in line]
    return lines or ([done.stderr.strip()] if done.returncode else [])


def check_analysis(tree):
    """clang-tidy over the sources, with the checks of .clang-tidy."""
    name = tool(f"clang-tidy-{FORMAT_VERSION}", "clang-tidy")

    def analyse(path):
        done = subprocess.run([name, "--quiet", path, "--", "-std=c17", "-D_GNU_SOURCE",
                               *include_flags(tree)], cwd=tree.root, capture_output=True,
                              text=True)
        lines = [line.replace(tree.root + "/", "") for line in done.stdout.splitlines()
                 if re.search(r": (error|warning): ", line)]
        return lines or ([f"{path}: {done.stderr.strip()}"] if done.returncode else [])

    return sorted(set(in_parallel(analyse, tree.within("src", ".c"))))
