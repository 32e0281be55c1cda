"""Files in ONNX that others publish: how each is fed, whose it is, and on what terms.

A row says how the program of those who publish a file feeds it, except that alpha is not rounded to
8 bits. Files are never downloaded. To add one, add a row.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from alphamat.onnx.card import Card, Port, fixed
from alphamat.onnx.session import Plug, Session
from alphamat.rules import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Brighten,
    Pad,
    Preprocess,
    Resize,
    Stretch,
    bilinear,
    fixed_size,
    floor_short_side_unless_between,
    opencv_area,
    pillow_bilinear,
    pillow_lanczos,
    square,
)

Roles = tuple[tuple[str, str], ...]


class Row(NamedTuple):
    """A published file, or several that are fed alike."""

    rules: Preprocess
    url: str
    licence: str
    commercial: bool | None
    """Whether its terms allow commercial use; None where they do not say."""
    citation: str
    files: tuple[str, ...] = ()
    """Names of the files, beside the row's own."""
    inputs: Roles = (("image", ""),)
    """The role and the name of each input; "" is the first of the file."""
    outputs: Roles = (("alpha", ""),)
    logits: bool = False
    """Whether alpha is the sigmoid of what the file gives."""
    md5: str = ""
    """As those who publish the file state it. It is not checked."""
    warning: str = ""


REMBG = "https://github.com/danielgatis/rembg/releases/tag/v0.0.0"
MASK = "It was trained on masks: its alpha says where the object is, and little about its outline."
ONE = (1.0, 1.0, 1.0)


def _rembg(side: int, mean: tuple[float, float, float], std: tuple[float, float, float]):
    """Return the rules of rembg, which are not those of the networks' authors."""
    resize = Resize(partial(square, side), how=pillow_lanczos)
    return Preprocess(mean, std, chain=(resize, Brighten(), Stretch()))


U2NET = Row(
    rules=_rembg(320, IMAGENET_MEAN, IMAGENET_STD),
    url=REMBG,
    licence="Apache-2.0 as its author says; he refers to the terms of the training data",
    commercial=None,
    citation=(
        'Qin et al., "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", '
        "Pattern Recognition 2020, https://arxiv.org/abs/2005.09007"
    ),
    warning=MASK,
)
# rembg has normalised colours so since its pull request 730; before, by ImageNet's mean.
ISNET = Row(
    rules=_rembg(1024, HALF, ONE),
    url=REMBG,
    licence="not stated; the code is Apache-2.0, the training data DIS5K non-commercial",
    commercial=None,
    citation=(
        'Qin et al., "Highly Accurate Dichotomous Image Segmentation", ECCV 2022, '
        "https://arxiv.org/abs/2203.03041"
    ),
    warning=MASK,
)
BIREFNET = Row(
    rules=_rembg(1024, IMAGENET_MEAN, IMAGENET_STD),
    url=REMBG,
    licence="MIT as its author says; the training data, such as DIS5K, have terms of their own",
    commercial=None,
    citation=(
        'Zheng et al., "Bilateral Reference for High-Resolution Dichotomous Image Segmentation", '
        "CAAI Artificial Intelligence Research 2024, https://arxiv.org/abs/2401.03407"
    ),
    logits=True,
)
MODNET = Row(
    rules=Preprocess(
        HALF,
        HALF,
        chain=(Resize(partial(floor_short_side_unless_between, 512, 32), how=opencv_area),),
    ),
    url="https://github.com/ZHKKKe/MODNet/tree/master/onnx",
    licence="Apache-2.0",
    commercial=True,
    citation=(
        'Ke, Sun, Li, Yan & Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective '
        'Decomposition", AAAI 2022, https://arxiv.org/abs/2011.11961'
    ),
    files=("modnet_photographic_portrait_matting.onnx",),
)
STATES = range(1, 5)
RVM = Row(
    rules=Preprocess((0, 0, 0), ONE),
    url="https://github.com/PeterL1n/RobustVideoMatting/releases/tag/v1.0.0",
    licence="GPL-3.0",
    commercial=None,
    citation=(
        'Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video Matting with Temporal '
        'Guidance", WACV 2022, https://arxiv.org/abs/2108.11515'
    ),
    inputs=(
        ("image", "src"),
        *(("state", f"r{at}i") for at in STATES),
        ("ratio", "downsample_ratio"),
    ),
    outputs=(
        ("foreground", "fgr"),
        ("alpha", "pha"),
        *(("state", f"r{at}o") for at in STATES),
    ),
    warning="The GNU General Public License 3.0 holds for whatever you distribute with it.",
)
BGMV2 = Row(
    rules=Preprocess((0, 0, 0), ONE, chain=(Pad(0, 4),), plate=True),
    url="https://github.com/PeterL1n/BackgroundMattingV2",
    licence="MIT",
    commercial=True,
    citation=(
        'Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time '
        'High-Resolution Background Matting", CVPR 2021, https://arxiv.org/abs/2012.07810'
    ),
    inputs=(("image", "src"), ("plate", "bgr")),
    outputs=(("alpha", "pha"), ("foreground", "fgr")),
)
RMBG_TERMS = "non-commercial; others need an agreement with BRIA"

