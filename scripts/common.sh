# What setup, demo and test share; read with `.`, POSIX sh.
# Needs `root`, the root of the tree; sets `home`, where large downloads live.

home=${INFERBENCH_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/inferbench}
case $home in /*) ;; *) home=$PWD/$home ;; esac

say() {
    echo "${me:-inferbench}: $*"
}

die() {
    echo "${me:-inferbench}: $*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# True where interpreter $1 finds a package vllm; imports nothing, and nothing of the current
# folder.
has_vllm() {
    [ -x "$1" ] && "$1" -c '
import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.util
sys.exit(importlib.util.find_spec("vllm") is None)' >/dev/null 2>&1 </dev/null
}

# Interpreters in the order in which inferbench itself looks for vLLM, one a line.
python_candidates() {
    [ -z "${INFERBENCH_PYTHON:-}" ] || echo "$INFERBENCH_PYTHON"
    [ -z "${VIRTUAL_ENV:-}" ] || echo "$VIRTUAL_ENV/bin/python"
    [ -z "${CONDA_PREFIX:-}" ] || echo "$CONDA_PREFIX/bin/python"
    echo "$home/venv/bin/python"
    for dir in /opt/aws_neuronx_venv_*vllm* /opt/aws_neuronx_venv_* /opt/pytorch; do
        [ ! -x "$dir/bin/python" ] || echo "$dir/bin/python"
    done
    command -v python3 || true
}

# Prints the first interpreter that has vLLM; false where none has.
find_vllm() {
    python_candidates | while read -r candidate; do
        if has_vllm "$candidate"; then
            echo "$candidate"
            break
        fi
    done | grep .
}

has_nvidia() {
    [ -e /proc/driver/nvidia/version ] || { has nvidia-smi && nvidia-smi -L 2>/dev/null | grep -q GPU; }
}

has_neuron() {
    [ -e /dev/neuron0 ]
}

# need_space DIR MEGABYTES WHAT: stops where the file system of DIR has less free space.
need_space() {
    dir=$1
    while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
    free_mb=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free_mb" -ge "$2" ] || die "$3 needs $2 MB in $1, which has $free_mb MB free.
Set INFERBENCH_HOME to a folder on a larger disk, e.g. INFERBENCH_HOME=/mnt/inferbench"
}
