"""Every check of scripts/check fails on a tree that breaks its rule, and passes a good one."""

import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from checks import ALL, Skip, Tree  # noqa: E402
from checks.budgets import functions  # noqa: E402

GOOD = {
    "src/base/buf.h": "#ifndef BUF_H\n#define BUF_H\n\nint buf_size(int count);\n\n#endif\n",
    "src/base/buf.c": '#include "base/buf.h"\n\n#include <string.h>\n\n'
                      "int buf_size(int count)\n{\n    return count;\n}\n",
    "src/http/sse.c": '#include <stdio.h>\n\n#include "base/buf.h"\n\n'
                      "int sse_size(void);\n\nint sse_size(void)\n{\n"
                      '    /* strcpy(a, b) */\n    return buf_size((int)sizeof "malloc(1)");\n}\n',
    "scripts/run": "#!/bin/sh\necho ready\n",
    "tool.py": "print(1)\n",
}


def body(lines):
    return "void buf_long(void);\n\nvoid buf_long(void)\n{\n" + "    ;\n" * lines + "}\n"


def with_include(line):
    return GOOD["src/base/buf.c"].replace("<string.h>", f"<string.h>\n\n{line}")


# check, file that breaks it, content, words that the finding must hold
BAD = [
    ("text", "tool.py", "print(1) \n", "blanks"),
    ("text", "tool.py", "if 1:\n\tprint(1)\n", "a tab"),
    ("text", "tool.py", "print(1)", "newline"),
    ("words", "tool.py", "# TO" "DO later\n", "tool.py:1"),
    ("words", "tool.py", "# only a st" "ub\n", "tool.py:1"),
    ("words", "tool.py", "# see /ro" "ot/x\n", "one machine"),
    ("shell", "scripts/run", "#!/bin/sh\nif true\n", "scripts/run"),
    ("shell", "scripts/run", "#!/bin/bash\necho\n", "POSIX"),
    ("python", "tool.py", "print(\n", "tool.py:1"),
    ("files", "src/http/Big-name.c", "int x;\n", "lower case"),
    ("levels", "src/base/buf.c", with_include('#include "http/sse.h"'), "no file"),
    ("levels", "src/base/buf.c", with_include('#include "buf.h"'), "with the folder"),
    ("levels", "src/base/buf.c", with_include("#include <jansson.h>"), "C library alone"),
    ("levels", "src/other/a.c", "int x;\n", "not in one of the folders"),
    ("levels", "src/base/deep/a.c", "int x;\n", "not in one of the folders"),
    ("includes", "src/base/buf.c", '#include <stdio.h>\n#include "base/buf.h"\n', "own header"),
    ("includes", "src/http/sse.c", '#include "base/buf.h"\n#include <stdio.h>\n', "after"),
    ("cycles", "src/base/buf.h", '#include "base/buf.h"\n', "each other"),
    ("functions", "src/base/buf.c", body(60), "63 lines"),
    ("functions", "src/base/buf.c", "int f(int a)\n{\n    return " + "a && " * 12 + "a;\n}\n",
     "complexity 13"),
    ("functions", "src/base/buf.c", "int f(int a, int b, int c, int d, int e, int g)\n{\n}\n",
     "6 parameters"),
    ("sizes", "src/base/buf.c", "int x;\n" * 601, "601 lines"),
    ("sizes", "src/cli/cmd_big.c", "int x;\n" * 101, "101 lines"),
    ("sizes", "src/base/buf.h", "int x;\n" * 151, "151 lines"),
    ("sizes", "src/base/buf.c", "/* " + "x" * 90 + " */\n", "96 columns"),
    ("sizes", "src/core/row.c", "int x;\n" * 901, "src/core: 901"),
    ("calls", "src/base/buf.c", "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy"),
    ("calls", "src/base/buf.c", "void f(void)\n{\n    free(a);\n}\n", "src/base/mem.c"),
    ("calls", "src/base/buf.c", "void f(void)\n{\n    exit(1);\n}\n", "src/cli/main.c"),
    ("calls", "src/base/buf.c", "typedef struct a b;\n", "typedef"),
    ("calls", "tests/unit/test_buf.c", "void f(void)\n{\n    atoi(a);\n}\n", "atoi"),
    ("headers", "src/base/buf.h", "size_t buf_size(void);\n", "compile alone"),
    ("format", "src/base/buf.c", '#include "base/buf.h"\nint  buf_size(int a){return a;}\n',
     "buf.c:2"),
    ("analysis", "src/base/buf.c", "int buf_get(void)\n{\n    int *p = 0;\n"
     "    return *p;\n}\n", "NullDereference"),
]


