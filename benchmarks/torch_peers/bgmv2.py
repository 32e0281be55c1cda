"""Background Matting V2 (Lin et al., CVPR 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import activated, sized
from benchmarks.torch_peers.mobilenet_v2 import DilatedMobileNetV2
from benchmarks.torch_peers.resnet import DilatedResNet


def bgmv2_mobilenetv2(**options) -> BGMv2:
    return BGMv2(DilatedMobileNetV2(6), (320, 32, 24, 16), **options)


def bgmv2_resnet50(**options) -> BGMv2:
    return BGMv2(DilatedResNet((3, 4, 6, 3), 6), (2048, 512, 256, 64), **options)


def bgmv2_resnet101(**options) -> BGMv2:
    return BGMv2(DilatedResNet((3, 4, 23, 3), 6), (2048, 512, 256, 64), **options)


class BGMv2(nn.Module):
    """BackgroundMattingV2, set for HD: it refines at most `pixels`, or all if that is None."""

    def __init__(self, backbone: nn.Module, encoded, *, pixels: int | None = 80_000):
        super().__init__()
        self.backbone, self.aspp = backbone, Pyramid(encoded[0])
        self.decoder, self.refiner = Enlarging(encoded[1:]), Patches(pixels)
        nn.init.constant_(self.decoder.conv4.bias[4:5], 0.5)  # errors enough to refine all it may

    def forward(self, image, background):
        both = torch.cat([image, background], 1)
        small = sized(both, (both.shape[2] // 4, both.shape[3] // 4))
        *levels, last = self.backbone(small)
        x = self.decoder(self.aspp(last), levels)
        alpha, residual, error, hidden = x.split((1, 3, 1, 32), 1)
        alpha, error = alpha.clamp(0, 1), error.clamp(0, 1)
        x = self.refiner(both, torch.cat([alpha, residual], 1), error, F.relu(hidden))
        return x[:, :1].clamp(0, 1), (x[:, 1:] + image).clamp(0, 1)


class Pyramid(nn.Module):
    """Atrous spatial pyramid pooling."""

    def __init__(self, channels: int):
        super().__init__()
        around = [activated(channels, 256, 3, padding=n, dilation=n) for n in (3, 6, 9)]
        everywhere = Mean(nn.AdaptiveAvgPool2d(1), *activated(channels, 256, 1))
        self.convs = nn.ModuleList([activated(channels, 256, 1), *around, everywhere])
        self.project = nn.Sequential(*activated(5 * 256, 256, 1), nn.Dropout(0.5))

    def forward(self, x):
        return self.project(torch.cat([conv(x) for conv in self.convs], 1))


class Mean(nn.Sequential):
    def forward(self, x):
        return super().forward(x).expand(-1, -1, *x.shape[2:])


class Enlarging(nn.Module):
    """The decoder of BackgroundMattingV2."""

    def __init__(self, encoded):
        super().__init__()
        sizes = (256 + encoded[0], 128), (128 + encoded[1], 64), (64 + encoded[2], 48), (54, 37)
        for at, (channels, features) in enumerate(sizes, 1):
            self.add_module(f"conv{at}", nn.Conv2d(channels, features, 3, 1, 1, bias=at == 4))
            if at < 4:
                self.add_module(f"bn{at}", nn.BatchNorm2d(features))

    def forward(self, x, levels):
        for at, level in enumerate(levels[::-1], 1):
            x = torch.cat([sized(x, level.shape[2:]), level], 1)
            x = self.get_submodule(f"conv{at}")(x)
            if at < 4:
                x = F.relu(self.get_submodule(f"bn{at}")(x), inplace=True)
        return x


class Patches(nn.Module):
    """The refiner of BackgroundMattingV2, where errors are largest, or everywhere."""

    def __init__(self, pixels: int | None):
        super().__init__()
        self.pixels = pixels
        self.conv1, self.bn1 = nn.Conv2d(42, 24, 3, bias=False), nn.BatchNorm2d(24)
        self.conv2, self.bn2 = nn.Conv2d(24, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.conv3, self.bn3 = nn.Conv2d(22, 12, 3, bias=False), nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, 3)

    def forward(self, both, coarse, error, hidden):
        B, _, H, W = both.shape
        error = sized(error, (H // 4, W // 4)).flatten(1)
        at = torch.nonzero(self.chosen(error).view(B, H // 4, W // 4)).unbind(1)
        x = cut(sized(torch.cat([hidden, coarse], 1), (H // 2, W // 2)), at, 2, 3)
        y = cut(sized(both, (H // 2, W // 2)), at, 2, 3)
        x = F.relu(self.bn1(self.conv1(torch.cat([x, y], 1))), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = torch.cat([F.interpolate(x, 8), cut(both, at, 4, 2)], 1)
        x = self.conv4(F.relu(self.bn3(self.conv3(x)), inplace=True))
        out = sized(coarse, (H, W)).view(B, 4, H // 4, 4, W // 4, 4).permute(0, 2, 4, 1, 3, 5)
        out[at] = x
        return out.permute(0, 3, 1, 4, 2, 5).reshape(B, 4, H, W)

    def chosen(self, error):
        if self.pixels is None:
            return torch.ones_like(error)
        largest = error.topk(self.pixels // 16, 1, sorted=False).indices
        return torch.zeros_like(error).scatter_(1, largest, 1) * (error > 0)


def cut(x, at, size: int, margin: int):
    x, length = F.pad(x, (margin,) * 4).permute(0, 2, 3, 1), size + 2 * margin
    return x.unfold(1, length, size).unfold(2, length, size)[at]
