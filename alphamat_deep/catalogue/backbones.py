"""How the names in checkpoints of backbones become those of ours, and files of backbones alone.

Our modules have their authors' attribute names, so these tables are short. Classifiers are left
out, because no network here has one.
"""

from __future__ import annotations

from collections.abc import Iterator

from alphamat_deep.backbones import mobilenet_v2, mobilenet_v3
from alphamat_deep.catalogue.preset import Backbone
from alphamat_deep.fill import Names

# bb_st2_1_branch_layer_1_3 becomes 1_3: the path says the rest.
HRNET = ((r"\.(?:stage_st\d|(?:bb|transition|residual)_\w*?layer\d?)_(\d)", r".\1"),)

# torchvision nests what ours has in one list; its first block has no expansion.
TORCHVISION_MOBILENETV2 = (
    (r"features\.1\.conv\.1\.", "blocks.1.conv.3."),
    (r"features\.1\.conv\.2\.", "blocks.1.conv.4."),
    (r"features\.(\d+)\.conv\.0\.(\d)\.", r"blocks.\1.conv.\2."),
    (r"features\.(\d+)\.conv\.1\.0\.", r"blocks.\1.conv.3."),
    (r"features\.(\d+)\.conv\.1\.1\.", r"blocks.\1.conv.4."),
    (r"features\.(\d+)\.conv\.2\.", r"blocks.\1.conv.6."),
    (r"features\.(\d+)\.conv\.3\.", r"blocks.\1.conv.7."),
    (r"features\.", "blocks."),
)


def _paddle_mobilenetv2_blocks() -> Iterator[tuple[str, str]]:
    blocks = [
        f"conv{stage}\\." + ("_first_block" if at == 1 else f"conv{stage}_{at}")
        for stage, (_, _, count, _) in enumerate(mobilenet_v2.STAGES, start=2)
        for at in range(1, count + 1)
    ]
    for at, block in enumerate(blocks, start=1):
        yield block, f"blocks.{at}"


PADDLE_MOBILENETV2 = (
    (r"conv1\._conv", "blocks.0.0"),
    (r"conv1\._batch_norm", "blocks.0.1"),
    *_paddle_mobilenetv2_blocks(),
    (r"_expand_conv\._conv", "conv.0"),
    (r"_expand_conv\._batch_norm", "conv.1"),
    (r"_bottleneck_conv\._conv", "conv.3"),
    (r"_bottleneck_conv\._batch_norm", "conv.4"),
    (r"_linear_conv\._conv", "conv.6"),
    (r"_linear_conv\._batch_norm", "conv.7"),
    (r"conv9\._conv", "blocks.18.0"),
    (r"conv9\._batch_norm", "blocks.18.1"),
)


def _paddle_mobilenetv3_blocks() -> Iterator[tuple[str, str]]:
    channels = 16
    for at, (_, expanded, squeezed, features, *_) in enumerate(mobilenet_v3.BLOCKS):
        parts = ["expand_conv"] if expanded != channels else []
        parts += ["bottleneck_conv", *(["mid_se"] if squeezed else []), "linear_conv"]
        for place, part in enumerate(parts):
            yield rf"blocks\.{at}\.{part}\.", f"layers.{at + 1}.block.{place}."
        channels = features


PADDLE_MOBILENETV3 = (
    *_paddle_mobilenetv3_blocks(),
    (r"^backbone\.conv\.", "backbone.layers.0."),
    (r"last_second_conv\.", "layers.16."),
    (r"^(backbone\..*)\.conv\.", r"\1.0."),
    (r"\.bn\.", ".1."),
    (r"^(backbone\..*)\.conv(\d)\.", r"\1.fc\2."),
)

_INSIDE = (r"^", "backbone.")
_CLASSIFIER = r"^(classifier|fc|out)\."

MOBILENETV2 = Backbone(
    title="MobileNetV2 of ImageNet (torchvision's mobilenet_v2)",
    mark=r"^features\.2\.conv\.0\.0\.weight$",
    names=Names(rename=(*TORCHVISION_MOBILENETV2, _INSIDE), ignore=(_CLASSIFIER,)),
)
MOBILENETV3 = Backbone(
    title="MobileNetV3 of ImageNet (torchvision's mobilenet_v3_large)",
    mark=r"^features\.1\.block\.0\.0\.weight$",
    names=Names(rename=((r"^features\.", "backbone.layers."),), ignore=(_CLASSIFIER,)),
)
RESNET = Backbone(
    title="ResNet of ImageNet (torchvision's, of the same depth)",
    mark=r"^layer4\.2\.conv3\.weight$",
    names=Names(rename=(_INSIDE,), ignore=(_CLASSIFIER,)),
)
PADDLE_MOBILENETV2_ALONE = Backbone(
    title="MobileNetV2 of ImageNet (PaddlePaddle's MobileNetV2)",
    mark=r"^conv2\._first_block\.",
    names=Names(rename=(*PADDLE_MOBILENETV2, _INSIDE), ignore=(_CLASSIFIER,)),
)
PADDLE_RESNET_VD = Backbone(
    title="ResNet-vd of ImageNet (PaddlePaddle's)",
    mark=r"^bb_0_0\.conv0\._conv\.weight$",
    names=Names(rename=(_INSIDE,), ignore=(_CLASSIFIER,)),
)
PADDLE_HRNET = Backbone(
    title="HRNet of ImageNet (PaddleSeg's)",
    mark=r"^conv_layer1_1\._conv\.weight$",
    names=Names(
        rename=(_INSIDE, *HRNET), ignore=(_CLASSIFIER, r"^(last_cls|cls_head\w*|conv_last)\.")
    ),
)
