"""Pictures are looked at: nothing covers the panels or is cut off at an edge, whatever the names."""

import json
import re
import shutil
from pathlib import Path

import numpy
import pytest
from PIL import Image

from e2e.offline_run import NULL, files_of

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
CJK = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
NAMES = ["tokens_per_sec_comparison", "ttft_comparison", "itl_comparison",
         "time_per_token_comparison", "prefix_caching_effect", "batch_size_scaling"]
EDGE = 3
# The least that a legend's row needs is 22 pixels; a box for a missing glyph takes hundreds.
ROW = 22


def pixels(path):
    return numpy.asarray(Image.open(path).convert("RGB")).astype(int)


def is_white(image):
    return image.min(axis=2) > 250


def dark_share(image):
    return float((image.max(axis=2) < 30).mean())


def assert_edges_are_white(path):
    white = is_white(pixels(path))
    for name, edge in (("top", white[:EDGE]), ("bottom", white[-EDGE:]),
                       ("left", white[:, :EDGE]), ("right", white[:, -EDGE:])):
        assert edge.all(), f"{path.name}: something is cut off at its {name}"


def fonts_of(tmp_path, *files):
    """Environment of a machine that has these fonts alone."""
    folder = tmp_path / "fonts"
    folder.mkdir(exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    conf = tmp_path / "fonts.conf"
    conf.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
                    f"<dir>{folder}</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>\n")
    return {"FONTCONFIG_FILE": str(conf)}


@pytest.fixture
def labelled(inferbench, tmp_path):
    """labelled(label, ...) makes a folder of results of one run for each label."""
    done = inferbench(*NULL, "--test-prefix-caching", "--num-runs", "4", "--scenarios", "short",
                      "prefix_caching", "--batch-sizes", "1", "4", "--label", "LABEL",
                      "--output-dir", "made")
    assert done.returncode in (0, 3), done.stderr
    text = files_of(tmp_path / "made").results_path.read_text(encoding="utf-8")
    run_id = json.loads(text)["metadata"]["run_id"]

    def make(folder, *labels, change=lambda text: text):
        (tmp_path / folder).mkdir()
        for i, label in enumerate(labels):
            mine = text.replace('"LABEL"', json.dumps(label)).replace(
                run_id, f"{run_id[:-4]}{i:04x}")
            (tmp_path / folder / f"offline_results_{i}.json").write_text(change(mine),
                                                                        encoding="utf-8")
        return folder
    return make


