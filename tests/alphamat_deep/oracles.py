"""What the tests know of each published network: one record a network."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest

from alphamat_deep.backbones.resnet_mp import ResNetMP
from alphamat_deep.backbones.swin import Swin
from alphamat_deep.backbones.vitae import ViTAE
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.backbones import Backbone, Shallower
from tests.alphamat_deep.reference_networks import manifest, tensor

# Of two rows of the catalogue for one network: what is the same.
OTHER_WEIGHTS = "model", "config", "names"
OTHER_NAMES = ("model",)
OTHER_WIDTHS = "model", "names"
OTHER_SIZES = "model", "names", "weights"


def as_they_are(*inputs):
    return inputs


def of_fba(image, _, known, near):
    """Return the image, and its trimap in the order of ours. The network normalises the image."""
    return image, np.concatenate([known[..., [0, 2]], near], axis=-1)


@dataclass(frozen=True, eq=False)
class Stored:
    """A run of the authors' program, whose manifest and outputs are stored under `name`."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the network, where they are not the preset's."""
    noise: Mapping[str, float] = field(default_factory=dict)
    """By output: how far the authors' float32 is from our float64.

    For manifests that do not say how far it is from the authors' own float64. Also by module, where
    one is far off.
    """
    slow: bool = False
    """Whether only slow tests run it. Names and shapes are tested by default."""
    arrange: Callable[..., tuple] = as_they_are
    """Makes our inputs of the authors'."""

    def inputs(self, case=None):
        """Return what our network takes in a case or the first, channels last."""
        return self.arrange(*reference.inputs(self.name, case))


@dataclass(frozen=True, eq=False)
class Oracle:
    """A published network and what its authors' program computes."""

    preset: str
    stored: tuple[Stored, ...]
    """The first has the preset's settings, unless it says otherwise."""
    _: KW_ONLY
    kin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Presets of the same network, and the fields of their rows that are the same."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Our names of outputs by the authors', where they differ."""
    only_theirs: frozenset[str] = frozenset()
    """Outputs of the authors that we have not, and modules that are no single one of ours."""
    flips: float = 0.0
    """Share of pixels whose alpha may differ: where it is one of several answers."""
    clip: bool = False
    """Whether its pictures are clips: models/test_rvm.py compares them."""
    bfloat16: float | None = None
    """Mean change of alpha in bfloat16, on the first stored input.

    Measured with the stored weights, which are random and amplify errors; XLA on a CPU. It is None
    where a network of the same architecture has it: those with a number are also tested in batches
    and in training, which takes long to compile.
    """
    sides: tuple[int, int] = (96, 64)
    """Height and width of pictures in training."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Settings that add what only training needs."""
    smaller: Mapping[str, Any] = field(default_factory=dict)
    """Settings of a smaller network, to train where this one takes minutes to compile."""
    drops: bool = False
    """Whether it drops features in training, and so takes random numbers."""
    jumps: bool = False
    """Whether outputs jump in training, as where the largest of several is chosen."""
    slow: bool = False
    """Whether gradients and bfloat16 take so long to compile that only slow tests do it."""


def performer(block):
    """Return random directions of P3M-Net's ViTAE, which no checkpoint holds."""
    made = manifest("p3m_vitae_s")
    return tensor(made["seed"], *made["extra"][block])[0]


BGMV2_FIELDS = {
    "pha": "alpha",
    "fgr": "foreground",
    "pha_sm": "alpha_small",
    "fgr_sm": "foreground_small",
    "err": "error_small",
    "err_sm": "error_small",
    "ref_sm": "refined_small",
}
SAMPLING = {"refine_sample_pixels": 6400}
THRESHOLDING = {"refine_mode": "thresholding", "refine_threshold": 0.4}
FULL = {"refine_mode": "full"}
BASE = {"refine_mode": "none", "backbone_scale": 1.0}

