"""IndexNet Matting (Lu et al., ICCV 2019), with depthwise indices, nonlinear, with context."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

STAGES = (
    (1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1),
)  # fmt: skip
INDEXED = {0: 32, 2: 24, 3: 32, 4: 64, 6: 160}  # stages before a halving, and their features
DECODED = 32, 32, 16, 24, 32, 64, 96


class IndexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer0 = nn.Sequential(*activated(4, 32, 3, padding=1))
        channels, encoded = 32, [32]
        for at, (expansion, features, count) in enumerate(STAGES, 1):
            blocks = [Inverted(channels, features, expansion)]
            blocks += [Inverted(features, features, expansion) for _ in range(1, count)]
            self.add_module(f"layer{at}", nn.Sequential(*blocks))
            channels = features
            encoded.append(features)
        for at, features in INDEXED.items():
            self.add_module(f"index{at}", Indices(features))
        self.dconv_pp = ASPP(encoded.pop(), encoded[-1])
        for at, (features, entering) in enumerate(zip(DECODED, encoded, strict=True)):
            layer = nn.Module()
            layer.dconv = nn.Sequential(*activated(2 * entering, features, 5, padding=2))
            self.add_module(f"decoder_layer{at}", layer)
        scores = nn.Sequential(*activated(32, 1, 5, padding=2))
        self.pred = nn.Sequential(scores, nn.Conv2d(1, 1, 5, padding=2, bias=False))

    def forward(self, image, trimap):
        x, kept = torch.cat([image, trimap], 1), []
        for at in range(7):
            x, indices = self.get_submodule(f"layer{at}")(x), None
            if at in INDEXED:
                weights, indices = self.get_submodule(f"index{at}")(x)
                x = weights * x
            kept.append((x, indices))
            if at in INDEXED:
                x = 4 * F.avg_pool2d(x, 2)
        x = self.dconv_pp(self.layer7(x))
        for at in reversed(range(7)):
            encoded, indices = kept.pop()
            if indices is not None:
                x = indices * F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.get_submodule(f"decoder_layer{at}").dconv(torch.cat([x, encoded], 1))
        return self.pred(x)


class Inverted(nn.Module):
    """MobileNetV2's block, which puts zeros around its input before it expands it."""

    def __init__(self, channels: int, features: int, expansion: int):
        super().__init__()
        middle = expansion * channels
        layers = activated(channels, middle, 1) if expansion > 1 else []
        layers += activated(middle, middle, 3, groups=middle)
        self.conv = nn.Sequential(*layers, *activated(middle, features, 1)[:2])
        self.residual = channels == features

    def forward(self, x):
        y = self.conv(F.pad(x, (1, 1, 1, 1)))
        return x + y if self.residual else y


class Indices(nn.Module):
    """Weights of each 2 × 2 pixels, for the encoder and for the decoder."""

    def __init__(self, features: int):
        super().__init__()
        for at in range(1, 5):
            layers = activated(features, features, 4, stride=2, padding=1)
            layers.append(nn.Conv2d(features, features, 1, bias=False))
            self.add_module(f"indexnet{at}", nn.Sequential(*layers))

    def forward(self, x):
        four = [self.get_submodule(f"indexnet{at}")(x) for at in range(1, 5)]
        free = torch.stack(four, 2).sigmoid()
        return spread(free.softmax(2)), spread(free)


def spread(x):
    """(B, C, 4, h, w) → (B, C, 2 h, 2 w)."""
    return F.pixel_shuffle(x.flatten(1, 2), 2)


class ASPP(nn.Module):
    def __init__(self, channels: int, features: int):
        super().__init__()
        self.aspp1 = nn.Module()
        self.aspp1.atrous_conv = nn.Sequential(*activated(channels, 256, 1))
        for at, wide in enumerate((2, 4, 8), 2):
            part, options = nn.Module(), {"padding": wide, "dilation": wide, "groups": channels}
            layers = activated(channels, channels, 3, **options) + activated(channels, 256, 1)
            part.atrous_conv = nn.Sequential(*layers)
            self.add_module(f"aspp{at}", part)
        self.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *activated(channels, 256, 1))
        self.bottleneck_conv = nn.Sequential(*activated(5 * 256, features, 1))

    def forward(self, x):
        parts = [self.get_submodule(f"aspp{at}").atrous_conv(x) for at in range(1, 5)]
        parts.append(self.global_avg_pool(x).expand_as(parts[0]))
        return self.bottleneck_conv(torch.cat(parts, 1))


def activated(channels: int, features: int, size: int, **options) -> list:
    conv = nn.Conv2d(channels, features, size, bias=False, **options)
    return [conv, nn.BatchNorm2d(features), nn.ReLU6(inplace=True)]
