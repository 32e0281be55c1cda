"""MobileNetV3-Large (Howard et al., ICCV 2019), dilated."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class MobileNetV3(nn.Module):
    """MobileNetV3-Large as RVM has it."""

    def __init__(self):
        super().__init__()
        layers, channels = [swished(3, 16, 3, nn.Hardswish, stride=2)], 16
        for size, middle, squeezed, features, activation, stride, dilation in (
            (3, 16, 0, 16, nn.ReLU, 1, 1), (3, 64, 0, 24, nn.ReLU, 2, 1),
            (3, 72, 0, 24, nn.ReLU, 1, 1), (5, 72, 24, 40, nn.ReLU, 2, 1),
            (5, 120, 32, 40, nn.ReLU, 1, 1), (5, 120, 32, 40, nn.ReLU, 1, 1),
            (3, 240, 0, 80, nn.Hardswish, 2, 1), (3, 200, 0, 80, nn.Hardswish, 1, 1),
            (3, 184, 0, 80, nn.Hardswish, 1, 1), (3, 184, 0, 80, nn.Hardswish, 1, 1),
            (3, 480, 120, 112, nn.Hardswish, 1, 1), (3, 672, 168, 112, nn.Hardswish, 1, 1),
            (5, 672, 168, 160, nn.Hardswish, 1, 2), (5, 960, 240, 160, nn.Hardswish, 1, 2),
            (5, 960, 240, 160, nn.Hardswish, 1, 2),
        ):  # fmt: skip
            block = [swished(channels, middle, 1, activation)] if middle != channels else []
            options = {"stride": stride, "dilation": dilation, "groups": middle}
            block.append(swished(middle, middle, size, activation, **options))
            block += [Weighed(middle, squeezed)] if squeezed else []
            layers.append(nn.Module())
            layers[-1].block = nn.Sequential(*block, swished(middle, features, 1))
            layers[-1].residual = stride == 1 and channels == features
            channels = features
        self.features = nn.Sequential(*layers, swished(channels, 960, 1, nn.Hardswish))

    def forward(self, x):
        mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        x = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        levels = []
        for at, layer in enumerate(self.features):
            if at in (0, 16):
                x = layer(x)
            else:
                x = x + layer.block(x) if layer.residual else layer.block(x)
            if at in (1, 3, 6, 16):
                levels.append(x)
        return levels


class Weighed(nn.Module):
    """MobileNetV3's squeeze and excitation."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


def swished(channels: int, features: int, size: int, activation=None, **options):
    padding = options.get("dilation", 1) * (size // 2)
    conv = nn.Conv2d(channels, features, size, padding=padding, bias=False, **options)
    norm = nn.BatchNorm2d(features, eps=1e-3, momentum=0.01)
    return nn.Sequential(conv, norm, *([activation(inplace=True)] if activation else []))
