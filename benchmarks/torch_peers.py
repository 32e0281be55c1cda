"""Published networks in PyTorch, under their authors' names, for `benchmarks.networks`.

Each is written from its paper and computes what the authors' program does; the table says how far
it is from ours with the same weights. PyTorch is no dependency: these are used where it is
installed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

VGG = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class DIM(nn.Module):
    """Deep Image Matting, with skip connections, and with refinement or without."""

    def __init__(self, refine: bool):
        super().__init__()
        channels = 4
        for stage, features in enumerate(VGG, 1):
            for layer, count in enumerate(features, 1):
                self.add_module(f"conv{stage}_{layer}", nn.Conv2d(channels, count, 3, padding=1))
                channels = count
        self.conv6_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.deconv6_1 = nn.Conv2d(512, 512, 1)
        for stage, features in zip((5, 4, 3, 2, 1), (512, 256, 128, 64, 64), strict=True):
            self.add_module(f"deconv{stage}_1", nn.Conv2d(channels, features, 5, padding=2))
            channels = features
        self.deconv1 = nn.Conv2d(64, 1, 5, padding=2)
        self.refine = refine
        if refine:
            self.refine_conv1 = nn.Conv2d(4, 64, 3, padding=1)
            self.refine_conv2 = nn.Conv2d(64, 64, 3, padding=1)
            self.refine_conv3 = nn.Conv2d(64, 64, 3, padding=1)
            self.refine_pred = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, image, trimap):
        x, kept = torch.cat([image, trimap], 1), []
        for stage, features in enumerate(VGG, 1):
            for layer in range(1, len(features) + 1):
                x = F.relu(self.get_submodule(f"conv{stage}_{layer}")(x))
            top, places = F.max_pool2d(x, 2, return_indices=True)
            kept.append((x, places))
            x = top
        x = F.relu(self.deconv6_1(F.relu(self.conv6_1(x))))
        for stage in (5, 4, 3, 2, 1):
            encoded, places = kept.pop()
            x = F.max_unpool2d(x, places, 2) + encoded
            x = F.relu(self.get_submodule(f"deconv{stage}_1")(x))
        logit = self.deconv1(x)
        if not self.refine:
            return torch.sigmoid(logit)
        x = torch.cat([image, torch.sigmoid(logit)], 1)
        for layer in self.refine_conv1, self.refine_conv2, self.refine_conv3:
            x = F.relu(layer(x))
        return torch.sigmoid(logit + self.refine_pred(x))


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


def conv(channels: int, features: int, size: int = 3, stride: int = 1, padding: int = 1):
    return Spectral(nn.Conv2d(channels, features, size, stride, padding, bias=False))


def doubled(channels: int, features: int):
    return Spectral(nn.ConvTranspose2d(channels, features, 4, 2, 1, bias=False))


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


def leaky(x):
    return F.leaky_relu(x, 0.2)


def stage(block, channels: int, features: int, count: int, stride: int = 2) -> nn.Sequential:
    rest = [block(features, features, 1) for _ in range(count - 1)]
    return nn.Sequential(block(channels, features, stride), *rest)


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


class GCA(nn.Module):
    """Natural Image Matting via Guided Contextual Attention."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, image, trimap):
        return self.decoder(*self.encoder(torch.cat([image, trimap], 1)))


def separable(channels: int, features: int, expansion: int, stride: int) -> nn.Sequential:
    """Return MobileNetV2's block without its shortcut."""
    middle, layers = expansion * channels, []
    if expansion > 1:
        layers = [nn.Conv2d(channels, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU6()]
    layers.append(nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False))
    layers += [nn.BatchNorm2d(middle), nn.ReLU6()]
    return nn.Sequential(
        *layers, nn.Conv2d(middle, features, 1, bias=False), nn.BatchNorm2d(features)
    )


class Inverted(nn.Module):
    def __init__(self, channels: int, features: int, expansion: int, stride: int):
        super().__init__()
        self.conv = separable(channels, features, expansion, stride)
        self.residual = stride == 1 and channels == features

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        blocks, channels = [nn.Sequential(stem, nn.BatchNorm2d(32), nn.ReLU6())], 32
        for expansion, features, count, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        ):  # fmt: skip
            for at in range(count):
                blocks.append(Inverted(channels, features, expansion, 1 if at else stride))
                channels = features
        last = nn.Conv2d(channels, 1280, 1, bias=False)
        blocks.append(nn.Sequential(last, nn.BatchNorm2d(1280), nn.ReLU6()))
        self.model = nn.Module()
        self.model.features = nn.Sequential(*blocks)

    def forward(self, x):
        levels = []
        for at, block in enumerate(self.model.features):
            x = block(x)
            if at in (1, 3, 18):
                levels.append(x)
        return levels


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


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        squeeze, excite = nn.Linear(1280, 320, bias=False), nn.Linear(320, 1280, bias=False)
        self.fc = nn.Sequential(squeeze, nn.ReLU(), excite, nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


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


def scaled(x, factor: float = 2):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


PEERS = {
    "dim-skip": lambda: DIM(refine=False),
    "dim-refine": lambda: DIM(refine=True),
    "gca": GCA,
    "modnet": MODNet,
}
