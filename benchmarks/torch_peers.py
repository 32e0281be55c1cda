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


class Bottleneck(nn.Module):
    """A residual block of ResNet-50 and deeper."""

    def __init__(self, channels: int, inner: int, stride: int, dilation: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.downsample = None
        if channels != 4 * inner:
            projection = nn.Conv2d(channels, 4 * inner, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * inner))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class DilatedResNet(nn.Module):
    """A ResNet of bottlenecks whose last stage keeps a sixteenth of the size."""

    def __init__(self, depths, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1, channels = nn.BatchNorm2d(64), 64
        for at, depth in enumerate(depths):
            inner, stride = 64 << at, (1, 2, 2, 1)[at]
            blocks = [Bottleneck(channels, inner, stride, 1)]
            rest = 2 if at == 3 else 1
            blocks += [Bottleneck(4 * inner, inner, 1, rest) for _ in range(1, depth)]
            self.add_module(f"layer{at + 1}", nn.Sequential(*blocks))
            channels = 4 * inner

    def forward(self, x):
        half = F.relu(self.bn1(self.conv1(x)), inplace=True)
        quarter = self.layer1(F.max_pool2d(half, 3, 2, 1))
        eighth = self.layer2(quarter)
        return x, half, quarter, eighth, self.layer4(self.layer3(eighth))


def nested(layers: nn.Sequential) -> nn.Sequential:
    """Group a block's layers as torchvision does: what is activated is in one."""
    *first, conv, norm = layers
    groups = [nn.Sequential(*first[at : at + 3]) for at in range(0, len(first), 3)]
    return nn.Sequential(*groups, conv, norm)


class DilatedMobileNetV2(nn.Module):
    """MobileNetV2 without its last convolution, and with its last halving replaced."""

    def __init__(self, channels: int):
        super().__init__()
        blocks = MobileNetV2().model.features[:-1]
        blocks[0][0] = nn.Conv2d(channels, 32, 3, 2, 1, bias=False)
        for at, block in enumerate(blocks[1:], 1):
            if at >= 14:
                block.conv[3].stride = (1, 1)
            if at > 14:
                block.conv[3].dilation = block.conv[3].padding = (2, 2)
            block.conv = nested(block.conv)
        self.features = blocks

    def forward(self, x):
        levels = [x]
        for at, block in enumerate(self.features):
            x = block(x)
            if at in (1, 3, 6, 17):
                levels.append(x)
        return levels


class Mean(nn.Sequential):
    def forward(self, x):
        return super().forward(x).expand(-1, -1, *x.shape[2:])


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


def activated(channels: int, features: int, size: int, **options) -> nn.Sequential:
    layer = nn.Conv2d(channels, features, size, bias=False, **options)
    return nn.Sequential(layer, nn.BatchNorm2d(features), nn.ReLU(inplace=True))


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
    """The refiner of BackgroundMattingV2, where errors are largest."""

    def __init__(self, pixels: int):
        super().__init__()
        self.count = pixels // 16
        self.conv1, self.bn1 = nn.Conv2d(42, 24, 3, bias=False), nn.BatchNorm2d(24)
        self.conv2, self.bn2 = nn.Conv2d(24, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.conv3, self.bn3 = nn.Conv2d(22, 12, 3, bias=False), nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, 3)

    def forward(self, both, coarse, error, hidden):
        B, _, H, W = both.shape
        error = sized(error, (H // 4, W // 4)).flatten(1)
        chosen = torch.zeros_like(error)
        chosen.scatter_(1, error.topk(self.count, 1, sorted=False).indices, 1)
        chosen = (chosen * (error > 0)).view(B, H // 4, W // 4)
        at = torch.nonzero(chosen).unbind(1)
        x = cut(sized(torch.cat([hidden, coarse], 1), (H // 2, W // 2)), at, 2, 3)
        y = cut(sized(both, (H // 2, W // 2)), at, 2, 3)
        x = F.relu(self.bn1(self.conv1(torch.cat([x, y], 1))), inplace=True)
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        x = torch.cat([F.interpolate(x, 8), cut(both, at, 4, 2)], 1)
        x = self.conv4(F.relu(self.bn3(self.conv3(x)), inplace=True))
        out = sized(coarse, (H, W)).view(B, 4, H // 4, 4, W // 4, 4).permute(0, 2, 4, 1, 3, 5)
        out[at] = x
        return out.permute(0, 3, 1, 4, 2, 5).reshape(B, 4, H, W)


def cut(x, at, size: int, margin: int):
    x, length = F.pad(x, (margin,) * 4).permute(0, 2, 3, 1), size + 2 * margin
    return x.unfold(1, length, size).unfold(2, length, size)[at]


def sized(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


class BGMv2(nn.Module):
    """BackgroundMattingV2, set for HD."""

    def __init__(self, backbone: nn.Module, encoded, *, pixels: int = 80_000):
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


def bgmv2(depths) -> BGMv2:
    return BGMv2(DilatedResNet(depths, 6), (2048, 512, 256, 64))


class Weighed(nn.Module):
    """MobileNetV3's squeeze and excitation."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class MobileNetV3(nn.Module):
    """MobileNetV3-Large as RVM has it."""

    def __init__(self):
        super().__init__()
        layers, channels = [swished(3, 16, 3, nn.Hardswish, stride=2)], 16
        for size, middle, squeezed, features, activation, stride, dilation in (
            (3, 16, 0, 16, nn.ReLU, 1, 1), (3, 64, 0, 24, nn.ReLU, 2, 1),
            (3, 72, 0, 24, nn.ReLU, 1, 1), (5, 72, 24, 40, nn.ReLU, 2, 1),
            (5, 120, 32, 40, nn.ReLU, 1, 1), (5, 120, 32, 40, nn.ReLU, 1, 1),
            (3, 240, 0, 80, nn.Hardswish, 2, 1), (3, 200, 0, 80, nn.Hardswish, 1, 1),
            (3, 184, 0, 80, nn.Hardswish, 1, 1), (3, 184, 0, 80, nn.Hardswish, 1, 1),
            (3, 480, 120, 112, nn.Hardswish, 1, 1), (3, 672, 168, 112, nn.Hardswish, 1, 1),
            (5, 672, 168, 160, nn.Hardswish, 1, 2), (5, 960, 240, 160, nn.Hardswish, 1, 2),
            (5, 960, 240, 160, nn.Hardswish, 1, 2),
        ):  # fmt: skip
            block = [swished(channels, middle, 1, activation)] if middle != channels else []
            options = {"stride": stride, "dilation": dilation, "groups": middle}
            block.append(swished(middle, middle, size, activation, **options))
            block += [Weighed(middle, squeezed)] if squeezed else []
            layers.append(nn.Module())
            layers[-1].block = nn.Sequential(*block, swished(middle, features, 1))
            layers[-1].residual = stride == 1 and channels == features
            channels = features
        self.features = nn.Sequential(*layers, swished(channels, 960, 1, nn.Hardswish))

    def forward(self, x):
        mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        x = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        levels = []
        for at, layer in enumerate(self.features):
            if at in (0, 16):
                x = layer(x)
            else:
                x = x + layer.block(x) if layer.residual else layer.block(x)
            if at in (1, 3, 6, 16):
                levels.append(x)
        return levels


def swished(channels: int, features: int, size: int, activation=None, **options):
    padding = options.get("dilation", 1) * (size // 2)
    conv = nn.Conv2d(channels, features, size, padding=padding, bias=False, **options)
    norm = nn.BatchNorm2d(features, eps=1e-3, momentum=0.01)
    return nn.Sequential(conv, norm, *([activation(inplace=True)] if activation else []))


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


class RVM(nn.Module):
    """Robust Video Matting: alpha and colours of a frame, and what is remembered after it."""

    def __init__(self, backbone, encoded, context, features, ratio=0.25):
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


def doubled_to(x, like):
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return x[..., : like.shape[2], : like.shape[3]]


PEERS = {
    "dim-skip": lambda: DIM(refine=False),
    "dim-refine": lambda: DIM(refine=True),
    "gca": GCA,
    "modnet": MODNet,
    "bgmv2-mobilenetv2": lambda: BGMv2(DilatedMobileNetV2(6), (320, 32, 24, 16)),
    "bgmv2-resnet50": lambda: bgmv2((3, 4, 6, 3)),
    "bgmv2-resnet101": lambda: bgmv2((3, 4, 23, 3)),
    "rvm-mobilenetv3": lambda: RVM(MobileNetV3(), (16, 24, 40, 960), 128, (80, 40, 32, 16)),
    "rvm-resnet50": lambda: RVM(
        DilatedResNet((3, 4, 6, 3), 3), (64, 256, 512, 2048), 256, (128, 64, 32, 16)
    ),
}
