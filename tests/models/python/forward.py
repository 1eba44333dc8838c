"""Computes probabilities from a model version with numpy and compares them with the expected ones.

Usage: forward.py FOLDER, which holds `model.safetensors`, `version.json` (model table, schema, input
scale) and `cases.json` (inputs, probabilities, predicted classes).
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def dense(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def relu(x):
    return np.maximum(x, 0)


def conv_block(x, weights, name):
    """3×3 convolution with zeros around the image, relu, maximum of each 2×2 square."""
    n, _, h, w = x.shape
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((n, len(bias), h, w), np.float32) + bias[None, :, None, None]
    for dy in range(3):
        for dx in range(3):
            seen = padded[:, :, dy : dy + h, dx : dx + w]
            y += np.einsum("nchw,oc->nohw", seen, kernel[:, :, dy, dx])
    return relu(y).reshape(n, -1, h // 2, 2, w // 2, 2).max((3, 5))


def mlp(x, weights, model):
    last = len(model["hidden"])
    for layer in range(last):
        x = relu(dense(x, weights, f"layers.{layer}"))
    return dense(x, weights, f"layers.{last}")


def yearbook_net(x, weights, model, shape):
    x = x.reshape(-1, *shape)
    for block in range(len(model["channels"])):
        x = conv_block(x, weights, f"conv.{block}")
    if "hidden" in model:
        x = relu(dense(x.reshape(len(x), -1), weights, "hidden"))
    else:
        x = x.mean((2, 3))
    return dense(x, weights, "head")


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def main(folder):
    version = json.loads((folder / "version.json").read_text())
    cases = json.loads((folder / "cases.json").read_text())
    weights = load_file(folder / "model.safetensors")
    x = np.array(cases["inputs"], np.float32)
    x = x * np.float32(version["input"]["scale"]) + np.float32(version["input"]["shift"])
    [(kind, model)] = version["model"].items()
    if kind == "mlp":
        scores = mlp(x, weights, model)
    else:
        scores = yearbook_net(x, weights, model, version["schema"]["shape"])
    worst = np.abs(softmax(scores) - np.array(cases["probabilities"])).max()
    print(f"{kind}: largest difference {worst:.1e}")
    assert worst < 1e-4
    assert (scores.argmax(1) == cases["predicted"]).all()


main(Path(sys.argv[1]))
