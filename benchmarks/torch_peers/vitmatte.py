"""ViTMatte (Yao et al., Information Fusion 2024)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_peers.layers import sized

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WINDOW, TRAINED = 14, 32  # tokens wide


class ViTMatte(nn.Module):
    def __init__(self, features: int = 384, heads: int = 6):
        super().__init__()
        self.backbone = ViT(features, heads)
        self.decoder = DetailCapture(features)
        mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, image, trimap):
        x = torch.cat([(image - self.mean) / self.std, trimap], 1)
        return self.decoder(self.backbone(x), x)


class ViT(nn.Module):
    """A plain vision transformer with windows, as ViTDet has it. Tokens are (B, H, W, C)."""

    def __init__(self, features: int, heads: int):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + 14**2, features))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(4, features, 16, 16)
        self.blocks = nn.Sequential(*[Block(features, heads, at % 3 == 2) for at in range(12)])

    def forward(self, x):
        x = self.patch_embed.proj(x)
        grid = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (14, 14))
        x = x + F.interpolate(grid, x.shape[2:], mode="bicubic", align_corners=False)
        return self.blocks(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, features: int, heads: int, everywhere: bool):
        super().__init__()
        self.norm1, self.norm2 = norm(features), norm(features)
        self.attn = Attention(features, heads, TRAINED if everywhere else WINDOW)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(features, 4 * features)
        self.mlp.fc2 = nn.Linear(4 * features, features)
        self.residual = Bottleneck(features) if everywhere else None

    def forward(self, x):
        y = self.norm1(x)
        x = x + (self.attn(y) if self.residual else by_windows(self.attn, y))
        x = x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))
        return self.residual(x) if self.residual else x


class Attention(nn.Module):
    """Attention whose scores depend on how far two tokens are from each other."""

    def __init__(self, features: int, heads: int, side: int):
        super().__init__()
        self.qkv, self.proj = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, features // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, features // heads))
        self.heads = heads

    def forward(self, x):
        B, H, W, C = x.shape
        qkv = self.qkv(x).view(B, H * W, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        spread = q.unflatten(2, (H, W))
        by_row = torch.einsum("bnyxd,yzd->bnyxz", spread, relative(self.rel_pos_h, H))
        by_column = torch.einsum("bnyxd,xzd->bnyxz", spread, relative(self.rel_pos_w, W))
        bias = (by_row[..., None] + by_column[..., None, :]).flatten(4).flatten(2, 3)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(y.transpose(1, 2).reshape(B, H, W, C))


def relative(table, count: int):
    """Return the table's vector for each query and key of `count` in a row."""
    length = 2 * count - 1
    if length != len(table):
        table = F.interpolate(table.T[None], length, mode="linear")[0].T
    at = torch.arange(count)
    return table[at[:, None] - at + count - 1]


def by_windows(layer, x):
    """Apply a layer to windows, filled up with zeros."""
    B, H, W, C = x.shape
    x = F.pad(x, (0, 0, 0, -W % WINDOW, 0, -H % WINDOW))
    rows, columns = x.shape[1] // WINDOW, x.shape[2] // WINDOW
    parts = x.view(B, rows, WINDOW, columns, WINDOW, C).transpose(2, 3)
    y = layer(parts.reshape(-1, WINDOW, WINDOW, C))
    y = y.view(B, rows, columns, WINDOW, WINDOW, C).transpose(2, 3)
    return y.reshape(x.shape)[:, :H, :W]


class Bottleneck(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        inner = features // 2
        self.conv1, self.norm1 = nn.Conv2d(features, inner, 1, bias=False), norm(inner)
        self.conv2, self.norm2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False), norm(inner)
        self.conv3, self.norm3 = nn.Conv2d(inner, features, 1, bias=False), norm(features)

    def forward(self, x):
        y = F.gelu(self.norm1(by_channel(self.conv1, x)))
        y = F.gelu(self.norm2(by_channel(self.conv2, y)))
        return x + self.norm3(by_channel(self.conv3, y))


def by_channel(conv, x):
    """Apply a convolution to (B, H, W, C), which PyTorch calls channels last."""
    return conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def norm(features: int) -> nn.LayerNorm:
    return nn.LayerNorm(features, eps=1e-6)


class DetailCapture(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        details, fused = (4, 48, 96, 192), (256, 128, 64, 32)
        self.convstream, self.matting_head = nn.Module(), nn.Module()
        self.convstream.convs = nn.ModuleList(BasicConv(*pair, 2) for pair in pairwise(details))
        self.fusion_blks, channels = nn.ModuleList(), features
        for detail, width in zip(details[::-1], fused, strict=True):
            block, channels = nn.Module(), channels + detail
            block.conv, channels = BasicConv(channels, width, 1), width
            self.fusion_blks.append(block)
        head = [nn.Conv2d(32, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        self.matting_head.matting_convs = nn.Sequential(*head, nn.Conv2d(16, 1, 1))

    def forward(self, x, image):
        details = [image]
        for conv in self.convstream.convs:
            details.append(conv(details[-1]))
        for block, detail in zip(self.fusion_blks, details[::-1], strict=True):
            x = block.conv(torch.cat([detail, sized(x, detail.shape[2:])], 1))
        return self.matting_head.matting_convs(x).sigmoid()


class BasicConv(nn.Module):
    def __init__(self, channels: int, features: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, features, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(features)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)
