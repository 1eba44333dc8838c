"""Samples per second of PyTorch in training and inference, as a JSON list.

Usage: torch_training.py MODEL BATCH THREADS. Same networks and sizes as `training.rs`; eager mode,
SGD with momentum, batches that are already in memory.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SECONDS = 1.5


class YearbookNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(1 if i == 0 else 32, 32, 3, padding=1) for i in range(4))
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        for conv in self.conv:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.head(x.mean((2, 3)))


def mlp():
    return nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def rate(step, batches, batch):
    """Samples per second of `step`, after a warm-up."""
    for x, y in batches * 2:
        step(x, y)
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        for x, y in batches:
            step(x, y)
        steps += len(batches)
    return steps * batch / (time.perf_counter() - started)


def main(name, batch, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(7)
    model, shape, classes = (mlp(), (64,), 10) if name == "mlp" else (YearbookNet(), (1, 32, 32), 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    labels = torch.arange(batch) * 7 % classes
    batches = [(torch.rand(batch, *shape) - 0.5, labels) for _ in range(8)]

    def train(x, y):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    def infer(x, _):
        with torch.inference_mode():
            model(x).softmax(1)

    print(json.dumps([rate(train, batches, batch), rate(infer, batches, batch)]))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
