"""The measurements of coresets.rs with NumPy and, if installed, apricot and PyTorch: seconds of the
fastest of three rounds, as JSON.

    pip install numpy apricot-select torch

Facility location keeps all similarities and grows the set lazily; matching is written as in the
reference implementations, with the products of all vectors in each step and new weights for all chosen
samples. PyTorch runs on the CPU, with its default number of threads.
"""

import json

import numpy
import timing
from lazy_greedy import lazy_greedy

SAMPLES, SIZE, COLS, CLASSES = 10_000, 1_000, 512, 10
random = numpy.random.default_rng(0)


def points(cols):
    normal = lambda rows: random.random((4, rows, cols), dtype=numpy.float32).sum(axis=0) - 2
    return normal(CLASSES)[numpy.arange(SAMPLES) % CLASSES] + normal(SAMPLES)


def cosines(x):
    unit = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    s = unit @ unit.T
    s *= 0.5
    s += 0.5
    return s


def distances(x):
    norms = (x * x).sum(axis=1)
    d = x @ x.T
    d *= -2
    d += norms[:, None]
    d += norms[None, :]
    numpy.maximum(d, 0, out=d)
    return numpy.sqrt(d, out=d)


def lazily(s, size):
    covered = numpy.zeros(len(s), dtype=numpy.float32)
    gain = lambda x: float(numpy.maximum(s[x] - covered, 0).sum())
    add = lambda x: numpy.maximum(covered, s[x], out=covered)
    return lazy_greedy(s.sum(axis=1).tolist(), gain, add, size)


def facility_location(x):
    return lazily(cosines(x), min(SIZE, len(x) // 10))


def craig(x):
    d = distances(x)
    s = d.max() - d
    chosen = lazily(s, min(SIZE, len(x) // 10))
    return numpy.bincount(s[:, chosen].argmax(axis=1))


def k_center(x):
    nearest = numpy.full(len(x), numpy.inf, dtype=numpy.float32)
    norms = (x * x).sum(axis=1)
    place = 0
    for _ in range(SIZE):
        numpy.minimum(nearest, norms + norms[place] - 2 * (x @ x[place]), out=nearest)
        place = int(nearest.argmax())
    return place


def graph_cut(x):
    unit = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    gains = 0.5 * len(x) + 0.5 * (unit @ unit.sum(axis=0))
    for _ in range(SIZE):
        place = int(gains.argmax())
        gains -= 1 + unit @ unit[place]
        gains[place] = -numpy.inf


def herding(x):
    unit = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    mean = unit.mean(axis=0)
    missing, taken = mean.copy(), numpy.zeros(len(x), dtype=bool)
    for _ in range(min(SIZE, len(x) // 10)):
        gains = unit @ missing
        gains[taken] = -numpy.inf
        place = int(gains.argmax())
        taken[place] = True
        missing += mean - unit[place]


def by_class(of):
    return lambda x: [of(x[c::CLASSES]) for c in range(CLASSES)]


def least(call, rounds=3):
    return timing.least(call, rounds)


x = points(COLS)
found = {
    "facility location (NumPy)": least(lambda: facility_location(x), 1),
    "facility location, by class (NumPy)": least(lambda: by_class(facility_location)(x)),
    "craig (NumPy)": least(lambda: craig(x), 1),
    "craig, by class (NumPy)": least(lambda: by_class(craig)(x)),
    "k-center (NumPy)": least(lambda: k_center(x)),
    "herding (NumPy)": least(lambda: herding(x)),
    "herding, by class (NumPy)": least(lambda: by_class(herding)(x)),
    "graph cut (NumPy)": least(lambda: graph_cut(x)),
}
try:
    from apricot import FacilityLocationSelection

    def select(x):
        size = min(SIZE, len(x) // 10)
        chosen = FacilityLocationSelection(size, metric="precomputed", optimizer="lazy")
        return chosen.fit(cosines(x).astype(float))

    # the first call compiles its functions.
    select(x[:200])
    found["facility location (apricot)"] = least(lambda: select(x), 1)
    found["facility location, by class (apricot)"] = least(lambda: by_class(select)(x), 1)
except ImportError:
    pass
try:
    import torch

    from coresets_torch import measure

    gradients = points(CLASSES)
    found |= measure(torch.from_numpy(x), torch.from_numpy(gradients), SIZE, CLASSES, least)
except ImportError:
    pass
print(json.dumps(found))
