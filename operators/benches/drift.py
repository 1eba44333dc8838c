"""The measurements of drift.rs with NumPy and SciPy: seconds of the fastest of seven rounds, as JSON.

    pip install numpy scipy

Permutations permute rows and columns of the kernel matrix, as in drift libraries, or (products) use
products with the kernel matrix, as in drift.rs.
"""

import json

import numpy
import timing
from scipy import stats

ROUNDS = 7
random = numpy.random.default_rng(0)


def points(rows, cols):
    return random.random((4, rows, cols), dtype=numpy.float32).sum(axis=0)


def squares(a, b):
    d = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * a @ b.T
    return numpy.maximum(d, 0, out=d)


def median(x):
    d = squares(x, x)[numpy.triu_indices(len(x), 1)]
    return numpy.partition(d, (len(d) - 1) // 2)[(len(d) - 1) // 2]


def of_kernels(k, n):
    m = len(k) - n
    within = lambda k, n: (k.sum() - numpy.trace(k)) / (n * (n - 1))
    return within(k[:n, :n], n) + within(k[n:, n:], m) - 2 * k[:n, n:].mean()


def kernels(x, y):
    both = numpy.vstack([x, y])
    return numpy.exp(squares(both, both) / -median(x))


def mmd(x, y):
    return of_kernels(kernels(x, y), len(x))


def mmd_permutations(x, y, count=100):
    k = kernels(x, y)
    value = of_kernels(k, len(x))
    orders = (random.permutation(len(k)) for _ in range(count))
    return (1 + sum(of_kernels(k[numpy.ix_(o, o)], len(x)) >= value for o in orders)) / (count + 1)


def mmd_products(x, y, count=100):
    k = kernels(x, y)
    n, m = len(x), len(y)
    numpy.fill_diagonal(k, 0)
    z = numpy.zeros((n + m, count + 1), dtype=k.dtype)
    z[:n, 0] = 1
    for column in range(1, count + 1):
        z[random.permutation(n + m)[:n], column] = 1
    within = (z * (k @ z)).sum(axis=0)
    ends = k.sum(axis=1) @ z
    second = k.sum() - 2 * ends + within
    found = within / (n * (n - 1)) + second / (m * (m - 1)) - 2 * (ends - within) / (n * m)
    return (1 + (found[1:] >= found[0]).sum()) / (count + 1)


def least(call):
    return timing.least(call, ROUNDS)


x, y = points(1000, 512), points(1000, 512)
a, b = points(100_000, 1).ravel(), points(100_000, 1).ravel()
print(
    json.dumps(
        {
            "mmd 1000 × 512": least(lambda: mmd(x, y)),
            "mmd 1000 × 512, 100 permutations": least(lambda: mmd_permutations(x, y)),
            "mmd 1000 × 512, 100 permutations (products)": least(lambda: mmd_products(x, y)),
            "ks 100,000": least(lambda: stats.ks_2samp(a, b)),
        }
    )
)
