"""U²-Net, which finds the salient object, and IS-Net, which finds it in finer detail.

Qin, Zhang, Huang, Dehghan, Zaiane & Jagersand, "U²-Net: Going Deeper with Nested U-Structure for
Salient Object Detection", Pattern Recognition 2020: a U of stages, each of which is a small U
itself. Qin, Dai, Hu, Fan, Shao & Van Gool, "Highly Accurate Dichotomous Image Segmentation",
ECCV 2022: IS-Net is the same at half of the picture's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import Conv, batch_norm, concatenate, max_pool_all, resize

DEPTHS = 7, 6, 5, 4, 4, 4  # of the stages' own Us, finest first
FLAT = 5, 6  # stages whose maps are too small to shrink: they dilate instead
Widths = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class U2NetConfig:
    encoder: Widths = ((32, 64), (32, 128), (64, 256), (128, 512), (256, 512), (256, 512))
    """Of each stage, finest first: features inside it, and after it."""
    decoder: Widths = ((16, 64), (32, 64), (64, 128), (128, 256), (256, 512))
    halved: bool = False
    """Whether a convolution halves the picture first, and alpha is that of the finest stage.

    IS-Net does so. In U²-Net alpha comes from a weighted sum of all stages' logits.
    """


class U2NetOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    sides: Float[Array, "B H W 6"]
    """Alpha of each stage by itself, finest first."""


class U2Net(nnx.Module):
    """The network of U²-Net and of IS-Net."""

    stage1: RSU

    def __init__(self, config: U2NetConfig = U2NetConfig(), *, rngs: nnx.Rngs):
        self.conv_in = Conv(3, 64, 3, stride=2, padding=1, rngs=rngs) if config.halved else None
        entering = 64 if config.halved else 3
        for at, (inner, leaving) in enumerate(config.encoder, start=1):
            setattr(self, f"stage{at}", stage(at, entering, inner, leaving, rngs=rngs))
            entering = leaving
        for at, (inner, leaving) in reversed([*enumerate(config.decoder, start=1)]):
            skipped = config.encoder[at - 1][1]
            setattr(self, f"stage{at}d", stage(at, entering + skipped, inner, leaving, rngs=rngs))
            entering = leaving
        for at, (_, seen) in enumerate((*config.decoder, config.encoder[-1]), start=1):
            setattr(self, f"side{at}", Conv(seen, 1, 3, padding=1, rngs=rngs))
        self.outconv = None if config.halved else Conv(len(DEPTHS), 1, 1, rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> U2NetOutput:
        """Estimate alpha of normalised images of any size."""
        stages = self._stages(image if self.conv_in is None else self.conv_in(image))
        sides = (getattr(self, f"side{at}")(x) for at, x in enumerate(stages, start=1))
        logits = concatenate(*(resize(x, *image.shape[1:3]) for x in sides))
        fused = logits[..., :1] if self.outconv is None else self.outconv(logits)
        return U2NetOutput(jax.nn.sigmoid(fused), jax.nn.sigmoid(logits))

    def _stages(self, x: Array) -> list[Array]:
        """Return the features of the decoder's stages, finest first, and of the coarsest stage."""
        skips = [self.stage1(x)]
        for at in range(2, len(DEPTHS) + 1):
            skips.append(getattr(self, f"stage{at}")(max_pool_all(skips[-1])))
        found = [skips.pop()]
        for at, skip in reversed([*enumerate(skips, start=1)]):
            above = resize(found[0], *skip.shape[1:3])
            found.insert(0, getattr(self, f"stage{at}d")(concatenate(above, skip)))
        return found


def stage(at: int, channels: int, inner: int, features: int, *, rngs: nnx.Rngs) -> RSU:
    return RSU(DEPTHS[at - 1], channels, inner, features, flat=at in FLAT, rngs=rngs)


class RSU(nnx.Module):
    """A residual U (section 3.1): a U of convolutions, added to what it starts from.

    A `flat` one has all its maps at one size, and dilates instead of shrinking.
    """

    rebnconv1: REBNConv

    def __init__(
        self,
        depth: int,
        channels: int,
        inner: int,
        features: int,
        *,
        flat: bool,
        rngs: nnx.Rngs,
    ):
        conv = partial(REBNConv, rngs=rngs)
        self.depth, self.flat = depth, flat
        self.rebnconvin = conv(channels, features)
        for at in range(1, depth + 1):
            entering = features if at == 1 else inner
            dilation = 2 ** (at - 1) if flat else 1 + (at == depth)
            setattr(self, f"rebnconv{at}", conv(entering, inner, dilation=dilation))
            if at < depth:
                leaving = features if at == 1 else inner
                setattr(self, f"rebnconv{at}d", conv(2 * inner, leaving, dilation=dilation))

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        start = self.rebnconvin(x)
        skips = [self.rebnconv1(start)]
        for at in range(2, self.depth + 1):
            same_size = self.flat or at == self.depth
            below = skips[-1] if same_size else max_pool_all(skips[-1])
            skips.append(getattr(self, f"rebnconv{at}")(below))
        x = skips.pop()
        for at, skip in reversed([*enumerate(skips, start=1)]):
            above = resize(x, *skip.shape[1:3])
            x = getattr(self, f"rebnconv{at}d")(concatenate(above, skip))
        return x + start


class REBNConv(nnx.Module):
    """A convolution, batch normalisation, and a rectifier."""

    def __init__(self, channels: int, features: int, *, dilation: int = 1, rngs: nnx.Rngs):
        self.conv_s1 = Conv(channels, features, 3, padding=dilation, dilation=dilation, rngs=rngs)
        self.bn_s1 = batch_norm(features, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        return jax.nn.relu(self.bn_s1(self.conv_s1(x)))