ORACLES = (
    Oracle("dim", (Stored("dim_vgg16_plain"),)),
    Oracle("dim-skip", (Stored("dim_vgg16_skip"),)),
    Oracle(
        "dim-refine",
        (Stored("dim_vgg16_skip_refine"),),
        bfloat16=0.0211,
        sides=(32, 64),
        jumps=True,
    ),
    Oracle(
        "pp-dim",
        (Stored("pdim_vgg16"),),
        only_theirs=frozenset({"backbone._conv_block_5"}),
        bfloat16=0.0059,
        sides=(32, 64),
        slow=True,
    ),
    Oracle(
        "indexnet",
        (Stored("indexnet_mobilenetv2", slow=True),),
        bfloat16=0.0079,
        sides=(64, 96),
        drops=True,
        slow=True,
    ),
    Oracle("gca", (Stored("gca"),), bfloat16=0.016, sides=(64, 96), slow=True),
    Oracle("pp-gca", (Stored("pgca_resnet34"),)),
    Oracle(
        "fba",
        (
            Stored(
                "fba",
                noise={
                    "encoder.layer1": 1.2e-5,
                    "encoder.layer4": 4.3e-4,
                    "decoder.conv_up1": 3.3e-4,
                    "decoder.conv_up3": 1.7e-4,
                },
                slow=True,
                arrange=of_fba,
            ),
        ),
        fields={"fg": "foreground", "bg": "background"},
        bfloat16=0.0895,
        slow=True,
        smaller={"depths": (1, 1, 1, 1)},
    ),
    Oracle("vitmatte-s", (Stored("vitmatte_s", slow=True),), bfloat16=0.0068, slow=True),
    Oracle("vitmatte-b", (Stored("vitmatte_b", slow=True),)),
    Oracle(
        "modnet",
        (Stored("modnet_mobilenetv2"),),
        kin={"modnet-webcam": OTHER_WEIGHTS},
        fields={"matte": "alpha"},
        only_theirs=frozenset({"backbone.model.features.18"}),
        bfloat16=0.0143,
        smaller={"backbone": Backbone},
    ),
    Oracle("modnet-mobilenetv2", (Stored("pmodnet_mobilenetv2"),), fields={"matte": "alpha"}),
    Oracle(
        "modnet-resnet50_vd",
        (
            Stored(
                "pmodnet_resnet50_vd",
                noise={"matte": 7.2e-5, "detail": 7.4e-5, "semantic": 1.4e-5},
                slow=True,
            ),
        ),
        fields={"matte": "alpha"},
    ),
    Oracle(
        "modnet-hrnet_w18",
        (
            Stored(
                "pmodnet_hrnet_w18",
                noise={"matte": 3.9e-5, "detail": 3.1e-5, "semantic": 1.6e-5},
                slow=True,
            ),
        ),
        fields={"matte": "alpha"},
    ),
    Oracle(
        "pp-matting-512",
        (
            Stored(
                "ppmatting_hrnet_w18",
                slow=True,
                noise={"alpha": 1e-5, "detail": 1.7e-5, "semantic": 4.1e-5},
            ),
        ),
        kin={"pp-matting-1024": OTHER_WEIGHTS, "pp-matting-composition1k": OTHER_WIDTHS},
        only_theirs=frozenset({"scb.scb_stages.2"}),
        flips=0.001,  # alpha is one of three, whichever scores highest
        bfloat16=0.151,
        sides=(32, 64),
        jumps=True,
        slow=True,
        smaller={"backbone": Backbone},
    ),
    Oracle("pp-matting-composition1k", (), kin={"pp-matting-distinctions646": OTHER_WEIGHTS}),
    Oracle(
        "pp-mattingv2-512",
        (Stored("ppmattingv2_stdc1", noise={"alpha": 1.8e-5}),),
        bfloat16=0.0117,
        sides=(64, 128),
        training={"supervise": True},
        slow=True,
    ),
    Oracle(
        "pp-humanmatting",
        (Stored("pphumanmatting_resnet34_vd"),),
        bfloat16=0.0181,
        sides=(128, 256),
        jumps=True,
        slow=True,
    ),
    Oracle(
        "p3m",
        (Stored("p3m_resnet34", slow=True),),
        kin={"p3m-hybrid": OTHER_SIZES},
        fields={"fused": "alpha", "global_logits": "scores"},
        only_theirs=frozenset({"global_argmax", "mp0", "encoder1", "encoder4"}),
        flips=0.0001,  # alpha is one of three, whichever scores highest
        bfloat16=0.0135,
        sides=(64, 96),
        jumps=True,
        slow=True,
        smaller={"encoder": partial(ResNetMP, (1, 1, 1, 1))},
    ),
    Oracle(
        "p3m-vitae-s",
        (Stored("p3m_vitae_s", {"encoder": partial(ViTAE, directions=performer)}, slow=True),),
        kin={"p3m-vitae-s-hybrid": OTHER_SIZES},
        fields={"fused": "alpha", "global_logits": "scores"},
        only_theirs=frozenset({"global_argmax"}),
        flips=0.0001,
        bfloat16=0.0257,
        sides=(64, 96),
        jumps=True,
        slow=True,
        smaller={"encoder": partial(ViTAE, (1, 1, 1, 1))},
    ),
    Oracle(
        "bgmv2-mobilenetv2",
        (
            Stored("bgmv2_mobilenetv2_sampling", SAMPLING),
            Stored("bgmv2_mobilenetv2_thresholding", THRESHOLDING),
            Stored("bgmv2_mobilenetv2_full", FULL),
            Stored("bgmv2_mobilenetv2_base", BASE),
        ),
        kin={"bgmv2-mobilenetv2-4k": OTHER_SIZES},
        fields=BGMV2_FIELDS,
        bfloat16=0.0104,
        smaller={"backbone": Shallower},
        drops=True,
        jumps=True,
    ),
    Oracle(
        "bgmv2-resnet50",
        (
            Stored("bgmv2_resnet50_sampling", SAMPLING),
            Stored("bgmv2_resnet50_thresholding", THRESHOLDING, slow=True),
            Stored("bgmv2_resnet50_full", FULL, slow=True),
            Stored("bgmv2_resnet50_base", BASE, noise={"backbone.layer4": 1.2e-4}, slow=True),
        ),
        kin={"bgmv2-resnet50-4k": OTHER_SIZES},
        fields=BGMV2_FIELDS,
    ),
    Oracle(
        "bgmv2-resnet101",
        (Stored("bgmv2_resnet101_full", FULL, noise={"backbone.layer3": 1.7e-4}, slow=True),),
        kin={"bgmv2-resnet101-4k": OTHER_SIZES},
        fields=BGMV2_FIELDS,
    ),
    Oracle(
        "rvm-mobilenetv3",
        (Stored("rvm_mobilenetv3"),),
        slow=True,
        kin={"pp-rvm-mobilenetv3": OTHER_NAMES},
        clip=True,
        bfloat16=0.0314,
        training={"downsample_ratio": 0.5},
        smaller={"backbone": Shallower},
    ),
    Oracle("rvm-resnet50", (Stored("rvm_resnet50"),), clip=True),
    Oracle("u2net", (Stored("u2net", slow=True),), fields={"d0": "alpha"}),
    Oracle(
        "u2netp",
        (Stored("u2netp", slow=True),),
        fields={"d0": "alpha"},
        bfloat16=0.0074,
        slow=True,
    ),
    Oracle("isnet", (Stored("isnet_dis", slow=True),), fields={"d1": "alpha"}),
    Oracle(
        "birefnet",
        (Stored("birefnet_swin_l", slow=True),),
        kin={
            "birefnet-hr": OTHER_WEIGHTS,
            "birefnet-matting": OTHER_WEIGHTS,
            "birefnet-hr-matting": OTHER_WEIGHTS,
            "birefnet-portrait": OTHER_WEIGHTS,
        },
        only_theirs=frozenset({"alpha_old_patch_order"}),
        training={"supervise": True},
    ),
    Oracle(
        "birefnet-lite",
        (Stored("birefnet_swin_t", slow=True),),
        kin={"birefnet-lite-2k": OTHER_WEIGHTS},
        only_theirs=frozenset({"alpha_old_patch_order"}),
        bfloat16=0.02,
        sides=(64, 96),
        training={"supervise": True},
        smaller={"features": 12, "depths": (2, 1, 1, 1), "heads": (1, 2, 3, 4)},
        drops=True,
        slow=True,
    ),
    Oracle(
        "ben2",
        (Stored("ben2_base", slow=True),),
        only_theirs=frozenset({"backbone"}),  # there with the tokens that enter the first stage
        bfloat16=0.0072,
        sides=(128, 256),
        slow=True,
        smaller={"backbone": partial(Swin, 8, (1, 1, 2, 1), (1, 1, 2, 2), 4)},
    ),
)


