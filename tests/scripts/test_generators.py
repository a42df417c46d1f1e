"""Scripts that write files: embedded arrays, models without weights."""

import json
import subprocess
import sys


def test_embedded_bytes_are_the_files(root, tmp_path):
    content = bytes(range(256)) * 3
    (tmp_path / "Every-byte.bin").write_bytes(content)
    (tmp_path / "empty.yaml").write_bytes(b"")
    subprocess.run([sys.executable, root / "scripts/embed.py", "embed.c", "embed.h",
                    "Every-byte.bin", "empty.yaml"], cwd=tmp_path, check=True)
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "embed.h"\n'
        "int main(void)\n{\n"
        "    fwrite(embed_every_byte_bin, 1, embed_every_byte_bin_size, stdout);\n"
        "    return embed_empty_yaml_size != 0 || embed_empty_yaml[0] != 0 ||\n"
        "           embed_every_byte_bin[embed_every_byte_bin_size] != 0;\n}\n")
    subprocess.run(["gcc", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "main.c",
                    "embed.c", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True)
    assert done.returncode == 0 and done.stdout == content


def test_two_files_of_one_name_are_refused(root, tmp_path):
    done = subprocess.run([sys.executable, root / "scripts/embed.py", tmp_path / "c",
                           tmp_path / "h", "a/prices.yaml", "b/prices.yaml"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "same name" in done.stderr


def test_tiny_model_encodes_any_byte(tiny_model):
    config = json.loads((tiny_model / "config.json").read_text())
    tokenizer = json.loads((tiny_model / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = tokenizer["model"]["vocab"]
    assert sorted(vocab.values()) == list(range(config["vocab_size"]))
    assert len([token for token in vocab if len(token) == 1]) == 256
    assert all(vocab[a] < 261 and vocab[b] < 261 and a + b in vocab
               for a, b in tokenizer["model"]["merges"])


def test_shape_model_has_the_size_of_its_name(shape_model):
    """Parameters add up to the 0.6 billion of Qwen3-0.6B."""
    c = json.loads((shape_model / "config.json").read_text())
    q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    layer = (c["hidden_size"] * (2 * q + 2 * kv) + 3 * c["hidden_size"] * c["intermediate_size"]
             + 2 * c["hidden_size"] + 2 * c["head_dim"])
    total = (c["vocab_size"] * c["hidden_size"] + c["num_hidden_layers"] * layer
             + c["hidden_size"])
    assert total == 596_049_920


def test_list_of_sources_is_that_of_the_tree(root):
    listed = subprocess.run([root / "scripts/list-sources", "lib"], capture_output=True,
                            text=True, check=True).stdout.split()
    assert listed == sorted(listed)
    found = {str(path.relative_to(root)) for path in (root / "src").rglob("*.c")}
    assert set(listed) == found - {"src/cli/main.c"}
