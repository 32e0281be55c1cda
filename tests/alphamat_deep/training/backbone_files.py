"""Names and shapes in files of backbones, as torchvision and others publish them."""

import re

from alphamat_deep.backbones.mobilenet_v3 import BLOCKS
from tests.alphamat_deep.reference_networks import manifest

PARAMETERS = "weight", "bias"
NORM = *PARAMETERS, "running_mean", "running_var"


def conv(name, features, channels, size):
    return {f"{name}.weight": (features, channels, size, size)}


def norm(name, features):
    arrays = {f"{name}.{part}": (features,) for part in NORM}
    return arrays | {f"{name}.num_batches_tracked": ()}


def linear(name, features, channels):
    return {f"{name}.weight": (features, channels), f"{name}.bias": (features,)}


def vgg16():
    arrays, channels, at = {}, 3, 0
    for features in (64, 64, 0, 128, 128, 0, *3 * (256,), 0, *3 * (512,), 0, *3 * (512,), 0):
        if features:
            arrays |= conv(f"features.{at}", features, channels, 3)
            arrays[f"features.{at}.bias"] = (features,)
            channels = features
        at += 2 if features else 1
    for at, *sizes in (0, 4096, 25088), (3, 4096, 4096), (6, 1000, 4096):
        arrays |= linear(f"classifier.{at}", *sizes)
    return arrays


def resnet(depths, expansion):
    arrays, channels = conv("conv1", 64, 3, 7) | norm("bn1", 64), 64
    for stage, depth in enumerate(depths, start=1):
        inner = 32 << stage
        sides = [(inner, 3), (inner, 3)] if expansion == 1 else [(inner, 1), (inner, 3)]
        sides += [] if expansion == 1 else [(4 * inner, 1)]
        for block in range(depth):
            name, entering = f"layer{stage}.{block}", channels
            for at, (features, size) in enumerate(sides, start=1):
                arrays |= conv(f"{name}.conv{at}", features, channels, size)
                arrays |= norm(f"{name}.bn{at}", features)
                channels = features
            if entering != channels:
                arrays |= conv(f"{name}.downsample.0", channels, entering, 1)
                arrays |= norm(f"{name}.downsample.1", channels)
    return arrays | linear("fc", 1000, channels)


def mobilenet_v2():
    arrays, channels = conv_norm("features.0", 32, 3, 3), 32
    stages = (16, 1), (24, 2), (32, 3), (64, 4), (96, 3), (160, 3), (320, 1)
    blocks = [features for features, count in stages for _ in range(count)]
    for at, features in enumerate(blocks, start=1):
        name, middle, step = f"features.{at}.conv", channels, 0
        if at > 1:
            middle, step = 6 * channels, 1
            arrays |= conv_norm(f"{name}.0", middle, channels, 1)
        arrays |= conv_norm(f"{name}.{step}", middle, 1, 3)
        arrays |= conv(f"{name}.{step + 1}", features, middle, 1)
        arrays |= norm(f"{name}.{step + 2}", features)
        channels = features
    return arrays | conv_norm("features.18", 1280, 320, 1) | linear("classifier.1", 1000, 1280)


def conv_norm(name, features, channels, size):
    return conv(f"{name}.0", features, channels, size) | norm(f"{name}.1", features)


def mobilenet_v3_large():
    arrays, channels = conv_norm("features.0", 16, 3, 3), 16
    for at, (size, middle, squeezed, features, *_) in enumerate(BLOCKS, start=1):
        name, step = f"features.{at}.block", 0
        if middle != channels:
            arrays |= conv_norm(f"{name}.0", middle, channels, 1)
            step = 1
        arrays |= conv_norm(f"{name}.{step}", middle, 1, size)
        if squeezed:
            step += 1
            for fc, sizes in ("fc1", (squeezed, middle)), ("fc2", (middle, squeezed)):
                arrays |= conv(f"{name}.{step}.{fc}", *sizes, 1)
                arrays[f"{name}.{step}.{fc}.bias"] = sizes[:1]
        arrays |= conv_norm(f"{name}.{step + 1}", features, middle, 1)
        channels = features
    arrays |= conv_norm("features.16", 960, 160, 1)
    return arrays | linear("classifier.0", 1280, 960) | linear("classifier.3", 1000, 1280)


