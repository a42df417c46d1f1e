"""Statistics from their definitions, by other means than the program's: rational ranks,
numerical integration of densities, enumeration of orders."""

from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from math import ceil, erfc, exp, isnan, lgamma, log, nan, pi, sqrt

import numpy as np


def quantile(values, percent):
    """Nearest rank: smallest value with at least ceil(p n / 100) values at or below it."""
    ordered = np.sort(np.asarray(values, dtype=float))
    exact = Fraction(str(percent)) * len(ordered) / 100
    rank = -(-exact.numerator // exact.denominator)
    return float(ordered[max(rank, 1) - 1])


@lru_cache(None)
def floor(percent):
    """Least n so that at most one of n samples lies above the percentile with chance <= 1 %."""
    q = float(percent) / 100
    n = 1
    while q ** n + n * (1 - q) * q ** (n - 1) > 0.01:
        n += 1
    return n


def mean(values):
    return float(np.mean(values)) if len(values) else nan


def std(values):
    return float(np.std(values, ddof=1)) if len(values) > 1 else nan


def _tail(density, start, steps=4000):
    """Integral from start to infinity; x = start + u / (1 - u), Gauss-Legendre in 40 pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = 0.0
    edges = np.linspace(0, 1, 41)
    for low, high in zip(edges[:-1], edges[1:]):
        u = (high - low) / 2 * nodes + (high + low) / 2
        x = start + u / (1 - u)
        total += float(np.sum(weights * density(x) / (1 - u) ** 2)) * (high - low) / 2
    return total


def _solve(tail, wanted, high):
    low = 0.0
    while tail(high) > wanted:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > wanted else (low, middle)
    return (low + high) / 2


@lru_cache(None)
def t_quantile_975(df):
    scale = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * pi)
    return _solve(lambda t: _tail(lambda x: scale * (1 + x * x / df) ** (-(df + 1) / 2), t),
                  0.025, 2.0)


@lru_cache(None)
def chi2_quantile_90(df):
    scale = -df / 2 * log(2) - lgamma(df / 2)
    return _solve(lambda s: _tail(lambda x: np.exp(scale + (df / 2 - 1) * np.log(x) - x / 2), s),
                  0.1, df + 1.0)


def spread(values):
    if not len(values):
        return dict.fromkeys(("mean", "min", "max", "std", "ci95_low", "ci95_high"))
    half = nan
    if len(values) >= 3:
        half = t_quantile_975(len(values) - 1) * std(values) / sqrt(len(values))
    return {key: None if isnan(value) else value for key, value in (
        ("mean", mean(values)), ("min", min(values)), ("max", max(values)),
        ("std", std(values)), ("ci95_low", mean(values) - half),
        ("ci95_high", mean(values) + half))}


def spread_of_logs(values):
    """Of a cost: mean and interval of logarithms."""
    if not len(values) or min(values) <= 0:
        return {**spread(values), **dict.fromkeys(("mean", "ci95_low", "ci95_high"))}
    logs = [log(value) for value in values]
    found = spread(logs)
    return {**spread(values), **{key: None if found[key] is None else exp(found[key])
                                 for key in ("mean", "ci95_low", "ci95_high")}}


def stein(values, share):
    """(s0, n) of the first 10 measured values, None: unknown (Stein 1945)."""
    first = values[:10]
    if len(first) < 10 or any(value is None or value <= 0 for value in first):
        return None, None
    s0 = std([log(value) for value in first])
    return s0, max(10, ceil((t_quantile_975(9) * s0 / log(1 + share)) ** 2))


def stein_interval(values, s0):
    """Of all units, repeats or geometric means of launches."""
    middle, half = mean([log(v) for v in values]), t_quantile_975(9) * s0 / sqrt(len(values))
    return {"ci95_low": exp(middle - half), "ci95_high": exp(middle + half)}


def by_launch(values, launches, of_logs=False):
    """Means of each launch, geometric ones of logarithms."""
    groups = {}
    for value, launch in zip(values, launches):
        groups.setdefault(launch, []).append(log(value) if of_logs else value)
    means = [mean(group) for group in groups.values()]
    return [exp(m) for m in means] if of_logs else means


def spread_over(values, launches, of=spread):
    """Of repeats; mean and interval over launches where there are several."""
    found = of(values)
    is_logs = of is spread_of_logs
    if len(set(launches)) > 1 and not (is_logs and min(values) <= 0):
        means = by_launch(values, launches, is_logs)
        found.update({key: of(means)[key] for key in ("mean", "ci95_low", "ci95_high")})
    return found


def cv_lower_90(values):
    n = len(values)
    if n < 3:
        return nan
    k = std(values) / abs(mean(values))
    u = chi2_quantile_90(n - 1)
    return k / sqrt(((u + 2) / n - 1) * k * k + u / (n - 1))


def chi2_quantile(p, df):
    """By integration of the density, in z = sqrt(x): smooth at 0 for one degree, too."""
    scale = log(2) - df / 2 * log(2) - lgamma(df / 2)
    return _solve(lambda z: _tail(lambda t: np.exp(scale + (df - 1) * np.log(np.maximum(t, 1e-300))
                                                   - t * t / 2), z), 1 - p, df + 1.0) ** 2


def repeats_range(values):
    """At both ends of the 80 % interval of the standard deviation of the logarithms."""
    if len(values) < 3 or min(values) <= 0:
        return None, None
    n = len(values)
    s = std(np.log(values))
    return tuple(repeats_at(s * sqrt((n - 1) / chi2_quantile(p, n - 1)), log(1.02))
                 for p in (0.9, 0.1))


def repeats_needed(values):
    if len(values) < 2:
        return None
    return repeats_at(std(values) / abs(mean(values)), 0.02)


def repeats_at(cv, share):
    low, high = 2, 3  # t / sqrt(n) falls with n: double, then halve the range
    while t_quantile_975(high - 1) * cv / sqrt(high) > share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if t_quantile_975(middle - 1) * cv / sqrt(middle) > share:
            low = middle
        else:
            high = middle
    return high


def _score(values):
    return sum(int(np.sign(b - a)) for i, a in enumerate(values) for b in values[i + 1:])


@lru_cache(None)
def _scores_of_all_orders(n):
    return [abs(_score(order)) for order in permutations(range(n))]


def _share_of_orders(n, s):
    """Of all orders of n values, those with a score of s or more: by their inversions, of which the
    k-th value adds 0..k-1, each as often."""
    counts = np.ones(1)
    for k in range(2, n + 1):
        counts = np.convolve(counts, np.ones(k))
    scores = np.abs(n * (n - 1) / 2 - 2 * np.arange(len(counts)))
    return float(counts[scores >= s].sum() / counts.sum())


def mann_kendall_p(values):
    n, s = len(values), abs(_score(list(values)))
    if n < 3:
        return nan
    if len(set(values)) == n and n <= 7:
        scores = _scores_of_all_orders(n)
        return sum(x >= s for x in scores) / len(scores)
    if len(set(values)) == n and n <= 10:
        return _share_of_orders(n, s)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(values, return_counts=True)[1])
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    return 1.0 if s == 0 or variance <= 0 else erfc((s - 1) / sqrt(variance) / sqrt(2))


def drift(values):
    slopes = [(values[j] - values[i]) / (j - i)
              for i in range(len(values)) for j in range(i + 1, len(values))]
    return float(np.median(slopes)) * (len(values) - 1) / abs(float(np.median(values)))
