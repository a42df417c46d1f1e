"""Every bad option with its message; help; versions."""

import gzip
import json
import re
import subprocess

import pytest

BAD = [
    (["--batch-size", "4"], "--batch-size: unknown option. Did you mean --batch-sizes?"),
    (["--bacth-sizes", "4"], "--bacth-sizes: unknown option. Did you mean --batch-sizes?"),
    (["--no-quite"], "--no-quite: unknown option. Did you mean --no-quiet?"),
    (["--frobnicate"], "--frobnicate: unknown option. See --help for the options."),
    (["-z"], "-z: unknown option. See --help for the options."),
    (["stray"], "stray: unexpected argument. "
                "See inferbench offline --help"),
    (["--model"], "--model: needs a value. Write --model ID|DIR, or --model=ID|DIR if it "
                  "begins with '-'."),
    (["--num-runs", "1"], "--num-runs: 1 is out of range. Write 2 to 100000: run 0 is the "
                          "warm-up."),
    (["--num-runs", "two"], '--num-runs: "two" is not a whole number. Write e.g. 3.'),
    (["--num-runs", "3.5"], '--num-runs: "3.5" is not a whole number. Write e.g. 3.'),
    (["--batch-sizes", "0"], "--batch-sizes: 0 is out of range. Write 1 to 65536."),
    (["--batch-sizes", "1", "x"], '--batch-sizes: "x" is not a whole number. Write e.g. 1.'),
    (["--batch-sizes", "-4"], "--batch-sizes: -4 is out of range. Write 1 to 65536."),
    (["--temperature", "3"], "--temperature: 3 is out of range. Write 0 to 2."),
    (["--temperature", "nan"], '--temperature: "nan" is not a number. Write e.g. 0.7.'),
    (["--top-p", "0"], "--top-p: 0 is out of range. Write 1e-09 to 1."),
    (["--max-tokens", "0"], "--max-tokens: 0 is out of range. Write 1 to 16777216."),
    (["--max-model-len", "8"], "--max-model-len: 8 is out of range. Write 16 to 16777216."),
    (["--seed", "-1"], "--seed: -1 is out of range. Write 0 or more."),
    (["--percentiles", "0"], "--percentiles: 0 is out of range. Write 0.1 to 99.999."),
    (["--price-per-hour", "-1"], "--price-per-hour: -1 is out of range. Write 0 to 1000000."),
    (["--engine-timeout", "0"], "--engine-timeout: 0 is out of range. Write 0.1 to 1000000."),
    (["--vocab-size", "5"], "--vocab-size: 5 is out of range. Write 64 to 16777216."),
    (["--quiet=maybe"], '--quiet: "maybe" is neither true nor false. Write true or false.'),
    (["--no-dry-run=1"], "--no-dry-run: takes no value."),
    (["--engine", "vlm"], '--engine: unknown engine "vlm". Did you mean vllm? There are: '
                          "vllm, null."),
    (["--engine-mode", "foo"], '--engine-mode: "foo" is not one of mp, inproc.'),
    (["--prefix-reuse", "war"], '--prefix-reuse: "war" is not one of cold, warm. '
                                "Did you mean warm?"),
    (["--hardware-type", "tpu"], '--hardware-type: "tpu" is not one of gpu, neuron, cpu, '
                                 "unknown. Did you mean gpu?"),
    (["--neuron-batch", "min"], '--neuron-batch: "min" is not one of per-cell, max. '
                                "Did you mean max?"),
    (["--scenarios", "shrot"], '--scenarios: no scenario "shrot". Did you mean short? Known: '
                               "short, medium, long, long_generation, prefix_caching."),
    (["--limit", "ERORS=1"], '--limit: unknown rule "ERORS". Did you mean ERRORS?'),
    (["--limit", "ERRORS=x"], '--limit: "ERRORS=x" is not CODE=VALUE. Write e.g. '
                              "ERRORS=0.01; docs/verdicts.md lists the codes."),
    (["--limit", "ERRORS"], '--limit: "ERRORS" is not key=value. Write CODE=VALUE.'),
    (["--accept-invalid=ERORS"], '--accept-invalid: unknown rule "ERORS". '
                                 "Did you mean ERRORS?"),
    (["--metadata", "foo"], '--metadata: "foo" is not key=value. Write KEY=VALUE.'),
    (["--engine-arg", "foo"], '--engine-arg: "foo" is not key=value. Write KEY=VALUE.'),
    (["--config", "none.yaml"], "none.yaml: no such file."),
    (["--scenario-file", "none.yaml"], "none.yaml: no such file."),
    (["--dataset", "none.jsonl"], "none.jsonl: no such file."),
    (["--max-model-len", "100"], "scenario short: 32 prompt and 128 output tokens make "
                                 "160, more than --max-model-len 100."),
]


