"""Guided contextual attention (Li & Lu, AAAI 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class GCA(nn.Module):
    """Natural Image Matting via Guided Contextual Attention."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, image, trimap):
        return self.decoder(*self.encoder(torch.cat([image, trimap], 1)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(6, 32, 3, 2), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = conv(32, 32), nn.BatchNorm2d(32)
        self.conv3, self.bn3 = conv(32, 64, 3, 2), nn.BatchNorm2d(64)
        self.layer1 = stage(down, 64, 64, 3, 1)
        self.layer2 = stage(down, 64, 128, 4)
        self.layer3 = stage(down, 128, 256, 4)
        self.layer_bottleneck = stage(down, 256, 512, 2)
        self.shortcut = nn.ModuleList()
        for channels, features in (6, 32), (32, 32), (64, 64), (128, 128), (256, 256):
            layers = []
            for entering in channels, features:
                layers += [conv(entering, features), nn.ReLU(), nn.BatchNorm2d(features)]
            self.shortcut.append(nn.Sequential(*layers))
        head = []
        for channels, features in (3, 16), (16, 32), (32, 128):
            head += [nn.ReflectionPad2d(1), conv(channels, features, 3, 2, 0)]
            head += [nn.ReLU(), nn.BatchNorm2d(features)]
        self.guidance_head = nn.Sequential(*head)
        self.gca = Attention()

    def forward(self, x):
        unknown, guidance = x[:, 4:5, ::8, ::8], self.guidance_head(x[:, :3])
        half = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        quarter = self.layer1(F.relu(self.bn3(self.conv3(half))))
        eighth = self.gca(guidance, self.layer2(quarter), unknown)
        sixteenth = self.layer3(eighth)
        levels = zip(self.shortcut, (x, half, quarter, eighth, sixteenth), strict=True)
        kept = [shortcut(level) for shortcut, level in levels]
        return self.layer_bottleneck(sixteenth), kept, guidance, unknown


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = stage(up, 512, 256, 2)
        self.layer2 = stage(up, 256, 128, 3)
        self.layer3 = stage(up, 128, 64, 3)
        self.layer4 = stage(up, 64, 32, 2)
        self.gca = Attention()
        self.conv1, self.bn1 = doubled(32, 32), nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x, kept, guidance, unknown):
        x = self.layer2(self.layer1(x) + kept[4]) + kept[3]
        x = self.layer3(self.gca(guidance, x, unknown)) + kept[2]
        x = self.layer4(x) + kept[1]
        x = leaky(self.bn1(self.conv1(x))) + kept[0]
        return (torch.tanh(self.conv2(x)) + 1) / 2


class Attention(nn.Module):
    """Guided contextual attention at an eighth of the picture's size."""

    def __init__(self):
        super().__init__()
        self.guidance_conv = nn.Conv2d(128, 64, 1)
        self.W = nn.Sequential(nn.Conv2d(128, 128, 1, bias=False), nn.BatchNorm2d(128))

    def forward(self, guidance, features, unknown):
        guidance = self.guidance_conv(guidance)[..., ::2, ::2]
        h, w = guidance.shape[2:]
        kernel = patches(guidance, 3, 1)
        kernel = kernel / kernel.flatten(2).norm(dim=2).clamp(min=1e-4)[..., None, None, None]
        unknown = unknown[..., ::2, ::2]
        share = unknown.mean((1, 2, 3))
        scale = [(s / (1 - s)).sqrt().clamp(0.1, 10) for s in (share, 1 - share)]
        near = (patches(unknown, 3, 1).mean((2, 3, 4)) > 0).float()
        values = patches(features, 4, 2)
        gathered = []
        for n in range(len(features)):
            around = F.pad(guidance[n : n + 1], (1, 1, 1, 1), mode="reflect")
            scores = F.conv2d(around, kernel[n])[0].reshape(h * w, h * w)
            scores = scores * torch.where(near[n] > 0, scale[0][n], scale[1][n])[:, None]
            scores = scores - 1e4 * torch.diag(near[n])
            weights = scores.softmax(0).reshape(1, h * w, h, w)
            gathered.append(F.conv_transpose2d(weights, values[n], stride=2, padding=1) / 4)
        return self.W(torch.cat(gathered)) + features


def patches(x, size: int, stride: int):
    """Return (B, places, C, size, size), mirrored at borders."""
    x = F.pad(x, (1, 1, 1, 1), mode="reflect").unfold(2, size, stride).unfold(3, size, stride)
    B, C, h, w = x.shape[:4]
    return x.permute(0, 2, 3, 1, 4, 5).reshape(B, h * w, C, size, size)


def stage(block, channels: int, features: int, count: int, stride: int = 2) -> nn.Sequential:
    rest = [block(features, features, 1) for _ in range(count - 1)]
    return nn.Sequential(block(channels, features, stride), *rest)


def down(channels: int, features: int, stride: int) -> Block:
    side = []
    if stride == 2:
        side = [nn.AvgPool2d(2), conv(channels, features, 1, 1, 0), nn.BatchNorm2d(features)]
    first = conv(channels, features, 3, stride)
    return Block(first, features, features, ("downsample", side), F.relu)


def up(channels: int, features: int, stride: int) -> Block:
    side, first = [], conv(channels, channels)
    if stride == 2:
        first = doubled(channels, channels)
        side = [nn.UpsamplingNearest2d(scale_factor=2), conv(channels, features, 1, 1, 0)]
        side += [nn.BatchNorm2d(features)]
    return Block(first, channels, features, ("upsample", side), leaky)


class Block(nn.Module):
    """A residual block; `side` is what its shortcut does."""

    def __init__(self, first: nn.Module, middle: int, features: int, side, activation):
        super().__init__()
        name, layers = side
        self.conv1, self.bn1 = first, nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = conv(middle, features), nn.BatchNorm2d(features)
        self.side = name
        if layers:
            self.add_module(name, nn.Sequential(*layers))
        self.activation = activation

    def forward(self, x):
        y = self.bn2(self.conv2(self.activation(self.bn1(self.conv1(x)))))
        side = getattr(self, self.side, None)
        return self.activation(y + (x if side is None else side(x)))


def conv(channels: int, features: int, size: int = 3, stride: int = 1, padding: int = 1):
    return Spectral(nn.Conv2d(channels, features, size, stride, padding, bias=False))


def doubled(channels: int, features: int):
    return Spectral(nn.ConvTranspose2d(channels, features, 4, 2, 1, bias=False))


def leaky(x):
    return F.leaky_relu(x, 0.2)


class Spectral(nn.Module):
    """A convolution whose kernel is divided by uᵀ W v."""

    def __init__(self, module: nn.Module):
        super().__init__()
        weight, self.module = module.weight.detach(), module
        del module.weight
        rows = weight.reshape(len(weight), -1)
        module.weight_bar = nn.Parameter(weight)
        u, _, v = torch.linalg.svd(rows, full_matrices=False)
        module.weight_u = nn.Parameter(u[:, 0].contiguous(), requires_grad=False)
        module.weight_v = nn.Parameter(v[0].contiguous(), requires_grad=False)

    def forward(self, x):
        inner = self.module
        bar = inner.weight_bar
        inner.weight = bar / (inner.weight_u @ (bar.reshape(len(bar), -1) @ inner.weight_v))
        return inner(x)
