"""ResNet (He et al., CVPR 2016) of bottlenecks, dilated."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn


class DilatedResNet(nn.Module):
    """A ResNet of bottlenecks whose last stage keeps a sixteenth of the size."""

    def __init__(self, depths, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1, channels = nn.BatchNorm2d(64), 64
        for at, depth in enumerate(depths):
            inner, stride = 64 << at, (1, 2, 2, 1)[at]
            blocks = [Bottleneck(channels, inner, stride, 1)]
            rest = 2 if at == 3 else 1
            blocks += [Bottleneck(4 * inner, inner, 1, rest) for _ in range(1, depth)]
            self.add_module(f"layer{at + 1}", nn.Sequential(*blocks))
            channels = 4 * inner

    def forward(self, x):
        half = F.relu(self.bn1(self.conv1(x)), inplace=True)
        quarter = self.layer1(F.max_pool2d(half, 3, 2, 1))
        eighth = self.layer2(quarter)
        return x, half, quarter, eighth, self.layer4(self.layer3(eighth))


class Bottleneck(nn.Module):
    """A residual block of ResNet-50 and deeper."""

    def __init__(self, channels: int, inner: int, stride: int, dilation: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.downsample = None
        if channels != 4 * inner:
            projection = nn.Conv2d(channels, 4 * inner, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * inner))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)
