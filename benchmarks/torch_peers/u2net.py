"""U²-Net (Qin et al., Pattern Recognition 2020) and IS-Net (Qin et al., ECCV 2022)."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import sized

DEPTHS = 7, 6, 5, 4, 4, 4  # of the stages, finest first; the last two are flat
WIDE = ((32, 64), (32, 128), (64, 256), (128, 512), (256, 512), (256, 512))
NARROW = ((16, 64), (32, 64), (64, 128), (128, 256), (256, 512))


class U2Net(nn.Module):
    """Either network; `halved` is IS-Net. Each stage has inner and outer features."""

    def __init__(self, encoder=WIDE, decoder=NARROW, halved: bool = False):
        super().__init__()
        self.conv_in = nn.Conv2d(3, 64, 3, 2, 1) if halved else None
        channels = 64 if halved else 3
        for at, (inner, outer) in enumerate(encoder):
            self.add_module(f"stage{at + 1}", RSU(at, channels, inner, outer))
            channels = outer
        for at in reversed(range(5)):
            inner, outer = decoder[at]
            self.add_module(f"stage{at + 1}d", RSU(at, channels + encoder[at][1], inner, outer))
            channels = outer
        seen = [outer for _, outer in decoder] + [channels := encoder[-1][1]]
        for at, channels in enumerate(seen):
            self.add_module(f"side{at + 1}", nn.Conv2d(channels, 1, 3, padding=1))
        if not halved:
            self.outconv = nn.Conv2d(6, 1, 1)

    def forward(self, image):
        x = image if self.conv_in is None else self.conv_in(image)
        skips = []
        for at in range(6):
            x = getattr(self, f"stage{at + 1}")(halve(x) if at else x)
            skips.append(x)
        found = [skips.pop()]
        while skips:
            x = torch.cat([sized(found[-1], skips[-1].shape[2:]), skips.pop()], 1)
            found.append(getattr(self, f"stage{len(skips) + 1}d")(x))
        size = image.shape[2:]
        if self.conv_in is not None:
            return torch.sigmoid(sized(self.side1(found[-1]), size))
        sides = [getattr(self, f"side{at + 1}")(x) for at, x in enumerate(found[::-1])]
        return torch.sigmoid(self.outconv(torch.cat([sized(x, size) for x in sides], 1)))


class RSU(nn.Module):
    """A U of convolutions, added to what it starts from."""

    def __init__(self, at: int, channels: int, inner: int, outer: int):
        super().__init__()
        self.depth, self.flat = DEPTHS[at], at >= 4
        self.rebnconvin = Layer(channels, outer)
        channels = outer
        for at in range(1, self.depth + 1):
            dilation = 2 ** (at - 1) if self.flat else 1 + (at == self.depth)
            self.add_module(f"rebnconv{at}", Layer(channels, inner, dilation))
            channels = inner
        for at in range(1, self.depth):
            dilation = 2 ** (at - 1) if self.flat else 1
            layer = Layer(2 * inner, outer if at == 1 else inner, dilation)
            self.add_module(f"rebnconv{at}d", layer)

    def forward(self, x):
        x = start = self.rebnconvin(x)
        skips = []
        for at in range(1, self.depth + 1):
            shrinks = 1 < at < self.depth and not self.flat
            x = getattr(self, f"rebnconv{at}")(halve(x) if shrinks else x)
            skips.append(x)
        skips.pop()
        while skips:
            if x.shape != skips[-1].shape:
                x = sized(x, skips[-1].shape[2:])
            x = torch.cat([x, skips.pop()], 1)
            x = getattr(self, f"rebnconv{len(skips) + 1}d")(x)
        return x + start


class Layer(nn.Module):
    def __init__(self, channels: int, features: int, dilation: int = 1):
        super().__init__()
        self.conv_s1 = nn.Conv2d(channels, features, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(features)

    def forward(self, x):
        return F.relu(self.bn_s1(self.conv_s1(x)), inplace=True)


halve = partial(F.max_pool2d, kernel_size=2, stride=2, ceil_mode=True)
u2netp = partial(U2Net, encoder=((16, 64),) * 6, decoder=((16, 64),) * 5)
isnet = partial(U2Net, halved=True)
