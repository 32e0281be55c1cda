"""Runs begin with a backbone that others have trained: every tensor has its place."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep import checkpoints
from alphamat_deep.catalogue import PRESETS, Backbone
from alphamat_deep.compiling import without_values
from alphamat_deep.fill import Names
from alphamat_deep.layers import SpectralConv
from alphamat_deep.training import loop, weights
from alphamat_deep.training.door import first_network
from alphamat_deep.training.recipes import RECIPES
from alphamat_deep.training.weights import with_backbone
from tests.alphamat_deep.training import backbone_files as files
from tests.alphamat_deep.training.small import RECIPE, SMALL, batches

FILES = {
    "dim-skip": files.vgg16,
    "pp-dim": files.paddle("pdim_vgg16", ("_out", 1000)),
    "indexnet": files.human_mobilenet_v2,
    "gca": files.gca_resnet34,
    "pp-gca": files.resnet34,
    "fba": files.resnet50_by_groups,
    "vitmatte-s": files.pretrained_vit("vitmatte_s"),
    "vitmatte-b": files.pretrained_vit("vitmatte_b"),
    "modnet": files.human_mobilenet_v2,
    "modnet-webcam": files.mobilenet_v2,
    "modnet-mobilenetv2": files.paddle("pmodnet_mobilenetv2", ("out", 1000)),
    "modnet-resnet50_vd": files.paddle("pmodnet_resnet50_vd", ("out", 1000)),
    "modnet-hrnet_w18": files.paddle("pmodnet_hrnet_w18", ("conv_last._conv", 2048), ("out", 1000)),
    "pp-mattingv2-512": files.paddle("ppmattingv2_stdc1", ("conv_last.conv", 1024), ("bn", 1024)),
    "pp-humanmatting": files.paddle("pphumanmatting_resnet34_vd", ("out", 1000)),
    "p3m": files.resnet34,
    "p3m-vitae-s": partial(files.stored, "p3m_vitae_s", "encoder."),
    "bgmv2-mobilenetv2": files.mobilenet_v2,
    "bgmv2-mobilenetv2-4k": files.deeplab("bgmv2_mobilenetv2_base"),
    "bgmv2-resnet50": files.resnet50,
    "bgmv2-resnet50-4k": files.deeplab("bgmv2_resnet50_base"),
    "rvm-mobilenetv3": files.mobilenet_v3_large,
    "rvm-resnet50": files.resnet50,
    "birefnet": files.swin("birefnet_swin_l"),
    "birefnet-lite": files.swin("birefnet_swin_t"),
}
QUICK = "dim-skip", "pp-gca", "modnet-webcam"


def zeros(shapes):
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    "preset", [pytest.param(x, marks=[pytest.mark.slow] * (x not in QUICK)) for x in FILES]
)
def test_each_tensor_of_a_published_file_has_its_place(preset, monkeypatch):
    shapes = FILES[preset]()
    monkeypatch.setattr(weights, "build", lambda preset, **_: without_values(PRESETS[preset]))
    with_backbone(RECIPES[f"fine-tune-{preset}"], zeros(shapes))


def test_a_tensor_that_is_lacking_or_has_no_place_is_named(monkeypatch):
    monkeypatch.setattr(weights, "build", lambda preset, **_: without_values(PRESETS[preset]))
    given = zeros(files.vgg16())
    given["features.30.weight"] = given.pop("features.28.weight")
    told = (
        r"dim-skip as VGG-16 .*`features\.30\.weight` has no place.*nothing for `conv5_3\.weight`"
    )
    with pytest.raises(ValueError, match=told):
        with_backbone(RECIPES["dim-stage0"], given)


@pytest.mark.parametrize(
    ("preset", "told"), [("gca", "can begin with ResNet-34"), ("small", "takes no backbone")]
)
def test_a_file_of_another_kind_is_refused(preset, told):
    with pytest.raises(
        ValueError, match=rf"`backbone` has .* features\.0\.weight; {preset} {told}"
    ):
        with_backbone(replace(RECIPE, preset=preset), zeros({"features.0.weight": (2,)}))


BACKBONE = Backbone(
    title="a part of the small network",
    mark=r"^one\.",
    names=Names(rename=((r"^one\.", "first."), (r"^two\.", "norm.")), ignore=(r"^fc\.",)),
    part=r"^(first|norm)\.",
    widened=(r"^first\.weight$",),
)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return the path of a file with the first layers, of which the first takes colours only."""
    monkeypatch.setitem(PRESETS, "small", replace(SMALL, backbones=(BACKBONE,)))
    rng = np.random.default_rng(8)
    shapes = {"one.weight": (4, 3, 3, 3), "fc.weight": (5, 4)}
    shapes |= {f"two.{name}": (4,) for name in files.NORM}
    path = tmp_path / "backbone.npz"
    np.savez(path, **{name: rng.random(shape, np.float32) for name, shape in shapes.items()})
    return path


def test_a_network_has_the_backbone_and_is_fresh_elsewhere(file):
    model, source = first_network(RECIPE, 3, backbone=file)
    made, given = alphamat_deep.state_dict("small", model), checkpoints.read(file)
    fresh = alphamat_deep.state_dict("small", alphamat_deep.build("small", rngs=nnx.Rngs(3)))
    np.testing.assert_array_equal(made["first.weight"][:, :3], given["one.weight"])
    assert not made["first.weight"][:, 3:].any()
    for name in files.NORM:
        np.testing.assert_array_equal(made[f"norm.{name}"], given[f"two.{name}"])
    for name in "last.weight", "last.bias":
        np.testing.assert_array_equal(made[name], fresh[name])
    assert source == "the backbone of backbone.npz, the rest fresh, seed 3"


def test_a_run_begins_with_a_backbone_or_warns_that_it_does_not(file, tmp_path):
    told = "All parameters of small start fresh.*begin with a part of the small network"
    train = partial(loop.train, RECIPE, batches, steps=1)
    with pytest.raises(UserWarning, match=told):
        train(out=tmp_path / "run")
    train(out=tmp_path / "run", backbone=file)
    train(out=tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="`weights` and `backbone` are given"):
        train(out=tmp_path / "both", weights=file, backbone=file)


def test_a_widened_layer_keeps_its_spectral_norm(monkeypatch):
    """The authors' rule: zeros in the kernel and in its right singular vector."""

    class Spectral(nnx.Module):
        def __init__(self, config, *, rngs):
            self.first = SpectralConv(5, 4, 3, rngs=rngs)

    kind = BACKBONE._replace(part="", widened=(r"weight_(bar|v)$",))
    monkeypatch.setitem(PRESETS, "small", replace(SMALL, model=Spectral, backbones=(kind,)))
    shapes = {"weight_bar": (4, 3, 3, 3), "weight_u": (4,), "weight_v": (27,)}
    rng = np.random.default_rng(8)
    given = {f"one.{x}": rng.random(shape, np.float32) for x, shape in shapes.items()}
    made = alphamat_deep.state_dict("small", with_backbone(RECIPE, given))

    def norm(arrays, layer):
        u, v = (arrays[f"{layer}.weight_{x}"] for x in "uv")
        return u @ arrays[f"{layer}.weight_bar"].reshape(4, -1) @ v

    assert made["first.weight_v"].shape == (45,)
    assert norm(made, "first") == pytest.approx(norm(given, "one"), rel=1e-6)
