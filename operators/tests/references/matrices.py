"""Distances of matrices, models and components with NumPy and scikit-learn, for
tests/laws/references.rs.

    pip install numpy==2.* scipy==1.* scikit-learn==1.*
    python matrices.py > matrices.json

MMD and LSDD follow the papers, in 64 bits. Values are those of distances.py, row by row.
"""

import numpy
import scipy
import sklearn
from distances import sample
from output import write
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


def squares(a, b):
    return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)


def lower_median(values):
    values = numpy.sort(values)
    return values[(len(values) - 1) // 2]


def mmd(x, y):
    """Gretton et al. 2012, lemma 6."""
    n, m = len(x), len(y)
    two_sigma2 = lower_median(squares(x, x)[numpy.triu_indices(n, 1)])
    k = lambda a, b: numpy.exp(-squares(a, b) / two_sigma2)
    within = lambda a: (k(a, a).sum() - len(a)) / (len(a) * (len(a) - 1))
    return within(x) + within(y) - 2 * k(x, y).mean()


def linear_mmd(x, y):
    """Gretton et al. 2012, lemma 14, and the p-value of its normal limit."""
    pairs = len(x) // 2
    two_sigma2 = lower_median(((x[0 : 2 * pairs : 2] - x[1 : 2 * pairs : 2]) ** 2).sum(axis=1))
    pairs = min(len(x), len(y)) // 2
    k = lambda a, b: numpy.exp(-((a - b) ** 2).sum(axis=1) / two_sigma2)
    x1, x2, y1, y2 = (s[i : 2 * pairs : 2] for s in (x, y) for i in (0, 1))
    h = k(x1, x2) + k(y1, y2) - k(x1, y2) - k(x2, y1)
    z = h.mean() / (h.std(ddof=1) / numpy.sqrt(pairs))
    return h.mean(), scipy.stats.norm.sf(z)


def lsdd(x, y):
    """Sugiyama et al. 2013, with the regularization of Bu et al. 2016."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x, y = (x - mean) / deviation, (y - mean) / deviation
    two_sigma2 = lower_median(squares(x, x)[numpy.triu_indices(len(x), 1)])
    count = min(max(len(x) // 20, 20), len(x))
    rows = x[numpy.lexsort(x.T[::-1])]
    centres = rows[((numpy.arange(count) + 0.5) * len(rows) / count).astype(int)]
    k = lambda a: numpy.exp(-squares(centres, a) / two_sigma2)
    h = k(x).mean(axis=1) - k(y).mean(axis=1)
    overlaps = numpy.exp(-squares(centres, centres) / (2 * two_sigma2))
    for power in range(10):
        theta = numpy.linalg.solve(overlaps + 0.25**power * numpy.eye(count), h)
        linear, square = h @ theta, theta @ overlaps @ theta
        if 1 - square / linear < 0.2:
            break
    return 2 * linear - square


def case(reference, current, cols):
    x, y = (sample(*s).reshape(-1, cols) for s in (reference, current))
    both = numpy.vstack([x, y])
    kind = numpy.repeat([0, 1], [len(x), len(y)])
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(both, kind)
    scores = model.decision_function(both)
    linear = linear_mmd(x, y)
    return {
        "cols": cols,
        "reference": reference,
        "current": current,
        "mmd": mmd(x, y),
        "linear_mmd": linear[0],
        "linear_mmd_p": linear[1],
        "lsdd": lsdd(x, y),
        "weights": model.coef_[0].tolist(),
        "intercept": model.intercept_[0],
        "auc": roc_auc_score(kind, numpy.round(scores, 9)),
        # the sign of a component is arbitrary.
        "components": abs(PCA(2).fit(x).transform(y[:5])).ravel().tolist(),
    }


CASES = [
    # seed, count, scale, shift, steps: of the reference, of the current sample; columns
    ((1, 600, 1.0, 0.0, 0), (2, 450, 1.0, 0.1, 0), 3),
    ((3, 800, 2.0, -1.0, 0), (4, 400, 1.5, -0.9, 0), 4),
    ((5, 2000, 3.0, 0.0, 8), (6, 2000, 3.5, 0.0, 8), 5),
]
write([case(*c) for c in CASES], numpy, scipy, sklearn)
