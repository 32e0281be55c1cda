"""Normalisation by batch, picture and group of features, with PyTorch's and Paddle's constants."""

from __future__ import annotations

from math import prod

import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float


class BatchNorm(nnx.BatchNorm):
    """Flax's, with the running variance of PyTorch or Paddle, and the type of its input.

    PyTorch divides the running variance by n - 1, Paddle (not `unbiased`) by n. Flax subtracts
    squares, which loses digits where means are large.
    """

    scale: nnx.Param[Array]
    bias: nnx.Param[Array]
    unbiased = True

    def __call__(
        self,
        x: Float[Array, "*B C"],
        use_running_average: bool | None = None,
        *,
        mask: Bool[Array, ...] | None = None,
    ) -> Float[Array, "*B C"]:
        """Normalise `x`. In training only elements where `mask` is true count."""
        if self.use_running_average if use_running_average is None else use_running_average:
            return super().__call__(x, True).astype(x.dtype)
        mean, var = self._learn(x.astype(jnp.promote_types(x.dtype, jnp.float32)), mask)
        y = (x - mean) * (lax.rsqrt(var + self.epsilon) * self.scale[...]) + self.bias[...]
        return y.astype(x.dtype)

    def _learn(self, x: Array, mask: Array | None) -> tuple[Array, Array]:
        """Return the batch's mean and variance, and move the running ones towards them."""
        axes, count = tuple(range(x.ndim - 1)), prod(x.shape[:-1])
        mean = x.mean(axes, where=mask)
        var = jnp.square(x - mean).mean(axes, where=mask)
        if mask is not None:
            count = mask.sum() * (count / mask.size)
        spread = var * (count / jnp.maximum(count - 1, 1)) if self.unbiased else var
        for running, now in (self.mean, mean), (self.var, spread):
            moved = self.momentum * running[...] + (1 - self.momentum) * lax.stop_gradient(now)
            running.set_value(moved.astype(running.dtype))  # `running[...] =` takes long to trace
        return mean, var


def batch_norm(features: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> BatchNorm:
    """Return a batch normalisation with PyTorch's constants: its momentum of 0.1 is 0.9 here.

    `scale` is the scale at the start of training. At 0 a residual branch starts as the identity.
    """
    start = nnx.initializers.constant(scale)
    return BatchNorm(features, momentum=0.9, epsilon=1e-5, scale_init=start, rngs=rngs)


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


class GroupNorm(nnx.GroupNorm):
    """Flax's, by the statistics of each feature, and with the type of its input.

    On a CPU that is up to four times as fast as to compute those of each group at once.
    """

    scale: nnx.Param[Array]
    bias: nnx.Param[Array]

    def __call__(self, x: Float[Array, "B H W C"], *, mask: None = None) -> Float[Array, "B H W C"]:
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        means = wide.mean((1, 2), keepdims=True)
        mean = self._over_groups(means)
        var = jnp.square(wide - means).mean((1, 2), keepdims=True) + jnp.square(means - mean)
        factor = lax.rsqrt(self._over_groups(var) + self.epsilon) * self.scale[...]
        return ((wide - mean) * factor + self.bias[...]).astype(x.dtype)

    def _over_groups(self, x: Float[Array, "B 1 1 C"]) -> Float[Array, "B 1 1 C"]:
        """Average over the features of each group."""
        groups = x.reshape(*x.shape[:3], self.num_groups, self.group_size)
        return groups.mean(-1, keepdims=True).repeat(self.group_size, -1).reshape(x.shape)


def group_norm(features: int, *, rngs: nnx.Rngs) -> GroupNorm:
    """Return a normalisation of 32 groups of features, with PyTorch's constant."""
    return GroupNorm(features, num_groups=32, epsilon=1e-5, rngs=rngs)