def analyze(inferbench, tmp_path, folder, out, env=None):
    done = inferbench("analyze", folder, "--output-dir", out, "--format", "all", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, {path.stem: path for path in (tmp_path / out).glob("*.png")}


@pytest.mark.parametrize("label", ["東京 g5", "🚀🚀 g5", "g5 ⵣ ဪ", "ｇ̴̷̸̡̨̛̖̗̘̙̜̝̞̟̠5", "a\u202eb ﷽"])
def test_missing_glyphs_cover_nothing(inferbench, tmp_path, labelled, label):
    """The panels below a legend of any name are those below a plain one, pixel by pixel."""
    env = fonts_of(tmp_path, DEJAVU)
    _, plain = analyze(inferbench, tmp_path, labelled("p", "m1", "m2"), "plain", env)
    said, drawn = analyze(inferbench, tmp_path, labelled("d", label, "m2"), "drawn", env)
    assert set(drawn) == set(plain) and "prefix_caching_effect" in drawn
    for name, path in drawn.items():
        assert_edges_are_white(path)
        assert dark_share(pixels(path)) < 0.02
    a, b = pixels(plain["tokens_per_sec_comparison"]), pixels(drawn["tokens_per_sec_comparison"])
    assert a.shape == b.shape
    below = 48 + 22 + ROW + 8  # title, warning, one row of names
    assert (a[below:] == b[below:]).all()
    if not all(ord(letter) < 0x250 for letter in label) and "東" in label:
        assert "no font here has 東京" in said and "fonts-droid-fallback" in said


@pytest.mark.skipif(not CJK.exists(), reason="scripts/setup build installs fonts-droid-fallback")
def test_japanese_is_drawn(inferbench, tmp_path, labelled):
    env = fonts_of(tmp_path, DEJAVU, CJK)
    said, drawn = analyze(inferbench, tmp_path, labelled("d", "東京 g5", "大阪 g5"), "out", env)
    assert "font" not in said
    script = (tmp_path / "out/source/tokens_per_sec_comparison.gp").read_text(encoding="utf-8")
    assert "'東京 g5'" in script and "'大阪 g5'" in script
    for path in drawn.values():
        assert_edges_are_white(path)
        assert dark_share(pixels(path)) < 0.02


def test_fonts_of_this_machine(inferbench, tmp_path, labelled):
    """Those that scripts/setup installs have Japanese."""
    said, _ = analyze(inferbench, tmp_path, labelled("d", "東京 g5", "m2"), "out")
    assert "font" not in said


def test_names_without_a_font_stay_two(inferbench, tmp_path, labelled):
    env = fonts_of(tmp_path, DEJAVU)
    analyze(inferbench, tmp_path, labelled("d", "東京", "大阪"), "out", env)
    script = (tmp_path / "out/source/tokens_per_sec_comparison.gp").read_text(encoding="utf-8")
    assert "'[6771][4EAC]'" in script and "'[5927][962A]'" in script


def test_long_names_end_inside(inferbench, tmp_path, labelled):
    """Labels, scenarios and ticks as long as they may be."""
    def lengthen(text):
        return text.replace('"prefix_caching"', json.dumps("scenario-" + "w" * 55)).replace(
            '"Qwen/Qwen3-0.6B"', json.dumps("/models/" + "deep/" * 60 + "model"))
    long = "a machine in the third rack on the left " * 5
    _, drawn = analyze(inferbench, tmp_path,
                       labelled("d", long + "one", long + "two", change=lengthen), "out")
    assert len(drawn) == len(NAMES)
    for path in drawn.values():
        assert_edges_are_white(path)
        height, width, _ = pixels(path).shape
        assert width <= 2400 and height <= 1800
    script = (tmp_path / "out/source/tokens_per_sec_comparison.gp").read_text()
    assert re.search(r"set label 1\d 'a machine .*\.\..* one'", script)


def test_many_machines_make_pages(inferbench, tmp_path, labelled):
    labels = [f"machine {i}" for i in range(60)]
    said, drawn = analyze(inferbench, tmp_path, labelled("d", *labels), "out")
    assert {"tokens_per_sec_comparison", "tokens_per_sec_comparison_2",
            "prefix_caching_effect_2"} <= set(drawn)
    assert "out/tokens_per_sec_comparison_2.png" in said
    for path in drawn.values():
        assert_edges_are_white(path)
        height, width, _ = pixels(path).shape
        assert width <= 2400 and height <= 1800, path
    scripts = "".join(path.read_text() for path in
                      (tmp_path / "out/source").glob("tokens_per_sec_comparison*.gp"))
    assert all(f"'{label}'" in scripts for label in labels)
    report = (tmp_path / "out/summary_report.md").read_text()
    assert "tokens_per_sec_comparison_2.png" in report
    assert said.count(" / machine 0: ") == 10 and "and 49 more, in the report" in said
    text = (tmp_path / "out/summary_report.txt").read_text()
    assert len(set(re.findall(r"^(machine \d+) / machine 0: ", text, re.M))) == 59
    assert "No $/token of machine 0 (its instance type is unknown), " in " ".join(said.split())
    # pages of an earlier analysis do not stay
    _, fewer = analyze(inferbench, tmp_path, labelled("few", *labels[:3]), "out")
    assert "tokens_per_sec_comparison_2" not in fewer
    assert not (tmp_path / "out/source/tokens_per_sec_comparison_2.gp").exists()


def test_off_is_light_for_every_machine(inferbench, tmp_path, labelled):
    """In each panel of prefix caching the left bar of a pair is lighter than the right."""
    labels = [f"machine {i}" for i in range(20)]
    analyze(inferbench, tmp_path, labelled("d", *labels), "out")
    pairs = []
    for path in sorted((tmp_path / "out/source").glob("prefix_caching_effect*.gp")):
        colours = re.findall(r"with boxes lc rgb '#(\w{6})'", path.read_text())
        pairs += zip(colours[::2], colours[1::2])
    assert len(pairs) == 20
    light = [[sum(bytes.fromhex(colour)) for colour in pair] for pair in pairs]
    assert all(off > on for off, on in light)


def test_the_ninth_colour_is_hatched(inferbench, tmp_path, labelled):
    """Two machines of one colour are told apart by what is drawn over it."""
    labels = [f"machine {i}" for i in range(9)]
    _, drawn = analyze(inferbench, tmp_path, labelled("d", *labels), "out")
    image = pixels(drawn["tokens_per_sec_comparison"])
    blue = (abs(image - numpy.array([0x00, 0x72, 0xB2])).max(axis=2) < 8)
    # solid blue of the first machine has no white inside; that of the ninth does
    runs = [line for line in blue if line.sum() > 30]
    assert runs
    row = blue[blue.sum(axis=1).argmax()]
    assert (numpy.diff(row.astype(int)) == 1).sum() > 4
