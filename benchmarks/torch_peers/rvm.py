"""Robust Video Matting (Lin et al., WACV 2022)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import activated
from benchmarks.torch_peers.mobilenet_v3 import MobileNetV3
from benchmarks.torch_peers.resnet import DilatedResNet


def rvm_mobilenetv3(**options) -> RVM:
    return RVM(MobileNetV3(), (16, 24, 40, 960), 128, (80, 40, 32, 16), **options)


def rvm_resnet50(**options) -> RVM:
    backbone = DilatedResNet((3, 4, 6, 3), 3)
    return RVM(backbone, (64, 256, 512, 2048), 256, (128, 64, 32, 16), **options)


class RVM(nn.Module):
    """Robust Video Matting: alpha and colours of a frame, and what is remembered after it."""

    def __init__(self, backbone, encoded, context, features, *, ratio=0.25):
        super().__init__()
        self.backbone, self.ratio = backbone, ratio
        (f1, f2, f3, f4), (d3, d2, d1, d0) = encoded, features
        self.aspp, self.decoder, self.refiner = nn.Module(), nn.Module(), nn.Module()
        self.aspp.aspp1 = activated(f4, context, 1)
        weighed = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(f4, context, 1, bias=False), nn.Sigmoid()]
        self.aspp.aspp2 = nn.Sequential(*weighed)
        self.decoder.decode4 = nn.Module()
        self.decoder.decode4.gru = Gated(context // 2)
        for at, (channels, width) in enumerate(
            ((context + f3 + 3, d3), (d3 + f2 + 3, d2), (d2 + f1 + 3, d1))
        ):
            block = nn.Module()
            block.conv, block.gru = activated(channels, width, 3, padding=1), Gated(width // 2)
            self.decoder.add_module(f"decode{3 - at}", block)
        self.decoder.decode0 = nn.Module()
        self.decoder.decode0.conv = nn.Sequential(
            *activated(d1 + 3, d0, 3, padding=1), *activated(d0, d0, 3, padding=1)
        )
        self.project_mat, self.project_seg = nn.Module(), nn.Module()
        self.project_mat.conv, self.project_seg.conv = nn.Conv2d(d0, 4, 1), nn.Conv2d(d0, 1, 1)
        nn.init.constant_(self.project_mat.conv.bias, 0.5)  # where alpha is not clipped
        self.refiner.box_filter = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        nn.init.constant_(self.refiner.box_filter.weight, 1 / 9)
        layers = [*activated(8 + d0, d0, 1), *activated(d0, d0, 1), nn.Conv2d(d0, 4, 1)]
        self.refiner.conv = nn.Sequential(*layers)

    def forward(self, image, state=(None, None, None, None)):
        s0 = image
        if self.ratio != 1:
            s0 = F.interpolate(
                image, scale_factor=self.ratio, mode="bilinear", align_corners=False,
                recompute_scale_factor=False,
            )  # fmt: skip
        scales = [s0]
        for _ in range(3):
            options = {"ceil_mode": True, "count_include_pad": False}
            scales.append(F.avg_pool2d(scales[-1], 2, 2, **options))
        *_, f1, f2, f3, f4 = self.backbone(s0)
        x = self.aspp.aspp1(f4) * self.aspp.aspp2(f4)
        decoder, after = self.decoder, []
        x, h = decoder.decode4.gru(x, state[3])
        after.append(h)
        for at, f in (3, f3), (2, f2), (1, f1):
            block = decoder.get_submodule(f"decode{at}")
            x = block.conv(torch.cat([doubled_to(x, scales[at]), f, scales[at]], 1))
            x, h = block.gru(x, state[at - 1])
            after.append(h)
        hidden = decoder.decode0.conv(torch.cat([doubled_to(x, s0), s0], 1))
        matte = self.project_mat.conv(hidden)
        if self.ratio != 1:
            matte = self.refine(image, s0, matte, hidden)
        foreground = (matte[:, :3] + image).clamp(0, 1)
        return matte[:, 3:].clamp(0, 1), foreground, tuple(after[::-1])

    def refine(self, image, small, matte, hidden):
        grey = [torch.cat([x, x.mean(1, keepdim=True)], 1) for x in (image, small)]
        x, box = grey[1], self.refiner.box_filter
        mean_x, mean_y = box(x), box(matte)
        seen = [box(x * matte) - mean_x * mean_y, box(x * x) - mean_x * mean_x, hidden]
        A = self.refiner.conv(torch.cat(seen, 1))
        b = mean_y - A * mean_x
        A, b = (
            F.interpolate(part, image.shape[2:], mode="bilinear", align_corners=False)
            for part in (A, b)
        )
        return A * grey[0] + b


class Gated(nn.Module):
    """A recurrent unit of convolutions, for the second half of what it gets."""

    def __init__(self, channels: int):
        super().__init__()
        both = 2 * channels
        self.ih = nn.Sequential(nn.Conv2d(both, both, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(both, channels, 3, padding=1), nn.Tanh())

    def forward(self, x, h):
        now, x = x.chunk(2, 1)
        if h is None:
            h = torch.zeros_like(x)
        r, z = self.ih(torch.cat([x, h], 1)).chunk(2, 1)
        h = (1 - z) * h + z * self.hh(torch.cat([x, r * h], 1))
        return torch.cat([now, h], 1), h


def doubled_to(x, like):
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return x[..., : like.shape[2], : like.shape[3]]