@pytest.mark.parametrize("words,message", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_option(inferbench, tmp_path, words, message):
    done = inferbench("offline", "--engine", "null", *words)
    assert done.stderr.startswith(f"inferbench: {message}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


YAML = [
    ("batch-sizes: [1, x]\n", 'c.yaml:1: batch-sizes: "x" is not a whole number. Write e.g. 1.'),
    ("seed: 1\n\nnum_runs: one\n", 'c.yaml:3: num_runs: "one" is not a whole number.'),
    ("# note\nbatchsizes: 4\n", "c.yaml:2: batchsizes: unknown option. "
                                "Did you mean batch-sizes?"),
    ("seed: 1\nlabel: [a: b\n", "c.yaml:"),
    ("- a\n- b\n", "c.yaml: not a list of option: value lines. Write e.g. "
                   "batch-sizes: [1, 4]."),
    ("scenarios: [[short]]\n", "c.yaml:1: scenarios: a list inside a value. "),
    ("max-tokens: [1, 2]\n", "c.yaml:1: max-tokens: takes one value, not 2."),
    ("batch-sizes: []\n", "--batch-sizes: none given."),
    ("quiet: 2\n", 'c.yaml:1: quiet: "2" is neither true nor false.'),
]


@pytest.mark.parametrize("text,message", YAML, ids=[repr(text) for text, _ in YAML])
def test_bad_config(inferbench, tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    done = inferbench("offline", "--engine", "null", "--config", "c.yaml")
    assert done.stderr.startswith(f"inferbench: {message}"), done.stderr
    assert done.returncode == 2


SCENARIOS = [("- name: a\n  prompt_tokens: x\n", "s.yaml:2"),
             ("- name: a\n  prompts: []\n", "s.yaml:"),
             ("- prompt_tokens: 4\n", "s.yaml:1"),
             ("a: [\n", "s.yaml:"),
             ("- name: a\n  prompt_tokens: 10\n  shared_prefix_tokens: 20\n", "s.yaml:")]


@pytest.mark.parametrize("text,place", SCENARIOS, ids=[repr(text) for text, _ in SCENARIOS])
def test_bad_scenario_file(inferbench, tmp_path, text, place):
    (tmp_path / "s.yaml").write_text(text)
    done = inferbench("offline", "--engine", "null", "--scenario-file", "s.yaml")
    assert done.stderr.startswith(f"inferbench: {place}"), done.stderr
    assert done.returncode == 2


def test_bad_dataset_line(inferbench, tmp_path):
    (tmp_path / "d.jsonl").write_text('{"prompt": "a"}\n{"prompt": 1}\n')
    done = inferbench("offline", "--engine", "null", "--dataset", "d.jsonl")
    assert done.stderr.startswith("inferbench: d.jsonl:2"), done.stderr
    assert done.returncode == 2


DATASETS = [("gzip", gzip.compress(b'{"prompt": "a"}\n'), "gzip -dc FILE > NEW"),
            ("utf-16", '{"prompt": "a"}\n'.encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
            ("cp932", '{"prompt": "東京"}\n'.encode("cp932"), "iconv -f CP932 -t UTF-8"),
            ("list", b'[{"prompt": "a"}]', "jq -c '.[]' FILE > NEW.jsonl"),
            ("pretty", b'{\n  "prompt": "a"\n}\n', "jq -c . FILE > NEW.jsonl")]


@pytest.mark.parametrize("content,cure", [row[1:] for row in DATASETS],
                         ids=[row[0] for row in DATASETS])
def test_dataset_of_another_form(inferbench, tmp_path, content, cure):
    (tmp_path / "d.jsonl").write_bytes(content)
    done = inferbench("offline", "--engine", "null", "--dataset", "d.jsonl")
    assert done.stderr.startswith("inferbench: d.jsonl"), done.stderr
    assert cure in " ".join(done.stderr.split())
    assert done.returncode == 2


@pytest.mark.parametrize("key", ["max_tokens", "output_tokens", "output_length"])
def test_dataset_lengths(inferbench, tmp_path, key):
    (tmp_path / "d.jsonl").write_text(json.dumps({"prompt": "a", key: 16, "id": 1}) + "\n" +
                                      json.dumps({"prompt": "b", key: 24, "id": 2}) + "\n")
    done = inferbench("offline", "--engine", "null", "--dataset", "d.jsonl", "--dry-run")
    assert re.search(r"^d +2 texts +16\.\.24$", done.stdout, re.M), done.stdout
    assert done.stderr.count('note: d.jsonl: keys not used: "id"') == 1
    assert done.returncode == 0


COMPLETED = [
    ("inferbench ", {"offline", "mlflow", "help", "--version"}, {"--model"}),
    ("inferbench o", {"offline", "online"}, {"merge"}),
    ("inferbench offline --mod", {"--model"}, {"--base-url"}),
    ("inferbench online --base", {"--base-url"}, set()),
    ("inferbench offline --engine-mode ", {"mp", "inproc"}, {"--model"}),
    ("inferbench analyze --plots ttft i", {"itl"}, {"ttft"}),
    ("inferbench online --dialect=l", {"llamacpp", "litellm"}, {"vllm"}),
    ("inferbench online --dialect=", {"llamacpp", "vllm"}, set()),
    ("inferbench offline --scenarios ", set(), {"--model"}),
    ("inferbench offline --model ", set(), {"null"}),
    ("inferbench merge ./", set(), {"--output"}),
    ("inferbench nonsense --", set(), {"--model"}),
    ("inferbench help ", {"offline", "compare", "--man"}, {"help", "--version"}),
    ("inferbench help com", {"compare"}, {"merge"}),
    ("inferbench help compare ", set(), {"compare"}),
    ("inferbench mlflow ", {"sync"}, {"--mlflow-uri"}),
    ("inferbench mlflow --", {"--mlflow-uri"}, {"sync"}),
    ("inferbench mlflow sync ", set(), {"sync"}),
    ("inferbench offline --engine ", {"null", "vllm"}, {"openai", "--model"}),
    ("inferbench offline --engine=n", {"null"}, {"vllm"}),
]


@pytest.mark.parametrize("line, there, not_there", COMPLETED, ids=[line for line, *_ in COMPLETED])
def test_completion(inferbench, line, there, not_there):
    """As bash asks: words split at blanks and at '='."""
    script = inferbench("help", "--bash").stdout
    words = re.findall(r"=|[^ =]+", line)
    if line[-1] in " ":
        words.append("")
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "-uc", f"{script}\nCOMPREPLY=(); COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
                        '_inferbench\nprintf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    found = set(done.stdout.split())
    assert there <= found and not not_there & found, found


def test_help_names_every_option(inferbench, root):
    text = inferbench("offline", "--help").stdout
    for name in ("model", "batch-sizes", "test-prefix-caching", "engine-arg", "limit",
                 "neuron-batch", "accept-invalid", "percentiles", "dry-run"):
        assert f"--{name}" in text
    assert max(map(len, text.splitlines())) <= 80
    assert inferbench("offline", "-h").stdout == text == inferbench("help", "offline").stdout
    assert inferbench("offline", "--num-runs", "1", "--help").returncode == 0


def test_overview(inferbench):
    for words in ([], ["--help"], ["help"], ["-h"]):
        done = inferbench(*words)
        assert done.returncode == 0
        assert "offline" in done.stdout and "recover" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_unknown_command(inferbench):
    done = inferbench("offlin")
    assert done.returncode == 2
    assert done.stderr == ("inferbench: offlin: no such command. Did you mean offline? "
                           "See inferbench --help.\n")
    assert "Did you mean offline?" in inferbench("help", "ofline").stderr
    for words in (["nosuch"], ["help", "nosuch"], ["help", "nosuch", "compare"]):
        done = inferbench(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == ("inferbench: nosuch: no such command. "
                               "inferbench --help names all commands.\n")


def test_help_is_of_one_command(inferbench):
    done = inferbench("help", "compare", "nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("inferbench: nosuch: help is of one command. "
                           "inferbench help compare has all options of it.\n")
    assert inferbench("help", "--man", "x").returncode == 2
    # what is missing is shown as it is written
    assert "Write e.g. inferbench compare before/ after/." in inferbench("compare").stderr


def test_version(inferbench):
    for word in ("--version", "-V"):
        assert re.fullmatch(r"inferbench \d+\.\d+\.\d+(\+g[0-9a-f]+(-dirty)?)?\n",
                            inferbench(word).stdout)


def test_full_standard_output_is_reported(binary):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([str(binary), "--help"], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
