"""The checks of scripts/check, by name, in the order in which they run.

A check is a function of the Tree; it returns a list of findings, each one line that says
where, what and what to do. An empty list passes. It raises Skip where its tool is missing.
"""

from .tree import Skip, Tree
from . import budgets, calls, layers, names, text, tools

ALL = {
    "text": text.check_text,
    "words": text.check_words,
    "shell": text.check_shell,
    "python": text.check_python,
    "files": names.check_files,
    "levels": layers.check_levels,
    "includes": layers.check_includes,
    "cycles": layers.check_cycles,
    "functions": budgets.check_functions,
    "sizes": budgets.check_sizes,
    "calls": calls.check_calls,
    "symbols": names.check_symbols,
    "globals": names.check_globals,
    "headers": tools.check_headers,
    "format": tools.check_format,
    "analysis": tools.check_analysis,
}

__all__ = ["ALL", "Skip", "Tree"]
