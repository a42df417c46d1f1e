"""Percentiles of samples that depend on each other, after docs/statistics.md, from arrays."""

import math
from dataclasses import dataclass, field

import numpy as np

from oracle import reference as ref

BATCHES, LEAST, NARROW = 20, 60, 0.25


@dataclass
class Pool:
    """Repeats: [(unit, instants, values)], values of requests without an answer inf. distinct: so
    many are independent at most. order: any, cluster or timed."""

    order: str = "any"
    parts: list = field(default_factory=list)
    distinct: int = 0

    def all(self):
        return np.sort(np.concatenate([values for _, _, values in self.parts] or [[]]))

    def batches(self):
        """[(unit, repeat, values)]: 20 in all, or one of each repeat; what is left over is in none."""
        each = max(1, BATCHES // len(self.parts))
        made = []
        for k, (unit, at, values) in enumerate(self.parts):
            ordered = values[np.lexsort((values, at))]
            size = len(values) // each
            made += [(unit, k, ordered[j * size:(j + 1) * size]) for j in range(each)]
        return made

    def units(self):
        units = {}
        for unit, _, values in self.parts:
            units.setdefault(unit, []).extend(values)
        return list(units.values())

    def variance_ratio(self, p, limit):
        batches = self.batches()
        shares = np.array([np.mean(values > limit) if len(values) else math.nan
                           for _, _, values in batches])
        units = np.array([unit for unit, _, _ in batches])
        means = {unit: shares[units == unit].mean() for unit in set(units)}
        off = shares - [means[unit] for unit in units]
        beside = sum(a * b for a, b, one, other in zip(off, off[1:], batches, batches[1:])
                     if one[1] == other[1])
        freedom = len(batches) - len(means)
        if freedom < 1 or math.isnan(shares.sum()):
            return None
        size = np.mean([len(values) for _, _, values in batches])
        return max(1.0, size * (np.sum(off ** 2) + 2 * max(0.0, beside)) / freedom
                   / (p / 100 * (1 - p / 100)))

    def percentile(self, p):
        """{value, low, high, samples, needed}."""
        pool, found = self.all(), {"samples": self.distinct, "needed": ref.floor(p)}
        found["value"] = ref.quantile(pool, p) if len(pool) else math.inf
        found["low"] = found["high"] = math.inf
        if self.order == "timed":
            self.timed(p, pool, found)
        elif found["samples"] < found["needed"]:
            found["value"] = math.inf
        if math.isfinite(found["value"]) and self.order != "any" and len(self.units()) > 1:
            self.over_units(p, found)
        found.pop("rank", None)
        is_known = math.isfinite(found["value"])
        for key in ("value", "low", "high"):
            found[key] = found[key] if is_known and math.isfinite(found[key]) else None
        return found

    def timed(self, p, pool, found):
        found["needed"] = max(found["needed"], LEAST)
        found["samples"] = min(self.distinct, 1)
        if not len(pool):
            return
        ratio = self.ranks(p, pool, found)
        if ratio and found["samples"] >= found["needed"] and found["rank"] <= len(pool):
            return
        values = [ref.quantile(values, p) for _, _, values in self.batches() if len(values)]
        sizes = [len(values) * self.distinct / len(pool) for _, _, values in self.batches()]
        if min(sizes) >= ref.floor(p) and math.isfinite(max(values)) and \
                max(values) - min(values) <= NARROW * found["value"]:
            found.update(low=min(values), high=max(values),
                         samples=max(found["samples"], found["needed"]))
            return
        found.update(low=math.inf, high=math.inf)
        if p != 50 or self.distinct < ref.floor(50):
            found["value"] = math.inf

    def ranks(self, p, pool, found):
        n, q = len(pool), p / 100
        median = self.variance_ratio(50, ref.quantile(pool, 50))
        ratio = self.variance_ratio(p, found["value"])
        if ratio is None:
            return None
        ratio = median if p == 50 else max(ratio, 2 * median)
        half = ref.t_quantile_975(len(self.batches()) - 1) * math.sqrt(n * q * (1 - q) * ratio)
        low, high = math.floor(n * q - half), math.ceil(n * q + half) + 1
        found["samples"] = int(min(self.distinct, n / ratio))
        found["low"] = pool[low - 1] if low >= 1 else math.inf
        found["high"] = pool[high - 1] if high <= n else math.inf
        found["rank"] = high
        return ratio

    def over_units(self, p, found):
        count = sum(len(values) for values in self.units())
        values = [ref.quantile(values, p) if len(values) * self.distinct / count >= ref.floor(p)
                  else math.inf for values in self.units()]
        interval = ref.spread(values) if all(map(math.isfinite, values)) else {}
        for key in ("low", "high"):
            end = interval.get(f"ci95_{key}")
            found[key] = math.inf if end is None else end
