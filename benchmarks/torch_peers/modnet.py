"""MODNet (Ke et al., AAAI 2022)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.mobilenet_v2 import MobileNetV2


class MODNet(nn.Module):
    """MODNet, which in evaluation skips what is for training alone."""

    def __init__(self):
        super().__init__()
        self.backbone = MobileNetV2()
        low, high, fusion = nn.Module(), nn.Module(), nn.Module()
        low.se_block = Squeeze()
        low.conv_lr16x, low.conv_lr8x = Named(1280, 96, 5), Named(96, 32, 5)
        low.conv_lr = Named(32, 1, 3, 2, last=True)
        high.tohr_enc2x, high.conv_enc2x = Named(16, 32, 1), Named(35, 32, 3, 2)
        high.tohr_enc4x, high.conv_enc4x = Named(24, 32, 1), Named(64, 64, 3)
        sizes = (99, 64), (64, 64), (64, 32)
        high.conv_hr4x = nn.Sequential(*[Named(*size, 3) for size in sizes])
        sizes = (64, 64), (64, 32), (32, 32), (32, 32)
        high.conv_hr2x = nn.Sequential(*[Named(*size, 3) for size in sizes])
        high.conv_hr = nn.Sequential(Named(35, 32, 3), Named(32, 1, 1, last=True))
        fusion.conv_lr4x, fusion.conv_f2x = Named(32, 32, 5), Named(64, 32, 3)
        fusion.conv_f = nn.Sequential(Named(35, 16, 3), Named(16, 1, 1, last=True))
        self.lr_branch, self.hr_branch, self.f_branch = low, high, fusion

    def forward(self, image):
        low, high, fusion = self.lr_branch, self.hr_branch, self.f_branch
        enc2x, enc4x, enc32x = self.backbone(image)
        lr8x = low.conv_lr8x(scaled(low.conv_lr16x(scaled(low.se_block(enc32x)))))
        enc2x = high.tohr_enc2x(enc2x)
        hr4x = high.conv_enc2x(torch.cat([scaled(image, 1 / 2), enc2x], 1))
        hr4x = high.conv_enc4x(torch.cat([hr4x, high.tohr_enc4x(enc4x)], 1))
        lr4x = scaled(lr8x)
        hr4x = high.conv_hr4x(torch.cat([hr4x, lr4x, scaled(image, 1 / 4)], 1))
        hr2x = high.conv_hr2x(torch.cat([scaled(hr4x), enc2x], 1))
        lr2x = scaled(fusion.conv_lr4x(lr4x))
        f2x = fusion.conv_f2x(torch.cat([lr2x, hr2x], 1))
        return torch.sigmoid(fusion.conv_f(torch.cat([scaled(f2x), image], 1)))


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        squeeze, excite = nn.Linear(1280, 320, bias=False), nn.Linear(320, 1280, bias=False)
        self.fc = nn.Sequential(squeeze, nn.ReLU(), excite, nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class Named(nn.Module):
    """What the authors keep under `layers`."""

    def __init__(
        self, channels: int, features: int, size: int, stride: int = 1, last: bool = False
    ):
        super().__init__()
        layers = [nn.Conv2d(channels, features, size, stride, size // 2)]
        layers += [] if last else [IBNorm(features), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class IBNorm(nn.Module):
    """Half of the features by batch, half by picture."""

    def __init__(self, features: int):
        super().__init__()
        self.half = features // 2
        self.bnorm = nn.BatchNorm2d(self.half)
        self.inorm = nn.InstanceNorm2d(features - self.half)

    def forward(self, x):
        first, rest = x[:, : self.half].contiguous(), x[:, self.half :].contiguous()
        return torch.cat([self.bnorm(first), self.inorm(rest)], 1)


def scaled(x, factor: float = 2):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
