"""Swin (Liu et al., ICCV 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Swin(nn.Module):
    """Features at 1/4, 1/8, 1/16 and 1/32 of the size. Tokens are (B, H, W, C)."""

    def __init__(self, features: int, depths: tuple, heads: tuple, window: int):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, features, 4, 4)
        self.patch_embed.norm = nn.LayerNorm(features)
        self.widths = [features << at for at in range(len(depths))]
        stages = zip(self.widths, depths, heads, strict=True)
        self.layers = nn.ModuleList(
            [Stage(*stage, window, at + 1 < len(depths)) for at, stage in enumerate(stages)]
        )
        for at, width in enumerate(self.widths):
            self.add_module(f"norm{at}", nn.LayerNorm(width))

    def forward(self, image):
        x, found = self.patch_embed.proj(image).permute(0, 2, 3, 1), []
        x = self.patch_embed.norm(x)
        for at, stage in enumerate(self.layers):
            for block in stage.blocks:
                x = block(x)
            found.append(getattr(self, f"norm{at}")(x).permute(0, 3, 1, 2))
            x = stage.downsample(x)
        return found


class Stage(nn.Module):
    def __init__(self, features: int, depth: int, heads: int, window: int, shrink: bool):
        super().__init__()
        shifts = [window // 2 * (at % 2) for at in range(depth)]
        self.blocks = nn.ModuleList([Block(features, heads, window, shift) for shift in shifts])
        self.downsample = Merging(features) if shrink else nn.Identity()


class Block(nn.Module):
    def __init__(self, features: int, heads: int, window: int, shift: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attn = Attention(features, heads, window)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(features, 4 * features)
        self.mlp.fc2 = nn.Linear(4 * features, features)
        self.window, self.shift = window, shift

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))

    def attend(self, x):
        (B, H, W, C), w = x.shape, self.window
        x = F.pad(x, (0, 0, 0, -W % w, 0, -H % w))
        x = x.roll((-self.shift, -self.shift), (1, 2))
        rows, columns = x.shape[1] // w, x.shape[2] // w
        windows = x.view(B, rows, w, columns, w, C).transpose(2, 3).reshape(-1, w * w, C)
        y = self.attn(windows, apart(*x.shape[1:3], w, self.shift) if self.shift else None)
        y = y.view(B, rows, columns, w, w, C).transpose(2, 3).reshape(x.shape)
        return y.roll((self.shift, self.shift), (1, 2))[:, :H, :W]


def apart(height: int, width: int, window: int, shift: int):
    """Return -inf for tokens of a window, (windows, 1, t, t), that the shift brings together."""
    rows, columns = (torch.arange(side) >= side - shift for side in (height, width))
    parts = 2 * rows[:, None] + columns.int()
    parts = parts.view(height // window, window, width // window, window).transpose(1, 2)
    parts = parts.reshape(-1, 1, window * window)
    return torch.where(parts[..., None] == parts[..., None, :], 0.0, -torch.inf)


class Attention(nn.Module):
    def __init__(self, features: int, heads: int, window: int):
        super().__init__()
        table = torch.zeros((2 * window - 1) ** 2, heads)
        self.relative_position_bias_table = nn.Parameter(table)
        self.qkv, self.proj = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.heads = heads
        y, x = torch.cartesian_prod(*[torch.arange(window)] * 2).T
        dy, dx = (at[:, None] - at + window - 1 for at in (y, x))
        self.register_buffer("distances", dy * (2 * window - 1) + dx, persistent=False)

    def forward(self, x, apart):
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.distances].permute(2, 0, 1)[None]
        if apart is not None:
            bias = (bias + apart).repeat(len(x) // len(apart), 1, 1, 1)
        y = F.scaled_dot_product_attention(*qkv.unbind(0), attn_mask=bias)
        return self.proj(y.transpose(1, 2).flatten(2))


class Merging(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * features)
        self.reduction = nn.Linear(4 * features, 2 * features, bias=False)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, a::2, b::2] for b in (0, 1) for a in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))