def by_preset(preset):
    return next(oracle for oracle in ORACLES if oracle.preset == preset)


def case(oracle, name="", *more, slow=False):
    """Return a case of a test. Its id ends in the network, as tests/conftest.py wants it."""
    marks = [pytest.mark.slow] * slow
    return pytest.param(oracle, *more, id=f"{name}@{oracle.preset}", marks=marks)


_architectures = [oracle for oracle in ORACLES if oracle.bfloat16 is not None]
_runs = [
    case(oracle, stored.name, stored, slow=stored.slow)
    for oracle in ORACLES
    for stored in oracle.stored
]
each_architecture = pytest.mark.parametrize(
    "oracle", [case(oracle, slow=oracle.stored[0].slow) for oracle in _architectures]
)
each_costly = pytest.mark.parametrize(
    "oracle", [case(oracle, slow=oracle.slow) for oracle in _architectures]
)
each_stored = pytest.mark.parametrize(("oracle", "stored"), _runs)
each_stored_picture = pytest.mark.parametrize(
    ("oracle", "stored"), [run for run in _runs if not run.values[0].clip]
)
each_slow_stored = pytest.mark.parametrize(
    ("oracle", "stored"),
    [
        case(oracle, stored.name, stored)
        for oracle in ORACLES
        for stored in oracle.stored[:1]
        if stored.slow
    ],
)
