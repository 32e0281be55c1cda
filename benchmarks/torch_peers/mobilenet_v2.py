"""MobileNetV2 (Sandler et al., CVPR 2018), as MODNet has it, and dilated."""

from __future__ import annotations

from torch import nn


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        blocks, channels = [nn.Sequential(stem, nn.BatchNorm2d(32), nn.ReLU6())], 32
        for expansion, features, count, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        ):  # fmt: skip
            for at in range(count):
                blocks.append(Inverted(channels, features, expansion, 1 if at else stride))
                channels = features
        last = nn.Conv2d(channels, 1280, 1, bias=False)
        blocks.append(nn.Sequential(last, nn.BatchNorm2d(1280), nn.ReLU6()))
        self.model = nn.Module()
        self.model.features = nn.Sequential(*blocks)

    def forward(self, x):
        levels = []
        for at, block in enumerate(self.model.features):
            x = block(x)
            if at in (1, 3, 18):
                levels.append(x)
        return levels


class Inverted(nn.Module):
    def __init__(self, channels: int, features: int, expansion: int, stride: int):
        super().__init__()
        self.conv = separable(channels, features, expansion, stride)
        self.residual = stride == 1 and channels == features

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def separable(channels: int, features: int, expansion: int, stride: int) -> nn.Sequential:
    """Return MobileNetV2's block without its shortcut."""
    middle, layers = expansion * channels, []
    if expansion > 1:
        layers = [nn.Conv2d(channels, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU6()]
    layers.append(nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False))
    layers += [nn.BatchNorm2d(middle), nn.ReLU6()]
    return nn.Sequential(
        *layers, nn.Conv2d(middle, features, 1, bias=False), nn.BatchNorm2d(features)
    )


class DilatedMobileNetV2(nn.Module):
    """MobileNetV2 without its last convolution, and with its last halving replaced."""

    def __init__(self, channels: int):
        super().__init__()
        blocks = MobileNetV2().model.features[:-1]
        blocks[0][0] = nn.Conv2d(channels, 32, 3, 2, 1, bias=False)
        for at, block in enumerate(blocks[1:], 1):
            if at >= 14:
                block.conv[3].stride = (1, 1)
            if at > 14:
                block.conv[3].dilation = block.conv[3].padding = (2, 2)
            block.conv = nested(block.conv)
        self.features = blocks

    def forward(self, x):
        levels = [x]
        for at, block in enumerate(self.features):
            x = block(x)
            if at in (1, 3, 6, 17):
                levels.append(x)
        return levels


def nested(layers: nn.Sequential) -> nn.Sequential:
    """Group a block's layers as torchvision does: what is activated is in one."""
    *first, conv, norm = layers
    groups = [nn.Sequential(*first[at : at + 3]) for at in range(0, len(first), 3)]
    return nn.Sequential(*groups, conv, norm)
