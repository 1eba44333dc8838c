"""The choices of coresets.py with PyTorch, on the CPU."""

import torch
from lazy_greedy import lazy_greedy


def lazily(s, size):
    covered = torch.zeros(len(s))
    gain = lambda x: (s[x] - covered).clamp_(min=0).sum().item()
    add = lambda x: torch.maximum(covered, s[x], out=covered)
    return lazy_greedy(s.sum(dim=1).tolist(), gain, add, size)


def facility_location(x, size):
    unit = torch.nn.functional.normalize(x)
    return lazily((unit @ unit.T).mul_(0.5).add_(0.5), size)


def craig(x, size):
    d = torch.cdist(x, x)
    s = d.max() - d
    chosen = lazily(s, size)
    return torch.bincount(s[:, chosen].argmax(dim=1))


def k_center(x, size):
    nearest = torch.full((len(x),), torch.inf)
    norms = (x * x).sum(dim=1)
    place = 0
    for _ in range(size):
        torch.minimum(nearest, norms + norms[place] - 2 * (x @ x[place]), out=nearest)
        place = nearest.argmax().item()
    return place


def graph_cut(x, size):
    unit = torch.nn.functional.normalize(x)
    gains = 0.5 * len(x) + 0.5 * (unit @ unit.sum(dim=0))
    for _ in range(size):
        place = gains.argmax().item()
        gains -= 1 + unit @ unit[place]
        gains[place] = -torch.inf


def herding(x, size):
    unit = torch.nn.functional.normalize(x)
    mean = unit.mean(dim=0)
    missing, taken = mean.clone(), torch.zeros(len(x), dtype=torch.bool)
    for _ in range(size):
        gains = (unit @ missing).masked_fill_(taken, -torch.inf)
        place = gains.argmax().item()
        taken[place] = True
        missing += mean - unit[place]


def grad_match(a, size, ridge=1.0, tolerance=1e-4):
    mean = a.mean(dim=0)
    left, with_mean, chosen = mean, a @ mean, []
    # the Cholesky factor of the products of the chosen samples plus the ridge. It grows by a row in each
    # step, and its columns are contiguous, as solvers need them.
    factor = torch.zeros(size, size).T
    while len(chosen) < size and left.norm() > tolerance * mean.norm():
        along = a @ left
        along[chosen] = -torch.inf
        best, k = along.argmax().item(), len(chosen)
        own = a[best] @ a[best] + ridge
        if k > 0:
            products = (a[chosen] @ a[best])[:, None]
            row = torch.linalg.solve_triangular(factor[:k, :k], products, upper=False)[:, 0]
            factor[k, :k] = row
            own -= row @ row
        factor[k, k] = own.sqrt()
        chosen.append(best)
        wanted = with_mean[chosen][:, None]
        weights = torch.cholesky_solve(wanted, factor[: k + 1, : k + 1])[:, 0]
        left = mean - weights @ a[chosen]
    return chosen, weights.clamp(min=0)


def measure(x, gradients, size, classes, least):
    def by_class(choose, *tensors):
        for c in range(classes):
            choose(*(tensor[c::classes] for tensor in tensors), size // classes)

    def outer(g, e, size):
        return grad_match((g[:, :, None] * e[:, None, :]).flatten(1), size)

    found = {
        "facility location": least(lambda: facility_location(x, size), 1),
        "facility location, by class": least(lambda: by_class(facility_location, x)),
        "craig": least(lambda: craig(x, size), 1),
        "craig, by class": least(lambda: by_class(craig, x)),
        "k-center": least(lambda: k_center(x, size)),
        "herding": least(lambda: herding(x, size)),
        "herding, by class": least(lambda: by_class(herding, x)),
        "graph cut": least(lambda: graph_cut(x, size)),
        "grad-match, 10 columns": least(lambda: grad_match(gradients, size), 1),
        "grad-match, outer products, by class": least(lambda: by_class(outer, gradients, x), 1),
        "loss": least(lambda: gradients[:, 0].abs().topk(size)),
        "rs2": least(lambda: torch.randperm(len(x))[:size]),
    }
    return {f"{what} (PyTorch)": seconds for what, seconds in found.items()}
