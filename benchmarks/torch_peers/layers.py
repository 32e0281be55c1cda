"""What several networks are made of."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn


def activated(channels: int, features: int, size: int, **options) -> nn.Sequential:
    layer = nn.Conv2d(channels, features, size, bias=False, **options)
    return nn.Sequential(layer, nn.BatchNorm2d(features), nn.ReLU(inplace=True))


def sized(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
