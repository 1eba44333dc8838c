"""The lazy greedy algorithm for facility location, for NumPy and for PyTorch."""

import heapq


def lazy_greedy(gains, gain, add, size):
    """Chooses `size` samples. `gains` are those for the empty set, `gain` returns the current gain of a
    sample, and `add` adds a sample to the set."""
    heap = [(-first, x, 0) for x, first in enumerate(gains)]
    heapq.heapify(heap)
    chosen = []
    while len(chosen) < size:
        _, x, after = heapq.heappop(heap)
        if after < len(chosen):
            heapq.heappush(heap, (-gain(x), x, len(chosen)))
            continue
        chosen.append(x)
        add(x)
    return chosen
