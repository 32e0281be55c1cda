"""HRNet, which keeps features of high resolution to its end.

Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2021, as
PaddleSeg implements it. To a branch of H/4 × W/4, three more are added one by one, each with half
the size and twice the features. After every four blocks each branch adds the others' features.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from flax import nnx
from jaxtyping import Array, Float

from alphamat_deep.layers import ConvBN, ConvBNReLU, apply, rectify, resize


def hrnet_w18(channels: int = 3, *, rngs: nnx.Rngs) -> HRNet:
    return HRNet(18, channels, rngs=rngs)


def hrnet_w48(channels: int = 3, *, rngs: nnx.Rngs) -> HRNet:
    return HRNet(48, channels, rngs=rngs)


class HRNet(nnx.Module):
    """The backbone whose branch of highest resolution has `width` features.

    Repeated modules are named by their number, from 1 on: st3's second module is st3["2"].
    """

    def __init__(self, width: int, channels: int = 3, *, rngs: nnx.Rngs):
        widths = [width << branch for branch in range(4)]
        self.features = (64, *widths)
        conv = partial(ConvBNReLU, size=3, padding="SAME", bias=False, rngs=rngs)
        self.conv_layer1_1 = conv(channels, 64, stride=2)
        self.conv_layer1_2 = conv(64, 64, stride=2)
        self.la1 = number_from_one(Bottleneck(c, 64, rngs=rngs) for c in (64, 256, 256, 256))
        self.tr1 = number_from_one((conv(256, widths[0]), conv(256, widths[1], stride=2)))
        self.st2 = number_from_one(Exchange(widths[:2], rngs=rngs) for _ in range(1))
        self.tr2 = nnx.Dict({"3": conv(widths[1], widths[2], stride=2)})
        self.st3 = number_from_one(Exchange(widths[:3], rngs=rngs) for _ in range(4))
        self.tr3 = nnx.Dict({"4": conv(widths[2], widths[3], stride=2)})
        self.st4 = number_from_one(Exchange(widths, rngs=rngs) for _ in range(3))

    def __call__(self, x: Float[Array, "B H W C"]) -> tuple[Float[Array, "B _ _ _"], ...]:
        """Return features at H and W over 2, 4, 8, 16 and 32."""
        half = self.conv_layer1_1(x)
        x = apply(self.la1.values(), self.conv_layer1_2(half))
        branches = apply(self.st2.values(), [conv(x) for conv in self.tr1.values()])
        branches = apply(self.st3.values(), [*branches, self.tr2["3"](branches[-1])])
        branches = apply(self.st4.values(), [*branches, self.tr3["4"](branches[-1])])
        return half, *branches


class Bottleneck(nnx.Module):
    def __init__(self, channels: int, inner: int, *, rngs: nnx.Rngs):
        outer = 4 * inner
        self.conv1 = ConvBNReLU(channels, inner, 1, bias=False, rngs=rngs)
        self.conv2 = ConvBNReLU(inner, inner, 3, padding=1, bias=False, rngs=rngs)
        self.conv3 = ConvBN(inner, outer, 1, bias=False, rngs=rngs)
        down = partial(ConvBN, channels, outer, 1, bias=False, rngs=rngs)
        self.conv_down = down() if channels != outer else None

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        y = self.conv3(self.conv2(self.conv1(x)))
        return rectify(y + (self.conv_down(x) if self.conv_down else x))


class Basic(nnx.Module):
    def __init__(self, features: int, *, rngs: nnx.Rngs):
        self.conv1 = ConvBNReLU(features, features, 3, padding=1, bias=False, rngs=rngs)
        self.conv2 = ConvBN(features, features, 3, padding=1, bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        return rectify(self.conv2(self.conv1(x)) + x)


class Exchange(nnx.Module):
    """Four blocks in each branch; then each branch becomes the sum of all, at its own size.

    Convolutions of stride 2 shrink finer branches; interpolation enlarges coarser ones.
    """

    def __init__(self, widths: list[int], *, rngs: nnx.Rngs):
        halving = {"size": 3, "stride": 2, "padding": "SAME", "bias": False, "rngs": rngs}
        self.branches_func, self.fuse_func = nnx.Dict(), nnx.Dict()
        for i, width in enumerate(widths, start=1):
            for block in range(1, 5):
                self.branches_func[f"{i}_{block}"] = Basic(width, rngs=rngs)
            for j, channels in enumerate(widths, start=1):
                if j > i:
                    mix = ConvBN(channels, width, 1, bias=False, rngs=rngs)
                    self.fuse_func[f"{i}_{j}"] = mix
                for step in range(1, i - j):
                    self.fuse_func[f"{i}_{j}_{step}"] = ConvBNReLU(channels, channels, **halving)
                if j < i:
                    self.fuse_func[f"{i}_{j}_{i - j}"] = ConvBN(channels, width, **halving)

    def __call__(self, branches: list[Array]) -> list[Array]:
        branches = [
            apply((self.branches_func[f"{i}_{block}"] for block in range(1, 5)), x)
            for i, x in enumerate(branches, start=1)
        ]
        return [self._sum(i, branches) for i in range(1, len(branches) + 1)]

    def _sum(self, i: int, branches: list[Array]) -> Array:
        total = branches[i - 1]
        for j, x in enumerate(branches, start=1):
            if j < i:
                total += apply((self.fuse_func[f"{i}_{j}_{s}"] for s in range(1, i - j + 1)), x)
            if j > i:
                total += resize(self.fuse_func[f"{i}_{j}"](x), *total.shape[1:3])
        return rectify(total)


def number_from_one(layers: Iterable[Any]) -> Any:
    return nnx.Dict({str(i): layer for i, layer in enumerate(layers, start=1)})
