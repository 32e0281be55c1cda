"""F, B, Alpha Matting (Forte & Pitié, 2020), with group normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import sized
from benchmarks.torch_peers.resnet import Bottleneck

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FBA(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, image, trimap):
        known, near = trimap[:, :2], trimap[:, 2:]
        normalised = (image - self.mean) / self.std
        levels = self.encoder(torch.cat([normalised, near, known], 1))
        y = self.decoder(*levels, torch.cat([normalised, image, known], 1))
        alpha, colours = y[:, :1].clamp(0, 1), y[:, 1:].sigmoid()
        return fused(image, alpha, colours[:, :3], colours[:, 3:])


class Encoder(nn.Module):
    """ResNet-50, whose last two stages are dilated."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = Standardised(11, 64, 7, 2, 3, bias=False), norm(64)
        self.layer1 = stage(64, 64, 3, 1, 1, 1)
        self.layer2 = stage(256, 128, 4, 2, 1, 1)
        self.layer3 = stage(512, 256, 6, 1, 1, 2)
        self.layer4 = stage(1024, 512, 3, 1, 2, 4)

    def forward(self, x):
        half = F.relu(self.bn1(self.conv1(x)), inplace=True)
        quarter = self.layer1(F.max_pool2d(half, 3, 2, 1))
        return half, quarter, self.layer4(self.layer3(self.layer2(quarter)))


def stage(channels: int, inner: int, count: int, stride: int, first: int, rest: int):
    """Return blocks, the first with a stride and a dilation of its own."""
    blocks = [Bottleneck(channels, inner, stride, first)]
    blocks += [Bottleneck(4 * inner, inner, 1, rest) for _ in range(1, count)]
    return by_group(nn.Sequential(*blocks))


def by_group(module: nn.Module) -> nn.Module:
    """Put group normalisation and standardised kernels in the place of what a module has."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, norm(child.num_features))
        elif isinstance(child, nn.Conv2d):
            sizes = child.in_channels, child.out_channels, child.kernel_size
            filtering = child.stride, child.padding, child.dilation
            setattr(module, name, Standardised(*sizes, *filtering, bias=False))
        else:
            by_group(child)
    return module


class Standardised(nn.Conv2d):
    """A convolution whose kernel is standardised once, before it first convolves."""

    ready = False

    def forward(self, x):
        if not self.ready:
            rows = self.weight.flatten(1)
            rows = rows - rows.mean(1, keepdim=True)
            rows = rows / (rows.square().mean(1, keepdim=True) + 1e-5).sqrt()
            self.weight.data = torch.empty_like(self.weight).copy_(rows.view_as(self.weight))
            self.ready = True
        return super().forward(x)


def norm(features: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, features)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.ppm = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), *activated(2048, 256, 1))
            for bins in (1, 2, 3, 6)
        )
        self.conv_up1 = nn.Sequential(*activated(3072, 256), *activated(256, 256))
        self.conv_up2 = nn.Sequential(*activated(512, 256))
        self.conv_up3 = nn.Sequential(*activated(320, 64))
        last = [nn.Conv2d(72, 32, 3, padding=1), leaky(), nn.Conv2d(32, 16, 3, padding=1), leaky()]
        self.conv_up4 = nn.Sequential(*last, nn.Conv2d(16, 7, 1))

    def forward(self, half, quarter, last, inputs):
        context = [sized(pooling(last), last.shape[2:]) for pooling in self.ppm]
        x = self.conv_up1(torch.cat([last, *context], 1))
        x = self.conv_up2(torch.cat([sized(x, quarter.shape[2:]), quarter], 1))
        x = self.conv_up3(torch.cat([sized(x, half.shape[2:]), half], 1))
        return self.conv_up4(torch.cat([sized(x, inputs.shape[2:]), inputs], 1))


def activated(channels: int, features: int, size: int = 3) -> list:
    conv = Standardised(channels, features, size, padding=size // 2)
    return [conv, norm(features), leaky()]


def leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(inplace=True)


def fused(image, alpha, foreground, background):
    """Return alpha and the foreground, made to agree with the image and the background."""
    foreground = foreground + alpha * (image - alpha * foreground - (1 - alpha) * background)
    missing = image - alpha * foreground - (1 - alpha) * background
    background = (background + (1 - alpha) * missing).clamp(0, 1)
    foreground = foreground.clamp(0, 1)
    apart = foreground - background
    along = ((image - background) * apart).sum(1, keepdim=True)
    alpha = (0.1 * alpha + along) / (0.1 + apart.square().sum(1, keepdim=True))
    return alpha.clamp(0, 1), foreground
