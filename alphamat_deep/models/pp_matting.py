"""PP-Matting.

Chen et al., "PP-Matting: High-Accuracy Natural Image Matting", arXiv:2204.09433, 2022. It needs no
trimap: one branch finds foreground, background and the transition between them (section 3.2), and
another finds alpha at high resolution (section 3.3), which counts in the transition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.backbones.hrnet import hrnet_w18
from alphamat_deep.backbones.resnet_vd import BasicBlock, Shortcut
from alphamat_deep.layers import (
    Conv,
    ConvBNReLU,
    PyramidPooling,
    apply,
    batch_norm,
    concatenate,
    fuse_semantic_and_detail,
    refuse_unless_multiples,
    resize,
    upsample_bilinear,
)

GUIDES = 0, 2, 4  # stages of the semantic branch that guide the detail branch


@dataclass(frozen=True)
class PPMattingConfig:
    backbone: Callable[..., Any] = hrnet_w18
    """Called as `backbone(rngs=…)`; what it returns maps images to features at 1/2 … 1/32."""


class PPMattingOutput(NamedTuple):
    alpha: Float[Array, "B H W 1"]
    semantic: Float[Array, "B H W 3"]
    """Probabilities of foreground, transition and background."""
    detail: Float[Array, "B H W 1"]
    """Alpha where the transition is likeliest; meaningless elsewhere."""


class PPMatting(nnx.Module):
    """The network of PP-Matting."""

    def __init__(self, config: PPMattingConfig = PPMattingConfig(), *, rngs: nnx.Rngs):
        self.backbone = config.backbone(rngs=rngs)
        half, quarter, *_, last = self.backbone.features
        self.scb = SemanticBranch(last, rngs=rngs)
        self.hrdb = DetailBranch(half + quarter, rngs=rngs)

    def __call__(self, image: Float[Array, "B H W 3"]) -> PPMattingOutput:
        """Estimate alpha of images in [-1, 1], H and W multiples of 32.

        No gradient of alpha reaches the semantic branch: train it on `semantic`.
        """
        refuse_unless_multiples(32, image)
        half, quarter, *_, last = self.backbone(image)
        stages = self.scb(last)
        semantic = jax.nn.softmax(stages[-1])
        fine = [resize(x, *image.shape[1:3]) for x in (half, quarter)]
        guides = [stages[at] for at in GUIDES]
        detail = jax.nn.sigmoid(self.hrdb(concatenate(*fine), guides))
        return PPMattingOutput(fuse_semantic_and_detail(semantic, detail), semantic, detail)


class SemanticBranch(nnx.Module):
    """Scores of foreground, transition and background, in stages that double the size."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        conv = partial(ConvBNReLU, size=3, rngs=rngs)
        near: dict[str, Any] = {"padding": 1}
        far: dict[str, Any] = {"padding": 2, "dilation": 2}
        self.psp_module = PyramidPooling(channels, 512, rngs=rngs)
        self.psps, self.scb_stages = nnx.List(), nnx.List()
        entering = channels, 256, 128, 64, 64
        context = 512, 256, 128, 64, 64
        inner = 512, 256, 128, 128, 64
        leaving = *entering[1:], 64
        for stage, (c, k, n, f) in enumerate(zip(entering, context, inner, leaving, strict=True)):
            around = near if stage else far
            layers = conv(c + k, n, **near), conv(n, n, **around), conv(n, f, **around)
            self.scb_stages.append(nnx.List([*layers, upsample_bilinear]))
            if stage:
                self.psps.append(nnx.List([conv(512, k, **near)]))
        layers = conv(64, 64, **near), conv(64, 64, **near), Conv(64, 3, 3, padding=1, rngs=rngs)
        self.scb_stages.append(nnx.List(layers))

    def __call__(self, x: Float[Array, "B H W C"]) -> list[Float[Array, "B _ _ _"]]:
        """Return the outputs of all stages, coarsest first. The last one is three scores."""
        context = self.psp_module(x)
        first, *rest, last = self.scb_stages
        outputs = [apply(first, concatenate(context, x))]
        for psp, stage in zip(self.psps, rest, strict=True):
            x = outputs[-1]
            seen = resize(apply(psp, context), *x.shape[1:3])
            outputs.append(apply(stage, concatenate(seen, x)))
        return [*outputs, apply(last, outputs[-1])]


class DetailBranch(nnx.Module):
    """Alpha's logit from fine features at full size, gated by the semantic branch."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.gf_list = nnx.List(Conv(guide, 1, 1, rngs=rngs) for guide in (256, 64, 64))
        first = BasicBlock(channels, 64, 64, short=Shortcut(channels, 64, 1, rngs=rngs), rngs=rngs)
        self.res_list = nnx.List([first, *(BasicBlock(n, n, n, rngs=rngs) for n in (32, 16))])
        self.convs = nnx.List(Conv(n, n // 2, 1, rngs=rngs) for n in (64, 32, 16))
        self.gates = nnx.List(Gate(n, rngs=rngs) for n in (32, 16, 8))
        self.detail_conv = Conv(8, 1, 1, bias=False, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B H W C"], guides: list[Float[Array, "B _ _ _"]]
    ) -> Float[Array, "B H W 1"]:
        steps = zip(self.res_list, self.convs, self.gf_list, guides, self.gates, strict=True)
        for block, conv, guiding, guide, gate in steps:
            x = gate(conv(block(x)), resize(guiding(guide), *x.shape[1:3]))
        return self.detail_conv(x)


class Gate(nnx.Module):
    """Multiply features by a factor from 1 to 2, computed at each place from them and a guide."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        both = features + 1
        self._gate_conv = nnx.List(
            [
                batch_norm(both, rngs=rngs),
                Conv(both, both, 1, rngs=rngs),
                jax.nn.relu,
                Conv(both, 1, 1, rngs=rngs),
                batch_norm(1, rngs=rngs),
                jax.nn.sigmoid,
            ]
        )
        self.conv = Conv(features, features, 1, bias=False, rngs=rngs)

    def __call__(
        self, x: Float[Array, "B H W C"], guide: Float[Array, "B H W 1"]
    ) -> Float[Array, "B H W C"]:
        both = concatenate(x, guide)
        return self.conv(x * (1 + apply(self._gate_conv, both)))
