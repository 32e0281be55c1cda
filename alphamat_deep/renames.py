"""How the names in the authors' checkpoints become those of our models.

Models keep their authors' attribute names, so these tables are short. What all checkpoints need is
in `fill.EVERYWHERE`.
"""

from collections.abc import Iterator

from alphamat_deep.backbones import mobilenet_v2, mobilenet_v3
from alphamat_deep.fill import Names

_REPEATED_LAST = ((r"upsample\.1\.", "upsample.0."), (r"upsample\.2\.", "upsample.1."))

GCA = Names(rename=((r"\.module\.weight_", ".weight_"), *_REPEATED_LAST))
PP_GCA = Names(rename=((r"\.out_conv\.", ".W."), *_REPEATED_LAST))

_PP_MOBILENETV2_BLOCKS = [
    f"conv{stage}\\." + ("_first_block" if at == 1 else f"conv{stage}_{at}")
    for stage, (_, _, count, _) in enumerate(mobilenet_v2.STAGES, start=2)
    for at in range(1, count + 1)
]
PP_MOBILENETV2 = (
    (r"conv1\._conv", "blocks.0.0"),
    (r"conv1\._batch_norm", "blocks.0.1"),
    *((block, f"blocks.{at}") for at, block in enumerate(_PP_MOBILENETV2_BLOCKS, start=1)),
    (r"_expand_conv\._conv", "conv.0"),
    (r"_expand_conv\._batch_norm", "conv.1"),
    (r"_bottleneck_conv\._conv", "conv.3"),
    (r"_bottleneck_conv\._batch_norm", "conv.4"),
    (r"_linear_conv\._conv", "conv.6"),
    (r"_linear_conv\._batch_norm", "conv.7"),
    (r"conv9\._conv", "blocks.18.0"),
    (r"conv9\._batch_norm", "blocks.18.1"),
)

# bb_st2_1_branch_layer_1_3 becomes 1_3: the rest is the path's.
HRNET = ((r"\.(?:stage_st\d|(?:bb|transition|residual)_\w*?layer\d?)_(\d)", r".\1"),)

MODNET = Names(
    rename=((r"backbone\.model\.features\.", "backbone.blocks."),),
    ignore=(r"lr_branch\.backbone\.",),  # the same tensors again
)
_PP_MODNET = (r"^head\.", ""), (r"se_block\.conv\.", "se_block.fc.")
_LOSS = (r"^blurer\.",)
PP_MODNET_MOBILENETV2 = Names(rename=(*_PP_MODNET, *PP_MOBILENETV2), ignore=_LOSS)
PP_MODNET_RESNET_VD = Names(rename=_PP_MODNET, ignore=_LOSS)
PP_MODNET_HRNET = Names(rename=(*_PP_MODNET, *HRNET), ignore=_LOSS)

PP_MATTING = Names(rename=HRNET)

PP_MATTINGV2 = Names(
    rename=(
        (r"^backbone\.features\.", "backbone.layers."),
        (r"\.transformer_blocks\.0\.", "."),
        (r"\.(conv|c)\.weight$", "._conv.weight"),
        (r"\.bn\.", "._batch_norm."),
    ),
    spare=(r"^matting_head_mlff8x\.",),  # only training needs it
)

PP_HUMANMATTING = Names(
    rename=(
        (r"^(psp\d)\.0\.", r"\1."),
        (r"^decoder(\d)_g\.", r"glance.stages.\1."),
        (r"^decoder(\d)_f\.", r"focus.stages.\1."),
    )
)

# torchvision nests what ours has in one list; its first block has no expansion.
_TORCHVISION_MOBILENETV2 = (
    (r"features\.1\.conv\.1\.", "blocks.1.conv.3."),
    (r"features\.1\.conv\.2\.", "blocks.1.conv.4."),
    (r"features\.(\d+)\.conv\.0\.(\d)\.", r"blocks.\1.conv.\2."),
    (r"features\.(\d+)\.conv\.1\.0\.", r"blocks.\1.conv.3."),
    (r"features\.(\d+)\.conv\.1\.1\.", r"blocks.\1.conv.4."),
    (r"features\.(\d+)\.conv\.2\.", r"blocks.\1.conv.6."),
    (r"features\.(\d+)\.conv\.3\.", r"blocks.\1.conv.7."),
    (r"features\.", "blocks."),
)
BGMV2 = Names(
    rename=_TORCHVISION_MOBILENETV2,
    spare=(r"^refiner\.",),  # the base network does without
)

RVM = Names(rename=((r"^backbone\.features\.", "backbone.layers."),))


def _pp_mobilenetv3() -> Iterator[tuple[str, str]]:
    channels = 16
    for at, (_, middle, squeezed, features, *_) in enumerate(mobilenet_v3.BLOCKS):
        parts = ["expand_conv"] if middle != channels else []
        parts += ["bottleneck_conv", *(["mid_se"] if squeezed else []), "linear_conv"]
        for place, part in enumerate(parts):
            yield rf"blocks\.{at}\.{part}\.", f"layers.{at + 1}.block.{place}."
        channels = features


PP_RVM = Names(
    rename=(
        *_pp_mobilenetv3(),
        (r"^backbone\.conv\.", "backbone.layers.0."),
        (r"last_second_conv\.", "layers.16."),
        (r"^(backbone\..*)\.conv\.", r"\1.0."),
        (r"\.bn\.", ".1."),
        (r"^(backbone\..*)\.conv(\d)\.", r"\1.fc\2."),
    )
)
