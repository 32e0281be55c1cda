"""What the authors' implementations compute, with weights that anyone can make.

A manifest says of every tensor how it is filled: with a constant, or with 24-bit words of a Philox
stream that belongs to its name, as numbers in (-1, 1) ("uniform"), for "zerosum" less their mean in
each filter, so that activations stay centred. Inputs are blocks and noise, or one of some levels a
block. Manifests that the project may not carry are read beside it, where they are.
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent / "oracle"
BESIDE = Path(__file__).parents[3] / "shared" / "oracle"
WORDS = 1 << 24


def manifest(name):
    return json.loads(_path(f"{name}.json").read_text())


def outputs(name):
    """Return arrays by "case/out/field" and "case/mid/module", NCHW."""
    return np.load(_path(f"{name}.npz"))


def weights(name):
    """Return the tensors of a state dict, those that it holds twice last."""
    made = manifest(name)
    tensors = {entry[0]: tensor(made["seed"], *entry) for entry in made["params"]}
    assert _digest(tensors) == made["weights_sha256"]
    again = made.get("aliases", {}).items()
    return tensors | {alias: tensors[original] for alias, original in again}


def inputs(name, case=None):
    """Return what the network takes in a case or the first, in its order, channels last."""
    made = manifest(name)
    specs = made["inputs"][case or next(iter(made["inputs"]))]
    arrays = [_input(made["seed"], key, **spec) for key, spec in specs.items()]
    return [np.moveaxis(array, -3, -1) for array in arrays]


@cache
def _path(file):
    found = [folder / file for folder in (HERE, BESIDE) if (folder / file).exists()]
    if not found:
        pytest.skip(f"{file} is not here: ../shared/oracle is absent")
    return found[0]


def _words(seed, name, salt, count):
    text = f"matting-oracle/1\0{seed}\0{name}\0{salt}"
    key = np.frombuffer(sha256(text.encode()).digest(), "<u8", count=2)
    stream = np.random.Philox(key=key, counter=np.zeros(4, np.uint64))
    return (stream.random_raw(count) >> np.uint64(40)).astype(np.int64)


def tensor(seed, name, shape, dtype, fill, offset=0, scale=0, axis=0, salt=0):
    if fill == "const":
        return np.full(shape, offset, dtype)
    words = _words(seed, name, salt, int(np.prod(shape))).reshape(shape)
    if fill == "uniform":
        return (offset + scale * ((2 * words + 1 - WORDS) / WORDS)).astype(dtype)
    rest = tuple(a for a in range(words.ndim) if a != axis)
    count = words.size // shape[axis]
    centred = 2 * (count * words - words.sum(axis=rest, keepdims=True))
    return (scale * (centred / (count * WORDS))).astype(dtype)


def _input(seed, key, *, kind, shape, block=8, salt=0, name=None, affine=None, **values):
    name = "input:" + (name or key)
    *lead, height, width = shape
    rows, columns = (np.arange(side) // block for side in (height, width))
    coarse = rows[-1] + 1, columns[-1] + 1

    def blocks(words, *lead):
        return words.reshape(*lead, *coarse)[..., rows[:, None], columns]

    if kind == "const":
        return np.full(shape, values["value"], np.float32)
    if kind == "image":
        count = int(np.prod([*lead, *coarse]))
        words = _words(seed, name, salt, count + int(np.prod(shape)))
        both = blocks(words[:count], *lead) + words[count:].reshape(shape) + 1
        low, high = values["lo"], values["hi"]
        array = (low + (high - low) * (both / (2 * WORDS))).astype(np.float32)
    else:
        words = blocks(_words(seed, name, salt, shape[0] * coarse[0] * coarse[1]), shape[0], 1)
        if kind == "levels":
            array = np.float32(values["values"])[words % len(values["values"])]
        else:  # one-hot
            array = np.float32(words % shape[1] == np.arange(shape[1])[:, None, None])
    if affine:
        mul, add = (np.float32(affine[part])[:, None, None] for part in ("mul", "add"))
        array = array * mul + add
    return array


def _digest(tensors):
    seen = sha256()
    for name, array in tensors.items():
        seen.update(f"{name}{list(array.shape)}{array.dtype.str}".encode())
        seen.update(np.ascontiguousarray(array).tobytes())
    return seen.hexdigest()
