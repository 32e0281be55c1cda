"""BiRefNet (Zheng et al., CAAI AIR 2024)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.swin import Swin

try:
    from torchvision.ops import deform_conv2d
except (ImportError, RuntimeError):  # of another version of PyTorch
    deform_conv2d = None


class BiRefNet(nn.Module):
    """BiRefNet with Swin-T ("lite"), without what is for training alone."""

    def __init__(self):
        super().__init__()
        self.bb = Swin(96, (2, 2, 6, 2), (3, 6, 12, 24), 7)
        widths = [2 * width for width in self.bb.widths]
        self.squeeze_module = nn.Sequential(Block(sum(widths), widths[-1]))
        self.decoder = Decoder(*widths)

    def forward(self, image):
        half = sized(image, [side // 2 for side in image.shape[2:]])
        both = zip(self.bb(image), self.bb(half), strict=True)
        *fine, coarse = [torch.cat([x, sized(y, x.shape[2:])], 1) for x, y in both]
        shrunk = [sized(x, coarse.shape[2:]) for x in fine]
        return self.decoder(image, fine, self.squeeze_module(torch.cat([*shrunk, coarse], 1)))


class Decoder(nn.Module):
    def __init__(self, w2: int, w3: int, w4: int, w5: int):
        super().__init__()
        widths = w2 // 8, w3 // 8, w4 // 8, w5 // 8, w5 // 8
        for at, (side, width) in enumerate(zip((1, 4, 8, 16, 32), widths, strict=True), start=1):
            self.add_module(f"ipt_blk{at}", Pixels(3 * side**2, width))
        self.decoder_block4, self.decoder_block3 = Block(w5 + w5 // 8, w4), Block(w4 + w5 // 8, w3)
        self.decoder_block2, self.decoder_block1 = (
            Block(w3 + w4 // 8, w2),
            Block(w2 + w3 // 8, w2 // 2),
        )
        self.conv_out1 = nn.Sequential(nn.Conv2d(w2 // 2 + w2 // 8, 1, 1))
        for at, width in ((4, w4), (3, w3), (2, w2)):
            lateral = nn.Module()
            lateral.conv = nn.Conv2d(width, width, 1)
            self.add_module(f"lateral_block{at}", lateral)
            self.add_module(f"conv_ms_spvn_{at}", nn.Conv2d(width, 1, 1))
            edges = nn.Conv2d(width, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
            self.add_module(f"gdt_convs_{at}", nn.Sequential(*edges))
            self.add_module(f"gdt_convs_pred_{at}", nn.Sequential(nn.Conv2d(16, 1, 1)))
            self.add_module(f"gdt_convs_attn_{at}", nn.Sequential(nn.Conv2d(16, 1, 1)))

    def forward(self, image, fine, x):
        x = self.beside_pixels(5, image, x)
        for at, skip in zip((4, 3, 2), fine[::-1], strict=True):
            part = lambda name, at=at: getattr(self, f"{name}{at}")  # noqa: E731
            x = part("decoder_block")(x)
            x = x * part("gdt_convs_attn_")(part("gdt_convs_")(x)).sigmoid()
            x = sized(x, skip.shape[2:]) + part("lateral_block").conv(skip)
            x = self.beside_pixels(at, image, x)
        x = sized(self.decoder_block1(x), image.shape[2:])
        return self.conv_out1(self.beside_pixels(1, image, x)).sigmoid()

    def beside_pixels(self, at, image, x):
        (B, C, H, W), (h, w) = image.shape, x.shape[2:]
        tiles = image.view(B, C, H // h, h, W // w, w).permute(0, 1, 2, 4, 3, 5)
        return torch.cat([x, getattr(self, f"ipt_blk{at}")(tiles.reshape(B, -1, h, w))], 1)


class Pixels(nn.Module):
    def __init__(self, channels: int, features: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, padding=1)
        self.conv_out = nn.Conv2d(64, features, 3, padding=1)

    def forward(self, x):
        return self.conv_out(self.conv1(x))


class Block(nn.Module):
    def __init__(self, channels: int, features: int):
        super().__init__()
        self.conv_in, self.bn_in = nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.dec_att = Pyramid()
        self.conv_out = nn.Conv2d(64, features, 3, padding=1)
        self.bn_out = nn.BatchNorm2d(features)

    def forward(self, x):
        x = self.dec_att(self.bn_in(self.conv_in(x)).relu_())
        return self.bn_out(self.conv_out(x))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.aspp1 = Deformed(1)
        self.aspp_deforms = nn.ModuleList([Deformed(1), Deformed(3), Deformed(7)])
        everywhere = nn.Conv2d(64, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(inplace=True)
        self.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), *everywhere)
        self.conv1, self.bn1 = nn.Conv2d(5 * 256, 64, 1, bias=False), nn.BatchNorm2d(64)

    def forward(self, x):
        parts = [part(x) for part in (self.aspp1, *self.aspp_deforms)]
        parts.append(self.global_avg_pool(x).expand_as(parts[0]))
        return self.bn1(self.conv1(torch.cat(parts, 1))).relu_()


class Deformed(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        conv = self.atrous_conv = nn.Module()
        conv.offset_conv = nn.Conv2d(64, 2 * size**2, size, padding=size // 2)
        conv.modulator_conv = nn.Conv2d(64, size**2, size, padding=size // 2)
        conv.regular_conv = nn.Conv2d(64, 256, size, padding=size // 2, bias=False)
        self.bn = nn.BatchNorm2d(256)

    def forward(self, x):
        conv = self.atrous_conv
        offsets, counts = conv.offset_conv(x), 2 * conv.modulator_conv(x).sigmoid()
        kernel, border = conv.regular_conv.weight, conv.regular_conv.padding
        deformed = by_sampling if deform_conv2d is None else deform_conv2d
        return self.bn(deformed(x, offsets, kernel, None, padding=border, mask=counts)).relu_()


def by_sampling(x, offsets, kernel, bias, *, padding, mask):
    """Return what torchvision's `deform_conv2d` does, one entry of the kernel after the other."""
    (H, W), size, total = x.shape[2:], kernel.shape[2], 0
    rows, columns = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    for at in range(size**2):
        y = rows + at // size - padding[0] + offsets[:, 2 * at]
        x_ = columns + at % size - padding[1] + offsets[:, 2 * at + 1]
        grid = torch.stack([(2 * x_ + 1) / W - 1, (2 * y + 1) / H - 1], -1)
        seen = F.grid_sample(x, grid, align_corners=False) * mask[:, at, None]
        total = total + F.conv2d(seen, kernel[:, :, at // size, at % size, None, None])
    return total


def sized(x, size):
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=True)
