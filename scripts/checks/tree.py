"""The files under check, and C source without what is no code."""

import os
import re

SKIPPED_FOLDERS = {".git", "__pycache__", ".pytest_cache", "results", "analysis"}

# One alternative each for a comment, a string and a character constant.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


class Skip(Exception):
    """A check cannot run here; says why."""


def blank(match):
    """Spaces in place of a comment; quotes in place of a literal; newlines stay."""
    text = match.group(0)
    empty = re.sub(r"[^\n]", " ", text)
    if text[0] == "/":
        return empty
    return text[0] + empty[1:-1] + text[-1]


def strip_comments(source):
    """Same length and lines, without comments (strings stay)."""
    return TOKEN.sub(lambda m: blank(m) if m.group(0)[0] == "/" else m.group(0), source)


def strip_c(source):
    """Same length and lines, without comments and the inside of literals."""
    return TOKEN.sub(blank, source)


def strip_directives(source):
    """Same length and lines, without preprocessor lines and what continues them."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  source, flags=re.M | re.S)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


class Tree:
    """Files of one checkout. Paths are relative to `root`, with slashes, sorted."""

    def __init__(self, root, build=None):
        self.root = os.path.abspath(root)
        self.build = os.path.abspath(build) if build else None
        self.paths = sorted(self._walk())
        self._texts = {}

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders
                          if name not in SKIPPED_FOLDERS and not name.startswith("build")
                          and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))]
            for name in files:
                if name != ".git" and not name.endswith(".pyc"):
                    path = os.path.relpath(os.path.join(folder, name), self.root)
                    yield path.replace(os.sep, "/")

    def read(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", newline="") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def code(self, path):
        """C source without comments and literals."""
        return strip_c(self.read(path))

    def within(self, folder, *suffixes):
        return [path for path in self.paths
                if path.startswith(folder + "/") and path.endswith(suffixes)]

    def sources(self):
        return self.within("src", ".c", ".h")

    def is_text(self, path):
        if path.endswith((".png", ".svg", ".pdf", ".gz", ".bin")) or "/corpus/" in path:
            return False
        try:
            return "\0" not in self.read(path)
        except UnicodeDecodeError:
            return False