def write(folder, files):
    for path, content in files.items():
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(content)
        full.chmod(0o755 if content.startswith("#!") else 0o644)
    for name in (".clang-format", ".clang-tidy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(ROOT, name), folder / name)


def findings(name, folder, build=None):
    try:
        return [str(line) for line in ALL[name](Tree(folder, build))]
    except Skip as reason:
        pytest.skip(str(reason))


def compiled(folder):
    """Objects and archive under the names that the build gives them."""
    build = folder / "build"
    build.mkdir()
    for path in (folder / "src").rglob("*.c"):
        name = str(path.relative_to(folder)).replace("/", "_") + ".o"
        subprocess.run(["gcc", "-c", "-I", folder / "src", path, "-o", build / name], check=True)
    subprocess.run(["ar", "rcT", "libinferbench.a", *[p.name for p in build.glob("*.o")]],
                   cwd=build, check=True)
    return build


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("symbols", "globals")])
def test_good_tree_passes(name, tmp_path):
    write(tmp_path, GOOD)
    assert findings(name, tmp_path) == []


@pytest.mark.parametrize("name,path,content,words", BAD,
                         ids=[f"{row[0]}-{row[3].replace(' ', '_')}" for row in BAD])
def test_bad_tree_fails(name, path, content, words, tmp_path):
    write(tmp_path, {**GOOD, path: content})
    found = findings(name, tmp_path)
    assert any(words in line for line in found), found


def test_every_check_has_a_bad_tree():
    assert {row[0] for row in BAD} | {"symbols", "globals"} == set(ALL)


@pytest.mark.parametrize("user,target,ok", [
    ("http", "base", True), ("http", "core", True), ("http", "net", True),
    ("http", "stats", False), ("core", "net", False), ("net", "core", False),
    ("base", "core", False), ("bench", "cli", False), ("cli", "bench", True)])
def test_a_folder_includes_lower_levels_only(user, target, ok, tmp_path):
    write(tmp_path, {f"src/{target}/thing.h": "int thing_x;\n",
                     f"src/{user}/user.c": f'#include "{target}/thing.h"\n'})
    assert (findings("levels", tmp_path) == []) is ok


def test_cycle_of_two_headers(tmp_path):
    write(tmp_path, {"src/base/one.h": '#include "base/two.h"\n',
                     "src/base/two.h": '#include "base/one.h"\n'})
    assert findings("cycles", tmp_path) == [
        "files include each other: base/one -> base/two -> base/one"]


def test_cycle_through_a_source(tmp_path):
    write(tmp_path, {"src/base/one.h": "int one;\n", "src/base/one.c": '#include "base/two.h"\n',
                     "src/base/two.h": "int two;\n", "src/base/two.c": '#include "base/three.h"\n',
                     "src/base/three.h": '#include "base/one.h"\n'})
    assert findings("cycles", tmp_path) == [
        "files include each other: base/one -> base/two -> base/three -> base/one"]


def test_script_must_be_executable(tmp_path):
    write(tmp_path, GOOD)
    (tmp_path / "scripts/run").chmod(0o644)
    assert findings("shell", tmp_path) == ["scripts/run: not executable"]


def test_symbols_and_globals(tmp_path):
    write(tmp_path, {**GOOD, "src/engines/null.c":
                     "const int engine_null = 1;\nint null_open(void)\n{\n    return 1;\n}\n"
                     'const char *const null_names[] = {"a"};\n'})
    build = compiled(tmp_path)
    assert findings("symbols", tmp_path, build) == []
    assert findings("globals", tmp_path, build) == []
    shutil.rmtree(build)
    write(tmp_path, {"src/base/buf.c": "int other;\nstatic int count;\nint buf_get(void)\n{\n"
                                       "    static int seen = 1;\n"
                                       "    return count++ + seen++;\n}\n"})
    build = compiled(tmp_path)
    assert [line.split(",")[0] for line in findings("symbols", tmp_path, build)] == \
        ["src/base/buf.c: exports other"]
    found = "\n".join(findings("globals", tmp_path, build))
    assert "other" in found and "count" in found and "seen" in found


def test_symbols_need_a_build(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(Skip):
        ALL["symbols"](Tree(tmp_path, tmp_path / "build"))


def test_functions_are_measured():
    source = """
struct table { int (*open)(int a); };
static const struct table t = { .open = 0 };
#define WRAP(x) \\
    do { if (x) return; } while (0)
__attribute__((noinline)) static int *two(const char *a, int (*f)(int, int))
{
    /* if } */ char c = '}';
    for (;;) { if (a && *a == '"') return 0; }
    return c ? 0 : 0;
}
enum kind { ONE, TWO };
int none(void) { return "{"[0]; }
"""
    got = {f.name: (f.line, f.lines, f.complexity, f.parameters) for f in functions(source)}
    assert got == {"two": (6, 6, 5, 2), "none": (13, 1, 1, 0)}


def test_command_reports_and_fails(tmp_path):
    write(tmp_path, {**GOOD, "tool.py": "print(\n"})
    done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts/check"), "--root",
                           tmp_path, "--report", tmp_path / "report.json", "python", "levels"],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "failed   python" in done.stdout and "passed   levels" in done.stdout
    assert '"check::python"' in (tmp_path / "report.json").read_text()


def test_skip_is_no_pass_under_no_skip(tmp_path):
    write(tmp_path, GOOD)
    command = [sys.executable, os.path.join(ROOT, "scripts/check"), "--root", tmp_path, "symbols"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert subprocess.run([*command, "--no-skip"], capture_output=True).returncode == 1
