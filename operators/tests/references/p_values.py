"""P-values as SciPy computes them, for tests/laws/references.rs.

    pip install numpy==2.* scipy==1.*
    python p_values.py > p_values.json

The samples are those of distances.py.
"""

import numpy
import scipy
from distances import sample
from output import write
from scipy import stats


def table(x, y):
    """Counts of each value in both samples."""
    values = sorted(set(x) | set(y))
    return numpy.array([[(s == v).sum() for v in values] for s in (x, y)])


def p_values(x, y, categories):
    exact = len(x) * len(y) <= 10_000
    found = {
        "ks": stats.ks_2samp(x, y, method="exact" if exact else "asymp").pvalue,
    }
    if not categories:
        # SciPy defines the statistic of ties differently.
        found["cramer_von_mises"] = stats.cramervonmises_2samp(x, y, method="asymptotic").pvalue
    if categories:
        counts = table(x, y)
        found["chi_squared"] = stats.chi2_contingency(counts, correction=False).pvalue
        lowest = numpy.column_stack([counts[:, 0], counts[:, 1:].sum(axis=1)])
        found["fisher"] = stats.fisher_exact(lowest).pvalue
    return found


CASES = [
    # seed, count, scale, shift, steps: of the reference, of the current sample
    ((1, 90, 1.0, 0.0, 0), (2, 80, 1.0, 0.0, 0)),
    ((3, 100, 2.0, -1.0, 0), (4, 100, 2.5, -0.9, 0)),
    ((5, 30, 10.0, 5.0, 0), (6, 25, 12.0, 4.0, 0)),
    ((7, 60, 4.0, 0.0, 1), (8, 50, 4.0, 0.0, 1)),
    ((9, 40, 3.0, 0.0, 1), (10, 70, 3.4, 0.3, 1)),
    ((11, 50, 2.0, 0.0, 1), (12, 60, 2.0, 0.0, 1)),
    ((13, 45, 2.0, 0.0, 1), (14, 80, 2.6, 0.1, 1)),
    ((15, 400, 8.0, 0.0, 4), (16, 300, 8.5, 0.0, 4)),
    ((17, 500, 1.0, 0.0, 0), (18, 700, 1.05, 0.0, 0)),
    ((19, 2000, 1.0, 0.0, 0), (20, 1500, 1.0, 0.02, 0)),
    ((21, 10, 1.0, 0.0, 0), (22, 12, 1.0, 3.0, 0)),
]

cases = [
    {"reference": x, "current": y, "p_values": p_values(sample(*x), sample(*y), x[4] > 0)}
    for x, y in CASES
]
write(cases, numpy, scipy)