ROWS = {
    "u2net": U2NET._replace(md5="60024c5c889badc19c04ad937298a77b"),
    "u2netp": U2NET._replace(md5="8e83ca70e441ab06c318d82300c84806"),
    "u2net_human_seg": U2NET._replace(md5="c09ddc2e0104f800e3e1bb4652583d1f"),
    "silueta": U2NET._replace(
        md5="55e59e0d8062d2f5d013f4725ee84782",
        licence="not stated; made from U²-Net, whose code is Apache-2.0",
    ),
    "isnet-general-use": ISNET._replace(md5="fc16ebd8b0c10d971d3513d564d01e29"),
    "isnet-anime": ISNET._replace(
        rules=_rembg(1024, IMAGENET_MEAN, ONE),
        md5="6f184e756bb3bd901c8849220a83e38e",
        licence="not stated; IS-Net's code is Apache-2.0",
        citation="SkyTNT, https://github.com/SkyTNT/anime-segmentation",
    ),
    "birefnet-general": BIREFNET._replace(
        files=("BiRefNet-general-epoch_244.onnx",), md5="7a35a0141cbbc80de11d9c9a28f52697"
    ),
    "birefnet-general-lite": BIREFNET._replace(
        files=("BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",),
        md5="4fab47adc4ff364be1713e97b7e66334",
    ),
    "birefnet-portrait": BIREFNET._replace(
        files=("BiRefNet-portrait-epoch_150.onnx",), md5="c3a64a6abf20250d090cd055f12a3b67"
    ),
    "birefnet-dis": BIREFNET._replace(
        files=("BiRefNet-DIS-epoch_590.onnx",), md5="2d4d44102b446f33a4ebb2e56c051f2b"
    ),
    "birefnet-hrsod": BIREFNET._replace(
        files=("BiRefNet-HRSOD_DHU-epoch_115.onnx",), md5="c017ade5de8a50ff0fd74d790d268dda"
    ),
    "birefnet-cod": BIREFNET._replace(
        files=("BiRefNet-COD-epoch_125.onnx",), md5="f6d0d21ca89d287f17e7afe9f5fd3b45"
    ),
    "birefnet-massive": BIREFNET._replace(
        files=("BiRefNet-massive-TR_DIS5K_TR_TEs-epoch_420.onnx",),
        md5="33e726a2136a3d59eb0fdf613e31e3e9",
    ),
    "modnet": MODNET,
    "rvm": RVM._replace(
        files=tuple(
            f"rvm_{backbone}_{kind}.onnx"
            for backbone in ("mobilenetv3", "resnet50")
            for kind in ("fp32", "fp16")
        )
    ),
    "bgmv2": BGMV2,
    "rmbg-1.4": Row(
        rules=Preprocess(HALF, ONE, chain=(Stretch(), Resize(partial(square, 1024), how=bilinear))),
        url="https://huggingface.co/briaai/RMBG-1.4 (onnx/model.onnx)",
        licence=RMBG_TERMS,
        commercial=False,
        citation="BRIA AI, RMBG v1.4, an IS-Net of their own training",
    ),
    "rmbg-2.0": Row(
        rules=Preprocess(
            IMAGENET_MEAN,
            IMAGENET_STD,
            chain=(Resize(partial(square, 1024), how=pillow_bilinear),),
        ),
        url="https://huggingface.co/briaai/RMBG-2.0 (onnx/model.onnx)",
        licence=f"CC BY-NC 4.0: {RMBG_TERMS}",
        commercial=False,
        citation="BRIA AI, RMBG v2.0, a BiRefNet of their own training",
        files=("bria-rmbg-2.0.onnx", "bria-rmbg.onnx"),
    ),
}


def row_of(session: Session, like: str | None = None) -> str:
    """Return the name of the row that a file follows: as it is said, or by names.

    Raises
    ------
    ValueError
        If there is no such row, or nothing tells which it is.
    """
    choices = ", ".join(ROWS)
    if like is not None:
        if like not in ROWS:
            raise ValueError(f"`like` is {like!r}; expected one of: {choices}.")
        return like
    path, names = session.path, set(session.inputs)
    for name, row in ROWS.items():
        if path.stem.lower() == name or path.name in row.files:
            return name
    for name, row in ROWS.items():
        if names == {given for _, given in row.inputs}:
            return name
    raise ValueError(
        f"{path} has no {path.name}.json beside it that says how it is run, and neither its name "
        f"nor its inputs, {', '.join(sorted(names))}, tell. Say whose rules it follows: `like` in "
        f"Python, `--method NAME --weights {path.name}` at the command line; one of: {choices}."
    )


def card_like(name: str, session: Session) -> Card:
    """Return the card of a file that follows a row."""
    row = ROWS[name]
    inputs = tuple(_port(role, given, session.inputs) for role, given in row.inputs)
    outputs = tuple(_port(role, given, session.outputs) for role, given in row.outputs)
    rules = row.rules
    if len(inputs[0].shape) == 4 and (size := fixed(inputs[0])) is not None:
        rules = fixed_size(rules, *size)
    return Card(
        name,
        rules,
        inputs,
        outputs,
        logits=row.logits,
        licence=row.licence,
        commercial=row.commercial,
        citation=row.citation,
        warning=row.warning,
    )


def _port(role: str, name: str, plugs: dict[str, Plug]) -> Port:
    name = name or next(iter(plugs), "")
    plug = plugs.get(name, Plug((), ""))
    return Port(name, role, plug.shape, plug.dtype, initial=(1, 1, 1, 1))