def resnet34():
    return resnet((3, 4, 6, 3), 1)


def resnet50():
    return resnet((3, 4, 6, 3), 4)


def resnet50_by_groups():
    """Qiao's file: with group normalisation, which has no statistics."""
    kept = {name: shape for name, shape in resnet50().items() if name.split(".")[-1] in PARAMETERS}
    return {f"module.{name}": shape for name, shape in kept.items()}


def human_mobilenet_v2():
    """MODNet's file: the blocks of torchvision's are flat lists, in which a rectifier counts."""
    first = {"0.0": 0, "0.1": 1, "1": 3, "2": 4}
    later = {"0.0": 0, "0.1": 1, "1.0": 3, "1.1": 4, "2": 6, "3": 7}
    arrays = {}
    for name, shape in mobilenet_v2().items():
        _, at, *inner, part = name.split(".")
        if inner[:1] == ["conv"]:
            place = (first if at == "1" else later)[".".join(inner[1:])]
            name = f"features.{at}.conv.{place}.{part}"
        arrays[name] = shape
    return arrays


def stored(oracle, prefix):
    """Return names without the prefix, and shapes, of a part of an authors' whole network."""
    params = {name: tuple(shape) for name, shape, *_ in manifest(oracle)["params"]}
    return {x.removeprefix(prefix): s for x, s in params.items() if x.startswith(prefix)}


def paddle(oracle, *heads):
    """Return what gives PaddlePaddle's file, with layers of a classifier."""

    def made():
        arrays = stored(oracle, "backbone.")
        arrays.pop("_conv_6.weight", None)  # which the classifier has not
        first = next(iter(arrays))
        arrays[first] = (arrays[first][0], 3, *arrays[first][2:])
        return arrays | {f"{name}.weight": (count,) for name, count in heads}

    return made


def swin(oracle):
    """Return what gives Microsoft's Swin: it normalises at its end only, and has tables."""

    def made():
        arrays = {x: s for x, s in stored(oracle, "bb.").items() if not x.startswith("norm")}
        width = arrays["layers.3.blocks.1.norm2.weight"]
        arrays |= {"norm.weight": width, "norm.bias": width, "head.weight": (1000, *width)}
        tables = "attn.relative_position_index", "attn_mask"
        return arrays | {f"layers.0.blocks.1.{table}": (4, 4) for table in tables}

    return made


def pretrained_vit(oracle):
    """Return what gives a transformer that was trained by itself: it has no distances."""

    def made():
        arrays = stored(oracle, "backbone.")
        arrays = {x: s for x, s in arrays.items() if not re.search("rel_pos|residual", x)}
        features = arrays["pos_embed"][2]
        arrays["patch_embed.proj.weight"] = (features, 3, 16, 16)
        last = {f"norm.{part}": (features,) for part in ("weight", "bias")}
        return {"cls_token": (1, 1, features)} | arrays | last

    return made


def gca_resnet34():
    arrays = stored("gca", "encoder.")
    arrays |= {"conv1.module.weight_bar": (32, 3, 3, 3), "conv1.module.weight_v": (27,)}
    ours = {x: s for x, s in arrays.items() if x.startswith(("conv", "bn", "layer"))}
    return {f"module.{x}": s for x, s in (ours | linear("fc", 1000, 512)).items()}


def deeplab(oracle):
    """Return what gives a DeepLabV3 with the backbone of a matting network."""

    def made():
        head = conv("classifier.classifier.1", 256, 256, 3) | norm("classifier.classifier.2", 256)
        aspp = {f"classifier.classifier.0.{x}": s for x, s in stored(oracle, "aspp.").items()}
        arrays = {}
        for name, shape in stored(oracle, "backbone.").items():
            level = "low" if re.match(r"features\.[0-3]\.", name) else "high"
            arrays["backbone." + name.replace("features", f"{level}_level_features")] = shape
        return arrays | aspp | head

    return made
