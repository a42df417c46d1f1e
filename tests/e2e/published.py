"""Results as the published tool writes them: 26 fields a row, json.dump with indent=2."""

import json

SCENARIOS = {"short": 312, "medium": 1480, "prefix_caching": 4096}


def row(instance="g5.xlarge", scenario="short", batch=1, caching=False, run=1, speed=100.0,
        **more):
    """One row; `speed` in tokens/s makes all its times."""
    tokens = 128 * batch
    total = tokens / speed
    made = {
        "experiment_id": f"{instance}_offline_{scenario}_20250601_{100000 + run:06d}",
        "timestamp": f"2025-06-01T10:{batch:02d}:{run:02d}.{int(caching)}",
        "model_name": "Qwen/Qwen3-0.6B",
        "instance_type": instance,
        "hardware_type": "neuron" if instance.startswith("inf") else "gpu",
        "serving_mode": "offline",
        "batch_size": batch,
        "input_length": SCENARIOS.get(scenario, 500),
        "max_output_tokens": 128,
        "enable_prefix_caching": caching,
        "temperature": 0.7,
        "top_p": 0.9,
        "total_time": total,
        "prefill_time": total * 0.1,
        "decode_time": total * 0.9,
        "first_token_latency": total * 0.1,
        "actual_input_tokens": 78 * batch,
        "actual_output_tokens": tokens,
        "tokens_per_second": tokens / total,
        "time_per_token": total * 1000.0 / tokens,
        "inter_token_latency": total * 900.0 / 127,
        "memory_used_mb": 13456.5,
        "peak_memory_mb": 13500.25,
        "cache_hit_rate": 0.6 if caching and scenario == "prefix_caching" else None,
        "error": None,
        "notes": f"scenario={scenario}, run={run}, warmup={run == 0}",
    }
    made.update(more)
    return made


def grid(instance, speed, scenarios=("short", "prefix_caching"), batches=(1, 4), runs=4,
         gain=1.5, **more):
    """Rows of a whole grid, OFF and ON, warm-ups included; repeats 1 % apart."""
    return [row(instance, scenario, batch, caching, run,
                speed * batch ** 0.8 * (gain if caching and scenario == "prefix_caching" else 1)
                * (0.5 if run == 0 else 1 + 0.01 * (run - 2)), **more)
            for caching in (False, True) for scenario in scenarios for batch in batches
            for run in range(runs)]


def write(path, rows, bare=False):
    data = rows if bare else {"metadata": {"total_runs": len(rows),
                                           "generated_at": "2025-06-01T11:00:00"},
                              "results": rows}
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")
    return path
