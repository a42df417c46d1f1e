"""`recover`: killed at any moment, a run's files come back as it would have written them."""

import json
import os
import random
import re
import shutil
import signal
import subprocess

import pytest

from e2e.journal_sum import summed
from e2e.offline_run import (NULL, files_of, journal_of, plain_env, repeats_done, run_measured,
                             start, wait_for)

OUTPUTS = ("results_path", "summary_path", "env_path")


def recover(binary, raw, cwd, code=0):
    done = subprocess.run([str(binary), "recover", str(raw)], cwd=cwd, env=plain_env(),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def whole(binary, tmp_path_factory):
    """A run that ended well: two settings, two scenarios, two batch sizes, 3 repeats."""
    folder = tmp_path_factory.mktemp("whole")
    done = subprocess.run(
        [str(binary), *NULL, "--test-prefix-caching", "--scenarios", "short", "prefix_caching",
         "--batch-sizes", "1", "3", "--max-tokens", "9", "--metadata", "who=\u3042\"",
         "--price-per-hour", "1.006"], cwd=folder, env=plain_env(), capture_output=True,
        text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return files_of(folder / "results")


def test_complete_run_byte_for_byte(binary, whole):
    before = {name: getattr(whole, name).read_bytes() for name in OUTPUTS}
    for name in OUTPUTS:
        getattr(whole, name).unlink()
    done = recover(binary, whole.raw_path, "/")
    for name in OUTPUTS:
        assert getattr(whole, name).read_bytes() == before[name], name
    assert "Rebuilt from 24 repeats" in done.stdout


def test_other_folder_and_trailing_slash(binary, whole, tmp_path):
    subprocess.run([str(binary), "recover", f"{whole.raw_path}/", "--output-dir", "a/b"],
                   cwd=tmp_path, check=True, capture_output=True)
    assert files_of_three(tmp_path / "a/b") == files_of_three(whole.folder)


@pytest.mark.parametrize("name", [".", "./", "../{raw}", "x/.."])
def test_from_within_the_folder(binary, whole, tmp_path, name):
    """The files go beside it all the same."""
    raw = tmp_path / whole.raw_path.name
    shutil.copytree(whole.raw_path, raw)
    (raw / "x").mkdir()
    recover(binary, name.format(raw=raw.name), raw)
    assert files_of_three(tmp_path) == files_of_three(whole.folder)
    assert not list(raw.glob("*.json"))


def files_of_three(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_cut_at_every_line(binary, whole, tmp_path):
    """The rows of what was there are those of the whole run; the repeat under way is one
    row more, interrupted."""
    lines = whole.journal_path.read_bytes().splitlines(keepends=True)
    raw = tmp_path / whole.raw_path.name
    raw.mkdir()
    for count in range(1, len(lines) + 1):
        (raw / "journal.jsonl").write_bytes(b"".join(lines[:count]))
        recover(binary, raw, tmp_path)
        run = files_of(tmp_path)
        types = [json.loads(line)["type"] for line in lines[:count]]
        ended, begun = types.count("repeat_end"), types.count("repeat")
        assert len(run.rows) == begun
        assert run.rows[:ended] == whole.rows[:ended]
        assert run.data["metadata"]["complete"] is (count == len(lines))
        assert run.data["metadata"]["failed_rows"] == begun - ended
        for row in run.rows[ended:]:
            assert row["error"] == "interrupted"
            assert row["verdict"] is None
        assert sum(entry["count"] for entry in run.summary["summary"].values()) == sum(
            not row["is_warmup"] for row in run.rows[:ended])


def test_cut_inside_a_line(binary, whole, tmp_path):
    """As a crash leaves it: that line is left out, with a warning."""
    text = whole.journal_path.read_bytes()
    raw = tmp_path / whole.raw_path.name
    raw.mkdir()
    draw = random.Random(7)
    header = text.index(b"\n") + 1
    for _ in range(40):
        size = draw.randrange(header, len(text))
        size -= text[size - 1:size] == b"\n"
        (raw / "journal.jsonl").write_bytes(text[:size])
        done = recover(binary, raw, tmp_path)
        assert "cut off by a crash" in done.stderr
        ended = text[:size].count(b'"type":"repeat_end"')
        ended -= text[:size].rfind(b'"type":"repeat_end"') > text[:size].rfind(b"\n")
        assert files_of(tmp_path).rows[:ended] == whole.rows[:ended]


def put(folder, lines):
    """A raw folder in `folder` whose journal has these lines, without line ends."""
    raw = folder / "raw_x"
    raw.mkdir(exist_ok=True)
    (raw / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return raw


def changed(line, **members):
    """A line with other members; None takes one out."""
    made = {**json.loads(line), **members}
    return json.dumps({key: value for key, value in made.items() if value is not None}).encode()


# What may become of a line of the journal, and what is said of it then.
DAMAGE = {
    "cut": (lambda line: line[:30], "not valid JSON"),
    "no JSON": (lambda line: b"\x00\xff\x1b[2J", "not valid JSON"),
    "empty": (lambda line: b"", "not valid JSON"),
    "no type": (lambda line: changed(line, type=None), "a line without a type"),
    "no members": (lambda line: b'{"type":"%s"}' % json.loads(line)["type"].encode(), "missing"),
    "no such time": (lambda line: changed(line, at_ns=10**17), "a number that cannot be"),
    "no such number": (lambda line: changed(line, repeat=10**10), "no number that can be"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_line_costs_its_repeat(binary, whole, tmp_path, kind):
    """Its row has an error that names the line; all other rows are the same to the byte."""
    damage, why = DAMAGE[kind]
    lines = whole.journal_path.read_bytes().splitlines()
    starts = [i for i, line in enumerate(lines) if json.loads(line)["type"] == "repeat"]
    for hit in (5, len(starts) - 1):
        begin = starts[hit]
        end = next(i for i in range(begin, len(lines)) if b'"repeat_end"' in lines[i][:30])
        for at in {begin, begin + 1, end - 1, end}:
            raw = put(tmp_path, lines[:at] + [damage(lines[at])] + lines[at + 1:])
            done = recover(binary, raw, tmp_path)
            said = f"skipped 1 damaged line, the first is line {at + 1}; "
            assert f"raw_x/journal.jsonl: {said}" in done.stderr
            run = files_of(tmp_path)
            assert run.rows[:hit] + run.rows[hit + 1:] == whole.rows[:hit] + whole.rows[hit + 1:]
            row = run.rows[hit]
            assert row["error"].startswith(f"journal line {at + 1} is damaged: "), row["error"]
            assert why in row["error"] and row["error"].isprintable()
            assert row["tokens_per_second"] is None and row["verdict"] is None
            assert run.data["metadata"]["failed_rows"] == 1


def test_a_line_that_is_gone_costs_its_repeat(binary, whole, tmp_path):
    """The end tells how many requests there were. So it is in journals whose end does not."""
    lines = whole.journal_path.read_bytes().splitlines()
    at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "request" and
              json.loads(lines[i + 1])["type"] == "request")
    end = next(i for i in range(at, len(lines)) if json.loads(lines[i])["type"] == "repeat_end")
    older = [changed(line, requests=None, sum=None)
             if json.loads(line)["type"] == "repeat_end" else line for line in lines]
    hit = sum(json.loads(line)["type"] == "repeat_end" for line in lines[:at])
    for journal in (lines, older):
        recover(binary, put(tmp_path, journal), tmp_path)
        assert files_of(tmp_path).rows == whole.rows
        done = recover(binary, put(tmp_path, journal[:at] + journal[at + 1:]), tmp_path)
        assert "lines are missing or changed in 1 repeat; the error of each says" in done.stderr
        run = files_of(tmp_path)
        assert run.rows[:hit] + run.rows[hit + 1:] == whole.rows[:hit] + whole.rows[hit + 1:]
        row, planned = run.rows[hit], whole.rows[hit]["requests_planned"]
        assert row["error"] == f"journal line {end} ends the repeat, but {planned - 1} of its " \
                               f"{planned} requests are there"
        assert row["tokens_per_second"] is None and row["verdict"] is None


def test_sums_are_as_documented(whole):
    """Computed by other means, from docs/files.md alone."""
    lines = whole.journal_path.read_bytes().splitlines()
    assert summed(lines) == lines
    for line in lines:
        assert ("sum" in json.loads(line)) is (json.loads(line)["type"] != "request")


@pytest.mark.parametrize("kind", ["request", "repeat_end", "repeat", "cell", "run_end", "run"])
def test_a_changed_number_is_noticed(binary, whole, tmp_path, kind):
    """One digit of a file that is all JSON still: no VALID row comes of it."""
    lines = whole.journal_path.read_bytes().splitlines()
    types = [json.loads(line)["type"] for line in lines]
    at = len(types) - 1 - types[::-1].index(kind)
    found = list(re.finditer(rb"[0-9]", lines[at]))
    for place in random.Random(kind).sample(found, 12):
        digit = b"2" if place.group() != b"2" else b"3"
        line = lines[at][:place.start()] + digit + lines[at][place.end():]
        raw = put(tmp_path, lines[:at] + [line] + lines[at + 1:])
        if kind == "run":
            done = recover(binary, raw, tmp_path, 1)
            assert "journal.jsonl:1: it has changed since it was written" in done.stderr
            continue
        done = recover(binary, raw, tmp_path)
        assert "damaged line" in done.stderr or "missing or changed" in done.stderr
        run = files_of(tmp_path)
        if kind == "cell":
            assert run.rows == whole.rows[:-3]
            continue
        hit = [] if kind == "run_end" else [len(whole.rows) - 1]
        assert [i for i, row in enumerate(run.rows) if row["error"]] == hit
        assert run.rows[:-1] == whole.rows[:-1]
        if hit:
            assert run.rows[-1]["verdict"] is None and run.rows[-1]["tokens_per_second"] is None


def test_a_line_that_is_there_twice_costs_its_repeat(binary, whole, tmp_path):
    """A request's or a repeat's; those of a repeat that has ended cost nothing."""
    lines = whole.journal_path.read_bytes().splitlines()
    types = [json.loads(line)["type"] for line in lines]
    for kind, why in (("request", "a second line for its request"),
                      ("repeat", "its repeat appeared before")):
        at = types.index(kind, types.index("repeat_end"))
        done = recover(binary, put(tmp_path, lines[:at + 1] + lines[at:]), tmp_path)
        assert f"skipped 1 damaged line, the first is line {at + 2}; " in done.stderr
        run = files_of(tmp_path)
        assert run.rows[1]["error"] == f"journal line {at + 2} is damaged: {why}"
        assert run.rows[:1] + run.rows[2:] == whole.rows[:1] + whole.rows[2:]
    begin, end = types.index("repeat"), types.index("repeat_end") + 1
    recover(binary, put(tmp_path, lines[:end] + lines[begin:end] + lines[end:]), tmp_path)
    assert files_of(tmp_path).rows == whole.rows


@pytest.mark.parametrize("hit", [[0], [1], [2], [3, 4], [5, 6], [23], [21, 22, 23]])
def test_a_repeat_that_is_gone(binary, whole, tmp_path, hit):
    """All its lines: the rest of the journal tells that it began. Its row has an error, the
    others are what they were, numbers of rows too."""
    lines = whole.journal_path.read_bytes().splitlines()
    begun, kept = -1, []
    for line in lines:
        kind = json.loads(line)["type"]
        begun += kind == "repeat"
        if begun not in hit or kind in ("cell", "run_end"):
            kept.append(line)
    done = recover(binary, put(tmp_path, kept), tmp_path)
    cell, repeat = divmod(hit[0], 3)
    what = "1 repeat" if len(hit) == 1 else f"{len(hit)} repeats"
    assert f"no line is left of {what} that began, the first is repeat {repeat} of cell {cell} " \
           in done.stderr
    run = files_of(tmp_path)
    assert len(run.rows) == len(whole.rows)
    for number, (row, was) in enumerate(zip(run.rows, whole.rows)):
        if number not in hit:
            assert row == was
            continue
        assert row["error"].endswith("comes after this repeat, but none of its lines is there")
        assert row["verdict"] is None and row["tokens_per_second"] is None
        for key in ("row", "scenario", "batch_size", "repeat", "is_warmup"):
            assert row[key] == was[key]


def test_a_journal_that_tells_of_masses(binary, whole, tmp_path):
    """Few lines, each of which counts many repeats: rows are made of a thousand in all."""
    lines = whole.journal_path.read_bytes().splitlines()
    cell = next(line for line in lines if json.loads(line)["type"] == "cell")
    hostile = [changed(cell, cell=i, begun=1000 * i, sum=None) for i in range(61)]
    raw = put(tmp_path, lines[:1] + hostile)
    code, peak_kib, said = run_measured([binary, "recover", raw], tmp_path, env=plain_env())
    assert code == 0, said
    assert "no line is left of 1000 repeats that began" in said
    assert "skipped 59000 repeats" in said
    assert len(files_of(tmp_path).rows) == 1000
    assert peak_kib < 128 << 10


def test_a_run_line_that_was_edited(binary, whole, tmp_path):
    """It is refused, and the message says how to keep it; so with every line of the file."""
    lines = whole.journal_path.read_bytes().splitlines()
    fields = {**json.loads(lines[0])["fields"], "instance_type": "g6.xlarge"}
    for others in (lines[1:], [changed(line) for line in lines[1:]]):
        done = recover(binary, put(tmp_path, [changed(lines[0], fields=fields)] + others),
                       tmp_path, 1)
        assert "journal.jsonl:1: it has changed since it was written. Lines without their last " \
               'member "sum" are read as they are: remove it from the lines that you edited' \
               in done.stderr
        assert "inferbench merge g5.xlarge=FILE" in done.stderr
    for others in (lines[1:], [changed(line, sum=None) for line in lines[1:]]):
        done = recover(binary, put(tmp_path, [changed(lines[0], fields=fields, sum=None)] + others),
                       tmp_path)
        assert "journal.jsonl" not in done.stderr
        rows = files_of(tmp_path).rows
        assert {row["instance_type"] for row in rows} == {"g6.xlarge"}
        assert [row["tokens_per_second"] for row in rows] == [
            row["tokens_per_second"] for row in whole.rows]


def test_other_lines_that_were_edited(binary, whole, tmp_path):
    """The row's error says what to do, and that helps."""
    lines = whole.journal_path.read_bytes().splitlines()
    types = [json.loads(line)["type"] for line in lines]
    begin, end = types.index("repeat"), types.index("repeat_end")
    advice = {begin: f'journal line {begin + 1} is damaged: it has changed since it was written; '
                     'if you edited it, remove its "sum"',
              begin + 1: f"journal line {end + 1} ends the repeat, but its lines have changed since "
                         'they were written; if you edited them, remove the "sum" of this one',
              end: f"journal line {end + 1} ends the repeat, but its lines have changed since "
                   'they were written; if you edited them, remove the "sum" of this one'}
    for at, error in advice.items():
        edited = lines[:at] + [changed(lines[at])] + lines[at + 1:]
        recover(binary, put(tmp_path, edited), tmp_path)
        assert files_of(tmp_path).rows[0]["error"] == error
        remove = at if "sum" in json.loads(lines[at]) else end
        edited[remove] = changed(edited[remove], sum=None)
        recover(binary, put(tmp_path, edited), tmp_path)
        assert files_of(tmp_path).rows == whole.rows


def test_a_cell_that_is_gone(binary, whole, tmp_path):
    """Nothing tells what its rows would be; it is said how many they were."""
    lines = whole.journal_path.read_bytes().splitlines()
    cells = [i for i, line in enumerate(lines) if json.loads(line)["type"] == "cell"]
    for at, end in zip(cells, cells[1:] + [len(lines) - 1]):
        done = recover(binary, put(tmp_path, lines[:at] + lines[end:]), tmp_path)
        assert "skipped 3 repeats: the cell line is damaged or missing" in done.stderr
        run = files_of(tmp_path)
        assert len(run.rows) == len(whole.rows) - 3 and not any(row["error"] for row in run.rows)
        assert run.data["metadata"]["complete"] is False


def test_a_run_that_ended_early_lacks_nothing(binary, tmp_path):
    """A signal ended it: what never began is not missing."""
    run = start(binary, *NULL, "--scenarios", "short", "--batch-sizes", "1", "2", "--max-tokens",
                "400", "--num-runs", "600", cwd=tmp_path)
    wait_for(lambda: repeats_done(tmp_path / "results") > 3 or run.poll() is not None, "repeats")
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 4
    found = files_of(tmp_path / "results")
    end = journal_of(found.journal_path)[-1]
    assert end["type"] == "run_end" and end["begun"] == len(found.rows) < 1200
    done = recover(binary, found.raw_path, tmp_path)
    assert "journal.jsonl" not in done.stderr
    assert all(row["error"] in (None, "interrupted") for row in found.rows)


def test_damaged_line_of_a_cell(binary, whole, tmp_path):
    """Its repeats are left out, and that is said; those of other cells are what they were."""
    lines = whole.journal_path.read_bytes().splitlines()
    cells = [i for i, line in enumerate(lines) if json.loads(line)["type"] == "cell"]
    at = cells[2]
    done = recover(binary, put(tmp_path, lines[:at] + [lines[at][:50]] + lines[at + 1:]), tmp_path)
    assert f"skipped 1 damaged line, the first is line {at + 1}; " in done.stderr
    assert "skipped 3 repeats: the cell line is damaged or missing" in done.stderr
    run = files_of(tmp_path)
    kept = whole.rows[:6] + whole.rows[9:]
    assert [row["row"] for row in run.rows] == list(range(len(kept)))
    for row, was in zip(run.rows, kept):
        numbers = {"row": was["row"], "experiment_id": was["experiment_id"]}
        assert {**row, **numbers} == was
    assert run.data["metadata"]["complete"] is False
    assert len(run.summary["summary"]) == len(whole.summary["summary"]) - 1


def test_damaged_block(binary, whole, tmp_path):
    """A block of the disk is lost: the end of one repeat, the beginning of the next."""
    lines = whole.journal_path.read_bytes().splitlines()
    ends = [i for i, line in enumerate(lines) if json.loads(line)["type"] == "repeat_end"]
    at = ends[0]
    assert json.loads(lines[at + 1])["type"] == "repeat"
    done = recover(binary, put(tmp_path, lines[:at] + [b"\0" * 4096] + lines[at + 2:]), tmp_path)
    assert f"skipped 1 damaged line, the first is line {at + 1}; " in done.stderr
    run = files_of(tmp_path)
    assert run.rows[2:] == whole.rows[2:]
    for row in run.rows[:2]:
        assert row["error"].startswith(f"journal line {at + 1} is damaged: ")
    assert [row["repeat"] for row in run.rows[:2]] == [0, 1]


def test_two_journals_in_one(binary, whole, tmp_path):
    """The second one's numbers are no part of this run."""
    lines = whole.journal_path.read_bytes().splitlines()
    done = recover(binary, put(tmp_path, lines + lines), tmp_path)
    assert f"skipped {len(lines)} damaged lines, the first is line {len(lines) + 1}" in done.stderr
    assert files_of(tmp_path).rows == whole.rows


@pytest.mark.parametrize("member", ["tokens_in", "tokens_out", "tokens_cached"])
@pytest.mark.parametrize("count", [10**13, 2**63 - 1, 1e300, -7, 2.5])
def test_a_count_that_cannot_be_is_unknown(binary, whole, tmp_path, member, count):
    """One answer's count is a server's word: the row stands, and has no sum of it."""
    lines = whole.journal_path.read_bytes().splitlines()
    at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "request" and
              json.loads(line)["repeat"] == 1)
    lines[at] = changed(lines[at], **{member: count})
    done = recover(binary, put(tmp_path, summed(lines)), tmp_path)
    assert "damaged" not in done.stderr
    run = files_of(tmp_path)
    assert run.rows[0] == whole.rows[0] and run.rows[2:] == whole.rows[2:]
    field = {"tokens_in": "actual_input_tokens", "tokens_out": "actual_output_tokens",
             "tokens_cached": "cached_input_tokens"}[member]
    assert run.rows[1]["error"] is None and run.rows[1][field] is None
    assert run.rows[1]["e2e_mean_s"] == whole.rows[1]["e2e_mean_s"]


def test_a_machine_long_awake(binary, whole, tmp_path):
    """Its monotonic clock shows years; that is no reason to refuse the run."""
    lines = whole.journal_path.read_bytes().splitlines()
    lines[0] = changed(lines[0], start_monotonic_ns=5 * 365 * 86400 * 10**9)
    recover(binary, put(tmp_path, summed(lines)), tmp_path)
    assert files_of(tmp_path).rows == whole.rows


def test_larger_than_4_gib(binary, whole, tmp_path):
    """5 GiB of zeros are one damaged line; they are neither kept in memory nor waited for."""
    lines = whole.journal_path.read_bytes().splitlines(keepends=True)
    raw = tmp_path / "raw_x"
    raw.mkdir()
    with open(raw / "journal.jsonl", "wb") as file:
        file.writelines(lines[:4])
        file.seek(5 << 30, os.SEEK_CUR)
        file.write(b"\n")
        file.writelines(lines[4:])
    code, peak_kib, said = run_measured([binary, "recover", raw], tmp_path, env=plain_env())
    assert code == 0, said
    assert "skipped 1 damaged line, the first is line 5; " in said
    assert peak_kib < 256 << 10
    run = files_of(tmp_path)
    assert run.rows[1:] == whole.rows[1:]
    assert run.rows[0]["error"].startswith("journal line 5 is damaged: ")


ELSEWHERE = {"serving_mode": ["../../home/evil", "/tmp/evil", "", "Offline", "offline/../../home/x"],
             "stamp": ["/../../../home/config", "x", "20260101_000000/../../../home/config", "",
                       "20260101_000000-", "20260101_000000\n"]}


@pytest.mark.parametrize("member,value", [(key, value) for key, values in ELSEWHERE.items()
                                          for value in values])
def test_a_journal_names_no_file_elsewhere(binary, whole, tmp_path, member, value):
    """Folders that would let such a path through are there; nothing is written anywhere."""
    results, home = tmp_path / "d/results", tmp_path / "home"
    home.mkdir()
    (home / "config.json").write_text("precious")
    for name in ("env_info_", "offline_results_", "offline_summary_", "env_info_20260101_000000"):
        (results / name).mkdir(parents=True)
    lines = whole.journal_path.read_bytes().splitlines()
    raw = put(results, summed([changed(lines[0], **{member: value})] + lines[1:]))
    before = sorted(tmp_path.rglob("*"))
    for command in (["recover"], ["mlflow", "sync", "--mlflow-uri", "http://127.0.0.1:9"]):
        done = subprocess.run([str(binary), *command, str(raw)], cwd=tmp_path, env=plain_env(),
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert f"raw_x/journal.jsonl:1: {member}: " in done.stderr
        assert sorted(tmp_path.rglob("*")) == before
        assert (home / "config.json").read_text() == "precious"


def test_another_run_s_files_stay(binary, whole, tmp_path):
    """A folder that was renamed because another machine's has its name, or whose journal says
    that it is another: what is rebuilt bears the folder's own name."""
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    theirs = files_of_three(tmp_path)
    raw = tmp_path / (whole.raw_path.name + "-2")
    shutil.copytree(whole.raw_path, raw)
    lines = (raw / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (raw / "journal.jsonl").write_bytes(b"".join(lines[:10]))
    recover(binary, f"{raw}//", tmp_path)
    assert {name: text for name, text in files_of_three(tmp_path).items() if name in theirs} == theirs
    stamp = raw.name.removeprefix("raw_")
    made = sorted(set(files_of_three(tmp_path)) - set(theirs))
    assert made == [f"env_info_{stamp}.json", f"offline_results_{stamp}.json",
                    f"offline_summary_{stamp}.json"]


def test_two_machines_in_one_second(binary, whole, tmp_path):
    """Files of the same stamp are another run's: nothing is written, and it says whose they are."""
    raw = tmp_path / "m2" / whole.raw_path.name
    raw.mkdir(parents=True)
    theirs = whole.rows[0]["run_id"].encode()
    text = whole.journal_path.read_bytes()
    assert theirs in text
    lines = summed(text.replace(theirs, b"f" * 32).splitlines())
    (raw / "journal.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    out = tmp_path / "out"
    shutil.copytree(whole.folder, out)
    before = files_of_three(out)
    done = subprocess.run([str(binary), "recover", str(raw), "--output-dir", str(out)],
                          env=plain_env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert whole.results_path.name in done.stderr and "belongs to another run" in done.stderr
    assert theirs.decode() in done.stderr and "f" * 32 in done.stderr
    assert files_of_three(out) == before
    (out / whole.results_path.name).unlink()  # the summary is theirs too
    done = subprocess.run([str(binary), "recover", str(raw), "--output-dir", str(out)],
                          env=plain_env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and whole.summary_path.name in done.stderr
    assert len(files_of_three(out)) == 2
    recover(binary, whole.raw_path, out)


def test_the_journal_is_a_folder(binary, tmp_path):
    (tmp_path / "raw_x/journal.jsonl").mkdir(parents=True)
    done = recover(binary, tmp_path / "raw_x", tmp_path, 1)
    assert "journal.jsonl: is a folder, not a file" in done.stderr


def test_the_journal_is_a_pipe(binary, tmp_path):
    (tmp_path / "raw_x").mkdir()
    os.mkfifo(tmp_path / "raw_x/journal.jsonl")
    for command in (["recover"], ["mlflow", "sync", "--mlflow-uri", "http://127.0.0.1:9"]):
        done = subprocess.run([str(binary), *command, "raw_x"], cwd=tmp_path, env=plain_env(),
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "journal.jsonl: is a pipe or device, not a file" in done.stderr


def test_not_a_journal(binary, tmp_path):
    raw = tmp_path / "raw_y"
    raw.mkdir()
    assert "no such file" in recover(binary, raw, tmp_path, 1).stderr
    for text in ("", "{}\n", "[1]\n", "hello\n", '{"type":"cell"}\n'):
        (raw / "journal.jsonl").write_text(text)
        done = recover(binary, raw, tmp_path, 1)
        assert "raw_y/journal.jsonl" in done.stderr, text


def test_usage(binary, tmp_path):
    done = subprocess.run([str(binary), "recover"], cwd=tmp_path, capture_output=True,
                          text=True)
    assert done.returncode == 2 and "RAW_DIR" in done.stderr


def test_kill_at_many_moments(binary, tmp_path):
    """kill -9 of a run under way; what the journal holds comes back, and the files that the
    run had written by then are the ones that recover writes."""
    draw = random.Random(11)
    many = [*NULL, "--scenarios", "short", "medium", "--batch-sizes", "1", "16",
            "--max-tokens", "400", "--num-runs", "60", "--quiet", "--test-prefix-caching"]
    cut_short = 0
    for moment in range(20):
        folder = tmp_path / str(moment)
        folder.mkdir()
        run = start(binary, *many, cwd=folder)
        target = draw.randrange(0, 470)
        wait_for(lambda: repeats_done(folder / "results") >= target or run.poll() is not None,
                 "repeats")
        run.send_signal(signal.SIGKILL)
        run.wait(30)
        raws = list((folder / "results").glob("raw_*"))
        if not raws or not (raws[0] / "journal.jsonl").read_bytes().count(b"\n"):
            continue
        lines = journal_of(raws[0] / "journal.jsonl")
        cut_short += lines[-1]["type"] != "run_end"
        written = files_of_three(folder / "results")
        recover(binary, raws[0], folder)
        found = files_of(folder / "results")
        ended = [line for line in lines if line["type"] == "repeat_end"]
        begun = [line for line in lines if line["type"] == "repeat"]
        assert len(found.rows) == len(begun) and len(begun) - len(ended) in (0, 1)
        assert all(row["error"] is None for row in found.rows[:len(ended)])
        for name, content in written.items():
            assert (folder / "results" / name).read_bytes() == content, name
        shutil.rmtree(folder)
    assert cut_short >= 10


def test_rows_do_not_depend_on_the_machine(binary, whole, tmp_path):
    """Another time zone and folder, same bytes: nothing but the journal goes in."""
    raw = tmp_path / whole.raw_path.name
    shutil.copytree(whole.raw_path, raw)
    subprocess.run([str(binary), "recover", str(raw)], cwd="/", check=True, capture_output=True,
                   env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert files_of_three(tmp_path) == files_of_three(whole.folder)
