"""Herding with NumPy, for tests/laws/herding.rs.

    pip install numpy==2.* scipy==1.*
    python herding.py > herding.json

Follows Rebuffi et al. (2017), algorithm 4, in 64 bits, without choosing a sample twice. Values are
those of distances.py minus 0.4, row by row. Labels are row numbers modulo 3, except that every seventh
is 0.
"""

import numpy
from distances import sample
from output import write


def herding(x, size):
    lengths = numpy.linalg.norm(x, axis=1, keepdims=True)
    x = numpy.divide(x, lengths, out=numpy.zeros_like(x), where=lengths > 0)
    mean, chosen = x.mean(axis=0), []
    for k in range(1, min(size, len(x)) + 1):
        means = (x + x[chosen].sum(axis=0)) / k
        apart = numpy.linalg.norm(mean - means, axis=1)
        apart[chosen] = numpy.inf
        chosen.append(int(numpy.argmin(apart)))
    return chosen


def case(seed, count, cols, size):
    values = numpy.asarray(sample(seed, count * cols, 1.0, -0.4, 0.0), dtype=numpy.float32)
    x = values.reshape(count, cols).astype(float)
    labels = numpy.asarray([0 if row % 7 == 0 else row % 3 for row in range(count)])
    classes = [numpy.flatnonzero(labels == label) for label in range(3)]
    each = [rows[herding(x[rows], size)].tolist() for rows in classes]
    return {
        "seed": seed,
        "count": count,
        "cols": cols,
        "size": size,
        "herding": herding(x, size),
        "by_class": each,
    }


if __name__ == "__main__":
    inputs = [(1, 40, 4, 6), (11, 150, 10, 20), (21, 97, 33, 12), (31, 300, 16, 30), (41, 600, 3, 100)]
    write([case(*one) for one in inputs], numpy)
