"""Noise to fill layers with, and convolutions by their definitions."""

import jax.numpy as jnp
import numpy as np
from flax import nnx


def noise(*shape, seed=83):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def filled(layer, seed=29):
    """Set every array of a layer to noise, in evaluation mode."""
    for at, (_, variable) in enumerate(nnx.iter_graph(layer)):
        if isinstance(variable, nnx.Variable):
            variable[...] = noise(*variable.shape, seed=seed + at)
    layer.eval()
    return layer


def convolution(x, kernel, stride, padding, dilation, groups):
    """Sum over each window, one output at a time."""
    (B, H, W, _), (h, w, part, F) = x.shape, kernel.shape
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows = (H + 2 * padding - dilation * (h - 1) - 1) // stride + 1
    columns = (W + 2 * padding - dilation * (w - 1) - 1) // stride + 1
    out = np.zeros((B, rows, columns, F))
    for i, j, f in np.ndindex(rows, columns, F):
        group = f // (F // groups)
        window = x[
            :,
            i * stride : i * stride + dilation * (h - 1) + 1 : dilation,
            j * stride : j * stride + dilation * (w - 1) + 1 : dilation,
            group * part : (group + 1) * part,
        ]
        out[:, i, j, f] = (window * kernel[..., f]).sum(axis=(1, 2, 3))
    return out


def spread(x, kernel):
    """Let every input paint its kernel, of stride 2, and cut a border of 1 off."""
    B, H, W, _ = x.shape
    out = np.zeros((B, 2 * H + 2, 2 * W + 2, kernel.shape[3]))
    for i, j in np.ndindex(H, W):
        out[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum(
            "bc,hwcf->bhwf", x[:, i, j], kernel
        )
    return out[:, 1:-1, 1:-1]
