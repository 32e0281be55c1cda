"""P3M-Net with ResNet-34 (Li et al., ACM Multimedia 2021), as far as evaluation needs it."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import sized

pool = partial(F.max_pool2d, kernel_size=3, stride=2, padding=1, return_indices=True)
unpool = partial(F.max_unpool2d, kernel_size=2, stride=2)


class P3MNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = ResNet()
        for at, features in enumerate((64, 64, 128, 256)):
            self.add_module(f"tfi_{at}", Tripartite(features))
        for at, features in enumerate((64, 64, 128)):
            self.add_module(f"sbfi_{at}", Bipartite(features, 64))
            self.add_module(f"dbfi_{at}", Bipartite(features, 512, scored=True))
        widths = (64, 64, 64), (64,) * 4, (128, 128, 128, 64), (256, 256, 256, 128)
        for at, features in enumerate((*widths, (512, 512, 512, 256))):
            self.add_module(f"decoder{at}_g", convolutions(*features))
            self.add_module(f"decoder{at}_l", convolutions(*features))
        self.decoder0_g.append(nn.Conv2d(64, 3, 3, padding=1))
        self.decoder_final_l = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, image):
        (whole, *features, deep), places = self.resnet(image)
        levels = [doubled(self.decoder4_g(deep))]
        levels.append(doubled(self.decoder3_g(levels[-1])))
        levels.append(doubled(self.decoder2_g(self.dbfi_2(levels[-1], deep))))
        levels.append(doubled(self.decoder1_g(self.dbfi_1(levels[-1], deep))))
        scores = doubled(self.decoder0_g(self.dbfi_0(levels[-1], deep)))
        x = unpool(self.decoder4_l(deep), places.pop())
        x = self.tfi_3(levels[0], x, features.pop())
        x = unpool(self.decoder3_l(x), places.pop())
        for at in (2, 1, 0):
            x = getattr(self, f"tfi_{at}")(levels[3 - at], x, features.pop())
            x = getattr(self, f"sbfi_{at}")(x, F.max_pool2d(whole, 2, 2 << at))
            x = unpool(getattr(self, f"decoder{at}_l")(x), places.pop())
        local = torch.sigmoid(self.decoder_final_l(x))
        best = scores.argmax(1, keepdim=True)
        return torch.where(best == 1, local, (best == 2).to(local.dtype))


class ResNet(nn.Module):
    """Return features at 1, 1/2, … 1/32 of the size, and the places of five poolings' maxima."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 1, 3, bias=False), nn.BatchNorm2d(64)
        channels = 64
        for at, depth in enumerate((3, 4, 6, 3)):
            features = 64 << at
            blocks = [
                Block(channels if not block else features, features) for block in range(depth)
            ]
            self.add_module(f"layer{at + 1}", nn.Sequential(*blocks))
            channels = features
        self.fc = nn.Linear(512, 1000)

    def forward(self, image):
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)
        pooled, place = pool(x)
        features, places, x = [x, pooled], [place], pooled
        for at in range(1, 5):
            pooled, place = pool(x)
            x = getattr(self, f"layer{at}")(pooled)
            features.append(x)
            places.append(place)
        return features, places


class Block(nn.Module):
    def __init__(self, channels: int, features: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, features, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(features), nn.BatchNorm2d(features)
        self.downsample = None
        if channels != features:
            layer = nn.Conv2d(channels, features, 1, bias=False)
            self.downsample = nn.Sequential(layer, nn.BatchNorm2d(features))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class Tripartite(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.transform = nn.Conv2d(features, features // 2, 1, bias=False)
        self.conv1 = nn.Conv2d(3 * features // 2, features, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(features)

    def forward(self, *parts):
        x = torch.cat([self.transform(x) for x in parts], 1)
        return F.relu(self.bn1(self.conv1(x)), inplace=True)


class Bipartite(nn.Module):
    def __init__(self, features: int, others: int, scored: bool = False):
        super().__init__()
        self.transform1 = nn.Conv2d(features, features // 2, 1, bias=False)
        self.transform2 = nn.Conv2d(others, features // 2, 1, bias=False)
        self.conv1 = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(features)
        if scored:  # in training
            self.conv2 = nn.Conv2d(features, 3, 3, padding=1, bias=False)

    def forward(self, x, other):
        other = self.transform2(other)
        if other.shape[2:] != x.shape[2:]:
            other = sized(other, x.shape[2:])
        y = self.bn1(self.conv1(torch.cat([self.transform1(x), other], 1)))
        return x + F.relu(y, inplace=True)


def convolutions(*features: int) -> nn.Sequential:
    layers = []
    for entering, leaving in pairwise(features):
        layers.append(nn.Conv2d(entering, leaving, 3, padding=1))
        layers += [nn.BatchNorm2d(leaving), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def doubled(x):
    return sized(x, (2 * x.shape[2], 2 * x.shape[3]))
