"""Rules for text of any language."""

import os
import re
import shutil
import subprocess
import sys

from .tree import Skip, line_of

# Written in two halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"
                        r"|\b(?i:st" r"ubs?|place" r"holders?)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot)/[\w.]")


def check_text(tree):
    """No trailing blanks, no tabs (but in a Makefile), one newline at the end."""
    found = []
    for path in tree.paths:
        if not tree.is_text(path):
            continue
        text = tree.read(path)
        if "\r" in text:
            found.append(f"{path}: carriage returns")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            found.append(f"{path}: is to end in one newline")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not path.endswith((".md", ".expected", ".jsonl")):
                found.append(f"{path}:{number}: blanks at the end")
            if "\t" in line and path.endswith((".c", ".h", ".py", ".sh", ".yaml", ".build")):
                found.append(f"{path}:{number}: a tab")
    return found


def check_words(tree):
    found = []
    for path in tree.paths:
        if not tree.is_text(path):
            continue
        text = tree.read(path)
        for match in UNFINISHED.finditer(text):
            found.append(f"{path}:{line_of(text, match.start())}: {match.group(0)}: "
                         "finish it, or say what is so")
        for match in MACHINE_PATHS.finditer(text):
            found.append(f"{path}:{line_of(text, match.start())}: a path of one machine: "
                         f"{match.group(0)}")
    return found


def scripts(tree, shebang):
    return [path for path in tree.paths if tree.is_text(path)
            and re.match(shebang, tree.read(path).split("\n", 1)[0])]


def check_shell(tree):
    found = []
    paths = scripts(tree, r"#!/bin/sh") + tree.within("scripts", ".sh")
    for path in paths:
        done = subprocess.run(["sh", "-n", path], cwd=tree.root, capture_output=True, text=True)
        if done.returncode:
            found.append(f"{path}: {done.stderr.strip()}")
        if path in scripts(tree, "#!") and not os.access(os.path.join(tree.root, path), os.X_OK):
            found.append(f"{path}: not executable")
    found += [f"{path}: scripts are POSIX sh, not bash" for path in scripts(tree, r"#!.*bash")]
    if shutil.which("shellcheck") and paths:
        done = subprocess.run(["shellcheck", "-s", "sh", "-S", "warning", "-f", "gcc", *paths],
                              cwd=tree.root, capture_output=True, text=True)
        found += done.stdout.splitlines()
    return found


def check_python(tree):
    """Every Python file compiles."""
    found = []
    for path in sorted(set(scripts(tree, r"#!.*python") + [p for p in tree.paths if p.endswith(".py")])):
        try:
            compile(tree.read(path), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            found.append(f"{path}:{error.lineno}: {error.msg}")
    if sys.version_info < (3, 9):
        raise Skip("Python before 3.9")
    return found
