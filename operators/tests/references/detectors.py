"""Where River's detectors fire, for tests/laws/detectors.rs.

    pip install river==0.26.1 scipy==1.17.1
    python detectors.py > detectors.json

The two streams written out are those of River's own documentation; the others are made by the
generator below, which the tests have too.
"""

import json
import random
import sys

import river
import scipy
from river import drift
from scipy import stats


class Uniform:
    """Numbers from 0 to 1, each an exact multiple of 2**-23."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return (self.state >> 8) / 2**23


def bernoulli(seed, parts):
    """Zeros and ones: for each part a count, and the chance of a one at its begin and its end."""
    uniform, values = Uniform(seed), []
    for count, begin, end in parts:
        for i in range(count):
            chance = begin + (end - begin) * (i / count)
            values.append(1.0 if uniform.next() < chance else 0.0)
    return values


def gaussian(seed, parts):
    """Nearly normal numbers: for each part a count, and the mean at its begin and its end."""
    uniform, values = Uniform(seed), []
    for count, begin, end in parts:
        for i in range(count):
            noise = sum(uniform.next() for _ in range(12)) - 6
            values.append(noise + begin + (end - begin) * (i / count))
    return values


def documented():
    choices = random.Random(12345).choices
    levels = choices([0, 1], k=1000) + choices(range(4, 8), k=1000)
    choices = random.Random(42).choices
    bits = choices([0, 1], k=1000) + choices([0, 1], k=1000, weights=[0.3, 0.7])
    return ["".join(map(str, values)) for values in (levels, bits)]


LEVELS, BITS = documented()
STREAMS = {
    "documented_levels": {"digits": LEVELS},
    "documented_bits": {"digits": BITS},
    "abrupt_bits": {"bernoulli": [1, [[1500, 0.2, 0.2], [1500, 0.5, 0.5], [1500, 0.1, 0.1]]]},
    "gradual_bits": {"bernoulli": [2, [[2000, 0.1, 0.1], [2000, 0.1, 0.6], [1000, 0.6, 0.6]]]},
    "rare_bits": {"bernoulli": [3, [[6000, 0.02, 0.02], [4000, 0.1, 0.1]]]},
    "steady_bits": {"bernoulli": [4, [[5000, 0.3, 0.3]]]},
    "abrupt_numbers": {"gaussian": [5, [[2000, 0, 0], [2000, 1, 1], [2000, -1, -1]]]},
    "gradual_numbers": {"gaussian": [6, [[2000, 5, 5], [3000, 5, 8], [1000, 8, 8]]]},
    "steady_numbers": {"gaussian": [7, [[6000, -2, -2]]]},
}


def values(stream):
    (kind, of), = stream.items()
    if kind == "digits":
        return [float(digit) for digit in of]
    return {"bernoulli": bernoulli, "gaussian": gaussian}[kind](*of)


# key in pipeline files, our parameters, River's detector; those of zeros and ones last.
NUMBERS = [
    ("adwin", {}, lambda: drift.ADWIN()),
    ("adwin", {"delta": 0.05, "clock": 1}, lambda: drift.ADWIN(delta=0.05, clock=1)),
    (
        "adwin",
        {"max_buckets": 3, "min_window": 20, "grace": 100},
        lambda: drift.ADWIN(max_buckets=3, min_window_length=20, grace_period=100),
    ),
    ("page_hinkley", {}, lambda: drift.PageHinkley()),
    ("page_hinkley", {"direction": "up"}, lambda: drift.PageHinkley(mode="up")),
    (
        "page_hinkley",
        {"direction": "down", "threshold": 20, "delta": 0.05, "min_samples": 100, "alpha": 0.99},
        lambda: drift.PageHinkley(100, 0.05, 20, 0.99, "down"),
    ),
]
BITS_ONLY = [
    ("ddm", {}, lambda: drift.binary.DDM()),
    (
        "ddm",
        {"min_samples": 100, "warning": 1.5, "drift": 2.5},
        lambda: drift.binary.DDM(100, 1.5, 2.5),
    ),
    ("eddm", {}, lambda: drift.binary.EDDM()),
    ("eddm", {"warning": 0.8, "drift": 0.75}, lambda: drift.binary.EDDM(alpha=0.8, beta=0.75)),
    ("hddm_a", {}, lambda: drift.binary.HDDMA()),
    ("hddm_a", {"two_sided": True}, lambda: drift.binary.HDDMA(two_sided_test=True)),
    ("hddm_w", {}, lambda: drift.binary.HDDMW()),
    (
        "hddm_w",
        {"two_sided": True, "lambda": 0.01, "warning": 0.05},
        lambda: drift.binary.HDDMW(0.001, 0.05, 0.01, True),
    ),
]


def signals(detector, stream):
    """Indices of drifts, and the first and last index of each run of warnings."""
    drifts, warnings = [], []
    for index, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            drifts.append(index)
        elif getattr(detector, "warning_detected", False):
            if warnings and warnings[-1][1] == index - 1:
                warnings[-1][1] = index
            else:
                warnings.append([index, index])
    return {"drifts": drifts, "warnings": warnings}


def cases():
    for name, stream in STREAMS.items():
        bits = name.endswith("bits")
        for key, parameters, make in NUMBERS + (BITS_ONLY if bits else []):
            # River's own takes every value as it is: so do ours.
            found = signals(make(), values(stream))
            yield {"detector": key, "parameters": parameters, "stream": name, **found}


def kswin():
    """River chooses by another generator, so only how long it takes on average can be compared."""
    parts = [[600, 0, 0], [600, 1, 1]]
    first = []
    for seed in range(100):
        found = signals(drift.KSWIN(alpha=0.0001, seed=seed), gaussian(seed, parts))
        first.append(found["drifts"][0] if found["drifts"] else 1200)
    return {"alpha": 0.0001, "parts": parts, "first": first}


def smirnov():
    """Exact chances of a difference of k / n between two samples of n numbers each."""
    for n in (5, 10, 30, 50, 100):
        for k in range(1, n + 1, max(1, n // 10)):
            x = [0.0] * k + [1.0] * (n - k)
            yield {"n": n, "k": k, "p": stats.ks_2samp(x, [1.0] * n, method="exact").pvalue}


made = {
    "made_with": {"river": river.__version__, "scipy": scipy.__version__},
    "streams": STREAMS,
    "cases": list(cases()),
    "kswin": kswin(),
    "smirnov": list(smirnov()),
}
# one line for each stream and case.
lines = [f'{{\n"made_with": {json.dumps(made["made_with"])},\n"streams": {{']
lines.append(",\n".join(f'"{k}": {json.dumps(v)}' for k, v in STREAMS.items()))
lines.append('},\n"cases": [')
lines.append(",\n".join(json.dumps(case) for case in made["cases"]))
lines.append(f'],\n"kswin": {json.dumps(made["kswin"])},\n"smirnov": [')
lines.append(",\n".join(json.dumps(case) for case in made["smirnov"]))
lines.append("]\n}")
sys.stdout.write("\n".join(lines) + "\n")
