"""Normalisation by batch and by picture, with PyTorch's constants."""

from __future__ import annotations

from flax import nnx


def batch_norm(features: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Return a batch normalisation with PyTorch's constants: its momentum of 0.1 is Flax's 0.9.

    `scale` is the scale at the start of training. At 0 a residual branch starts as the identity.
    """
    start = nnx.initializers.constant(scale)
    return nnx.BatchNorm(features, momentum=0.9, epsilon=1e-5, scale_init=start, rngs=rngs)


def instance_norm(features: int, *, affine: bool, rngs: nnx.Rngs) -> nnx.InstanceNorm:
    """Return a normalisation of each picture by itself, with PyTorch's constant."""
    return nnx.InstanceNorm(
        features,
        epsilon=1e-5,
        use_scale=affine,
        use_bias=affine,
        use_fast_variance=False,
        rngs=rngs,
    )
