"""Choices of NumPy, SciPy, scikit-learn and apricot, for tests/laws/coresets.rs.

    pip install numpy==2.* scipy==1.* scikit-learn==1.* apricot-select==0.6.*
    python coresets.py > coresets.json

Facility location is that of apricot. Graph cut, determinants, centres and matching follow the papers,
in 64 bits. Values are those of distances.py minus 0.4, row by row.
"""

from importlib.metadata import version

import apricot
import numpy
import scipy
import sklearn
from distances import sample
from output import write
from scipy.optimize import nnls
from sklearn.linear_model import orthogonal_mp


def rows(seed, count, cols):
    values = numpy.asarray(sample(seed, count * cols, 1.0, -0.4, 0.0), dtype=numpy.float32)
    return values.reshape(count, cols).astype(float)


def cosines(x):
    unit = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    found = 0.5 + 0.5 * unit @ unit.T
    # exactly, so that ties are ties.
    numpy.fill_diagonal(found, 1.0)
    return found


def distances(x):
    return numpy.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2))


def facility_location(s, size):
    chosen = apricot.FacilityLocationSelection(size, metric="precomputed", optimizer="naive").fit(s)
    return chosen.ranking.tolist()


def graph_cut(s, size, weight):
    chosen = []
    value = lambda a: weight * s[:, a].sum() - s[numpy.ix_(a, a)].sum()
    for _ in range(size):
        gains = [(-numpy.inf if x in chosen else value(chosen + [x])) for x in range(len(s))]
        chosen.append(int(numpy.argmax(gains)))
    return chosen


def log_determinant(s, size, delta):
    chosen = []
    value = lambda a: numpy.linalg.slogdet(s[numpy.ix_(a, a)] + delta * numpy.eye(len(a)))[1]
    for _ in range(size):
        gains = [(-numpy.inf if x in chosen else value(chosen + [x])) for x in range(len(s))]
        chosen.append(int(numpy.argmax(gains)))
    return chosen


def k_center(x, size):
    d = distances(x)
    chosen = [int(numpy.argmin(((x - x.mean(axis=0)) ** 2).sum(axis=1)))]
    while len(chosen) < size:
        chosen.append(int(numpy.argmax(d[:, chosen].min(axis=1))))
    return chosen


def matched(x, columns, ridge):
    """Non-negative weights of some columns, times the number of rows."""
    a = numpy.vstack([x[columns].T, numpy.sqrt(ridge) * numpy.eye(len(columns))])
    b = numpy.concatenate([x.mean(axis=0), numpy.zeros(len(columns))])
    return nnls(a, b)[0] * len(x)


def grad_match(x, size, ridge):
    """Bruckstein et al. 2008: a chosen sample stays, possibly with weight 0."""
    b, chosen, weights = x.mean(axis=0), [], numpy.zeros(0)
    while len(chosen) < size:
        along = x @ (b - weights @ x[chosen] / len(x))
        along[chosen] = -numpy.inf
        if along.max() <= 1e-12:
            break
        chosen.append(int(numpy.argmax(along)))
        weights = matched(x, chosen, ridge)
    return [[c, w] for c, w in zip(chosen, weights.tolist())]


def pursuit(x, size):
    """scikit-learn's, without a ridge: the same as long as every sign is positive."""
    found = orthogonal_mp(x.T, x.mean(axis=0), n_nonzero_coefs=size) * len(x)
    return [[int(i), float(found[i])] for i in numpy.nonzero(found)[0]]


def case(seed, count, cols, size):
    x = rows(seed, count, cols)
    factors = rows(seed + 1, count, 3)
    outer = (x[:, :, None] * factors[:, None, :]).reshape(count, -1)
    d = distances(x)
    craig = facility_location(d.max() - d, size)
    nearest = d[:, craig].argmin(axis=1)
    whole = matched(x, list(range(count)), 1.0)
    return {
        "seed": seed,
        "count": count,
        "cols": cols,
        "size": size,
        "facility_location": facility_location(cosines(x), size),
        "facility_location_outer": facility_location(cosines(outer), size),
        "craig": craig,
        "craig_weights": numpy.bincount(nearest, minlength=size).tolist(),
        "graph_cut": graph_cut(cosines(x), size, 1.0),
        "log_determinant": log_determinant(cosines(x), size, 1e-3),
        "k_center": k_center(x, size),
        "grad_match": grad_match(x, size, 1.0),
        "grad_match_outer": grad_match(outer, size, 1.0),
        "pursuit": pursuit(x, 3),
        "whole": [[int(i), float(whole[i])] for i in numpy.nonzero(whole)[0]],
    }


if __name__ == "__main__":
    inputs = [(1, 40, 4, 6), (11, 150, 10, 20), (21, 97, 33, 12), (31, 300, 16, 30)]
    write([case(*one) for one in inputs], numpy, scipy, sklearn, apricot=version("apricot-select"))
