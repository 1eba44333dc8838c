"""Distances as SciPy computes them, for tests/laws/references.rs.

    pip install numpy==2.* scipy==1.*
    python distances.py > distances.json

The samples are made by the generator below, which the tests have too.
"""

import math

import numpy
import scipy
from output import write
from scipy import stats
from scipy.spatial import distance


def sample(seed, count, scale, shift, steps):
    """Numbers between shift and shift + scale, with a bend; rounded to `steps` values if not 0."""
    state, values = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        u = (state >> 8) / 2**23
        value = u * u * scale + shift
        values.append(numpy.float32(math.floor(value * steps) / steps if steps else value))
    return numpy.array(values, dtype=numpy.float64)


def bins(x, y):
    """Shares of both samples, as documented: each value of few, else Sturges' rule over both."""
    if len(set(x)) <= 20:
        values = sorted(set(x) | set(y))
        return [numpy.array([(s == v).mean() for v in values]) for s in (x, y)]
    both = numpy.concatenate([x, y])
    count = math.ceil(1 + math.log2(len(both)))
    edges = numpy.histogram_bin_edges(both, bins=count)
    return [numpy.histogram(s, bins=edges)[0] / len(s) for s in (x, y)]


def filled(p):
    """As Evidently 0.4 fills empty bins."""
    least = p[p > 0].min()
    return numpy.where(p > 0, p, least / 1e6 if least <= 1e-4 else 1e-4)


def cramer_von_mises(x, y):
    """SciPy's where no two values are equal; else along an even mixture of those that are."""
    both = numpy.concatenate([x, y])
    values, counts = numpy.unique(both, return_counts=True)
    if counts.max() == 1:
        return stats.cramervonmises_2samp(x, y, method="asymptotic").statistic
    n, m, before, total = len(x), len(y), 0.0, 0.0
    for value, count in zip(values, counts):
        after = (x <= value).mean() - (y <= value).mean()
        path = before + (after - before) * numpy.arange(1, count + 1) / count
        total += (path**2).sum()
        before = after
    return n * m / (n + m) ** 2 * total


def distances(x, y):
    p, q = bins(x, y)
    fp, fq = filled(p), filled(q)
    return {
        "ks": stats.ks_2samp(x, y).statistic,
        "cramer_von_mises": cramer_von_mises(x, y),
        "wasserstein": stats.wasserstein_distance(x, y) / x.std(),
        "energy": stats.energy_distance(x, y),
        "hellinger": math.sqrt(max(0, 1 - numpy.sqrt(p * q).sum())),
        "jensen_shannon": distance.jensenshannon(p, q),
        "total_variation": abs(p - q).sum() / 2,
        "psi": ((fp - fq) * numpy.log(fp / fq)).sum(),
        "kullback_leibler": stats.entropy(fp, fq),
    }


CASES = [
    # seed, count, scale, shift, steps: of the reference, of the current sample
    ((1, 500, 1.0, 0.0, 0), (2, 500, 1.0, 0.0, 0)),
    ((3, 400, 2.0, -1.0, 0), (4, 300, 2.5, -0.9, 0)),
    ((5, 1000, 10.0, 5.0, 0), (6, 37, 3.0, 0.0, 0)),
    ((7, 200, 4.0, 0.0, 2), (8, 250, 5.0, 0.0, 2)),
    ((9, 600, 8.0, 0.0, 8), (10, 500, 8.0, 0.5, 8)),
    ((11, 2, 1.0, 0.0, 0), (12, 3, 1.0, 0.0, 0)),
]

if __name__ == "__main__":
    cases = [
        {"reference": x, "current": y, "distances": distances(sample(*x), sample(*y))} for x, y in CASES
    ]
    write(cases, numpy, scipy)
