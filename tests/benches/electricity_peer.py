"""The electricity job, written by hand. Prints its results as a JSON object.

Usage: electricity_peer.py BROKERS TOPIC drift|amount. Reads all rows of the topic's only partition,
scores each before it is trained on, and trains an MLP 5-64-64-2 for 5 epochs of batches of 64 on
the newest 2,000 rows: every 2,000 rows, or when the MMD² between the newest 500 rows and the
reference, computed every 250 rows, is above 0.05.
"""

import json
import sys
import time

import numpy as np
import torch
from confluent_kafka import Consumer, TopicPartition
from torch import nn
from torch.nn import functional as F

FEATURES = ["period", "nswdemand", "vicprice", "vicdemand", "transfer"]
WINDOW, CURRENT, EVERY = 2000, 500, 250
THRESHOLD = 0.05


def squared_distances(a, b):
    return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T, 0)


class Mmd:
    """Unbiased MMD² with the median heuristic; values that depend only on the reference are cached."""

    def __init__(self, reference):
        self.reference = reference
        distances = squared_distances(reference, reference)
        self.gamma = 1 / np.median(distances[np.triu_indices(len(reference), 1)])
        self.within = self.mean(distances)

    def mean(self, distances):
        n = len(distances)
        return (np.exp(-self.gamma * distances).sum() - n) / (n * (n - 1))

    def distance(self, current):
        between = np.exp(-self.gamma * squared_distances(self.reference, current)).mean()
        return self.within + self.mean(squared_distances(current, current)) - 2 * between


def train(x, y):
    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(5):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model


def main():
    brokers, topic, case = sys.argv[1:]
    torch.manual_seed(1)
    started = time.perf_counter()
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "peer", "auto.offset.reset": "earliest"})
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0))
    consumer.assign([TopicPartition(topic, 0, 0)])
    rows, labels = np.empty((end, 5), np.float32), np.empty(end, np.int64)
    seen = scored = correct = trainings = 0
    model = mmd = None

    def score(until):
        nonlocal scored, correct
        if model is not None and until > scored:
            with torch.no_grad():
                predicted = model(torch.from_numpy(rows[scored:until])).argmax(1).numpy()
            correct += int((predicted == labels[scored:until]).sum())
        scored = until

    first = None
    while seen < end:
        for message in consumer.consume(EVERY, 1.0):
            row = json.loads(message.value())
            rows[seen] = [row[name] for name in FEATURES]
            labels[seen] = row["class"]
            seen += 1
            if case == "amount":
                due = seen % WINDOW == 0
            elif model is None:
                due = seen == WINDOW
            else:
                due = seen % EVERY == 0 and mmd.distance(rows[seen - CURRENT : seen]) > THRESHOLD
            if due:
                score(seen)
                first = first or seen
                newest = slice(seen - WINDOW, seen)
                model = train(rows[newest], labels[newest])
                mmd = Mmd(rows[newest].copy())
                trainings += 1
    score(seen)
    seconds = time.perf_counter() - started
    accuracy = correct / (seen - first)
    print(json.dumps({"rows_per_second": seen / seconds, "trainings": trainings, "accuracy": accuracy}))


main()
