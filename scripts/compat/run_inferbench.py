"""Starts inferbench in place of a script of the tool that it replaces."""

import os
import shutil
import sys


def binary():
    """$INFERBENCH, the build beside these scripts, or what PATH has."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    named = os.environ.get("INFERBENCH")
    if named:
        path = shutil.which(named)
        return path or sys.exit(f"INFERBENCH={named} is no program that can be run")
    for path in [os.path.join(root, "build", "inferbench"), shutil.which("inferbench")]:
        if path and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    sys.exit("inferbench is not built: run `make` in " + root +
             ", or set INFERBENCH to the program's path")


def run(command):
    """Becomes `inferbench COMMAND` with this script's own arguments."""
    path = binary()
    os.execv(path, [path, command] + sys.argv[1:])
