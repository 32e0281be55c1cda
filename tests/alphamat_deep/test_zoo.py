"""From a preset and a file to alpha, with a network small enough to see through."""

import json
import pickle
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from typer.testing import CliRunner

import alphamat
import alphamat_deep
from alphamat.cli import app
from alphamat.evaluation.naming import describe
from alphamat_deep import preprocess, presets
from alphamat_deep.checkpoints import metadata
from alphamat_deep.layers import Conv


@dataclass(frozen=True)
class TinyConfig:
    size: int = 3


class TinyOutput(NamedTuple):
    alpha: jax.Array


class Tiny(nnx.Module):
    def __init__(self, config=TinyConfig(), *, rngs):
        self.conv = Conv(4, 1, config.size, padding=config.size // 2, rngs=rngs)
        self.activation = jax.nn.sigmoid

    def __call__(self, image, trimap):
        return TinyOutput(self.activation(self.conv(jnp.concatenate([image, trimap], axis=-1))))


RULES = preprocess.Preprocess(
    preprocess.HALF,
    preprocess.HALF,
    preprocess.levels,
    (preprocess.Resize(partial(preprocess.floor_sides, 8, most=64), smooth_trimap=True),),
)
TERMS = presets.Weights("https://example.org/tiny.pth", "PyTorch", "MIT", True)
BY_PIXEL = partial(presets.by_pixel, 100)
TINY = presets.Preset(Tiny, TinyConfig(), RULES, BY_PIXEL, TERMS, "Nobody, 2021", "SAD 0")


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch):
    monkeypatch.setitem(alphamat_deep.PRESETS, "tiny", TINY)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tiny.npz"
    np.savez(path, **tensors())
    return path


def tensors():
    rng = np.random.default_rng(37)
    weight = rng.normal(size=(1, 4, 3, 3)).astype(np.float32)
    return {"module.conv.weight": weight, "module.conv.bias": np.float32([0.1])}


def picture(height=21, width=34):
    rng = np.random.default_rng(41)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    return image, rng.choice(np.array([0, 128, 255], np.uint8), (height, width))


def test_alpha_has_the_image_s_size_and_what_is_known(weights):
    method = alphamat_deep.load("tiny", weights)
    image, trimap = picture()
    alpha = method(image, trimap)
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.float64
    assert (alpha[trimap == 255] == 1).all()
    assert (alpha[trimap == 0] == 0).all()
    between = alpha[trimap == 128]
    assert ((between > 0) & (between < 1)).all()


def test_a_loaded_network_is_its_model_between_the_rules(weights):
    image, trimap = picture()
    model = alphamat_deep.from_state_dict("tiny", tensors())
    prepared = RULES.apply(image, trimap)
    expected = RULES.undo(model(*map(jnp.asarray, prepared.inputs)).alpha[0, ..., 0], prepared)
    alpha = alphamat_deep.load("tiny", weights)(image, trimap)
    np.testing.assert_allclose(alpha, expected, atol=1e-6)


def test_a_network_without_a_memory_mattes_frames_as_pictures(weights):
    method = alphamat_deep.load("tiny", weights)
    step = method.clip()
    for size in ((21, 34), (20, 30)):
        matte = step(*picture(*size))
        assert np.array_equal(matte.alpha, method(*picture(*size)))
        assert matte.foreground is None


def test_a_file_of_pytorch_is_its_tensors(weights, tmp_path):
    written = Path(__file__).parent / "checkpoints" / "files" / "conv.pth"
    alphamat_deep.convert(written, tmp_path / "conv.safetensors", "tiny")
    expected = alphamat_deep.load("tiny", weights)(*picture())
    for path in (written, tmp_path / "conv.safetensors"):
        assert np.array_equal(alphamat_deep.load("tiny", path)(*picture()), expected)


def test_half_precision_is_asked_for(weights):
    image, trimap = picture()
    whole = alphamat_deep.load("tiny", weights)(image, trimap)
    half = alphamat_deep.load("tiny", weights, dtype=jnp.bfloat16)(image, trimap)
    assert 0 < np.abs(whole - half).max() < 0.03


def test_a_trimap_may_be_all_unknown(weights):
    image, _ = picture()
    trimap = np.full(image.shape[:2], 128, np.uint8)
    prepared = RULES.apply(image, trimap)
    model = alphamat_deep.from_state_dict("tiny", tensors())
    expected = model(*map(jnp.asarray, prepared.inputs)).alpha[0, ..., 0]
    alpha = alphamat_deep.load("tiny", weights)(image, trimap)
    np.testing.assert_allclose(alpha, RULES.undo(np.asarray(expected), prepared), atol=1e-6)


def test_a_loaded_network_can_be_sent_to_another_process(weights):
    method = alphamat_deep.load("tiny", weights)
    again = pickle.loads(pickle.dumps(method))
    assert np.array_equal(again(*picture()), method(*picture()))
    assert again.__name__ == "tiny"


@pytest.mark.parametrize("writable", [True, False])
def test_what_is_compiled_is_kept_where_there_is_a_place(weights, tmp_path, monkeypatch, writable):
    home = tmp_path if writable else weights  # a file
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        alphamat_deep.load("tiny", weights)
        folder = tmp_path / "alphamat" / "jax"
        kept = jax.config.jax_compilation_cache_dir
        assert kept == (str(folder) if writable else None)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_configurations_are_changed_by_keyword():
    wide = {"conv.weight": np.zeros((1, 4, 5, 5), np.float32), "conv.bias": np.zeros(1, np.float32)}
    model = alphamat_deep.from_state_dict("tiny", wide, size=5)
    assert model.conv.kernel.shape == (5, 5, 4, 1)
    assert alphamat_deep.build("tiny", rngs=nnx.Rngs(0), size=5).conv.kernel.shape[0] == 5
    with pytest.raises(TypeError, match=r"sice.*expected some of: size"):
        alphamat_deep.from_state_dict("tiny", wide, sice=5)


def test_what_is_wrong_is_said(weights, tmp_path):
    with pytest.raises(ValueError, match="`preset` is 'tyni'; expected one of: dim"):
        alphamat_deep.load("tyni", weights)
    with pytest.raises(FileNotFoundError, match=r"absent\.pth"):
        alphamat_deep.load("tiny", tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="not those of this model"):
        alphamat_deep.load("dim", weights)
    weights.write_bytes(weights.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"tiny\.npz"):
        alphamat_deep.load("tiny", weights)


class PlatedOutput(NamedTuple):
    alpha: jax.Array
    foreground: jax.Array


class Plated(nnx.Module):
    def __init__(self, config=TinyConfig(), *, rngs):
        self.conv = Conv(6, 1, config.size, padding=config.size // 2, rngs=rngs)

    def __call__(self, image, plate):
        both = jnp.concatenate([image, plate], axis=-1)
        return PlatedOutput(jax.nn.sigmoid(self.conv(both)), image - plate)


def test_a_network_with_a_plate_gives_alpha_and_foreground(tmp_path, monkeypatch):
    rules = preprocess.Preprocess((0, 0, 0), (1, 1, 1), chain=(preprocess.Pad(0, 4),), plate=True)
    row = presets.Preset(Plated, TinyConfig(), rules, BY_PIXEL, TERMS, "Nobody, 2021")
    monkeypatch.setitem(alphamat_deep.PRESETS, "plated", row)
    weight = np.random.default_rng(67).normal(size=(1, 6, 3, 3)).astype(np.float32)
    np.savez(tmp_path / "plated.npz", **{"conv.weight": weight, "conv.bias": np.zeros(1, "f")})
    method = alphamat_deep.load("plated", tmp_path / "plated.npz")
    (image, _), plate = picture(), picture()[0][::-1]
    matte = method.layers(image, plate=plate)
    assert np.array_equal(matte.alpha, method(image, plate=plate))
    assert matte.alpha.shape == image.shape[:2]
    colours = np.clip(image / 255 - plate / 255, 0, 1)
    np.testing.assert_allclose(matte.foreground, colours, atol=1e-6)
    assert method.layers(image / 255, None, plate).foreground.shape == image.shape
    said = "`plate` is missing; plated needs a picture of the same scene without the"
    with pytest.raises(ValueError, match=said):
        method(image)
    with pytest.raises(ValueError, match=r"`plate` is 20 × 34.*one size"):
        method(image, plate=plate[1:])


def test_pictures_are_refused_like_any_method_s(weights):
    method = alphamat_deep.load("tiny", weights)
    image, trimap = picture()
    with pytest.raises(ValueError, match=r"`trimap` is missing.*alphamat trimap"):
        method(image)
    with pytest.raises(ValueError, match="one size"):
        method(image, trimap[1:])
    with pytest.raises(ValueError, match="`image`"):
        method(np.full(image.shape, np.nan), trimap)


def test_what_memory_cannot_hold_is_refused(weights, monkeypatch):
    method = alphamat_deep.load("tiny", weights)
    monkeypatch.setattr("alphamat.door.memory.physical", lambda: 1000.0)
    with pytest.raises(MemoryError, match="tiny on 16 × 32"):
        method(*picture())


def test_converting_keeps_tensors_and_writes_where_they_come_from(weights, tmp_path):
    target = tmp_path / "tiny.safetensors"
    alphamat_deep.convert(weights, target, "tiny")
    notes = metadata(target)
    assert notes["preset"] == "tiny"
    assert notes["source"] == "tiny.npz"
    assert notes["licence"] == "MIT"
    assert len(notes["source_sha256"]) == 64
    alphas = [alphamat_deep.load("tiny", path)(*picture()) for path in (weights, target)]
    assert np.array_equal(*alphas)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_mattes_with_a_network(weights, tmp_path):
    image, trimap = picture()
    alphamat.write_image(tmp_path / "photo.png", image)
    alphamat.write_image(tmp_path / "trimap.png", trimap)
    options = ["--method", "tiny", "--weights", weights]
    result = run("matte", tmp_path / "photo.png", tmp_path / "trimap.png", *options)
    assert result.exit_code == 0, result.output
    written = alphamat.read_image(tmp_path / "photo_alpha.png")
    expected = alphamat_deep.load("tiny", weights)(image, trimap)
    assert np.array_equal(written, np.rint(255 * expected))
    alone = run("matte", tmp_path / "photo.png", *options)
    assert alone.exit_code == 1
    assert "alphamat trimap" in alone.output


def test_the_command_evaluates_networks_beside_methods(weights, tmp_path):
    image, trimap = picture()
    for name, pixels in (("image", image), ("trimap", trimap), ("alpha", trimap)):
        (tmp_path / "set" / name).mkdir(parents=True)
        alphamat.write_image(tmp_path / "set" / name / "a.png", pixels)
    methods = ["--method", f"tiny={weights}", "--method", "random_walk"]
    result = run("evaluate", "folder", tmp_path / "set", *methods, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [row["method"] for row in rows] == ["tiny", "random_walk"]
    assert all(row["sad"] >= 0 and not row["error"] for row in rows)


def test_other_weights_are_another_method(weights, tmp_path):
    changed = tensors() | {"module.conv.bias": np.float32([0.2])}
    np.savez(tmp_path / "other.npz", **changed)
    paths = weights, weights, tmp_path / "other.npz"
    one, again, other = (describe(alphamat_deep.load("tiny", path)) for path in paths)
    assert one == again != other


def test_the_command_needs_weights_for_networks_alone(weights, tmp_path):
    alphamat.write_image(tmp_path / "photo.png", picture()[0])
    result = run("matte", tmp_path / "photo.png", "--method", "tiny")
    assert result.exit_code == 2
    assert "alphamat models tiny" in " ".join(result.output.split())
    result = run("matte", tmp_path / "photo.png", "--method", "knn", "--weights", weights)
    assert result.exit_code == 2
    assert "knn has no weights" in result.output


def test_the_command_lists_networks_and_converts(weights, tmp_path):
    result = run("models")
    assert result.exit_code == 0
    assert "tiny" in result.output
    assert "dim-skip" in result.output
    told = run("models", "tiny").output
    assert "https://example.org/tiny.pth" in told
    assert "allowed" in told
    target = tmp_path / "out.safetensors"
    assert run("convert", weights, target, "--preset", "tiny").exit_code == 0
    assert metadata(target)["preset"] == "tiny"
    assert run("convert", weights, tmp_path / "out.bin", "--preset", "tiny").exit_code == 1
    assert run("convert", weights, target, "--preset", "tyni").exit_code == 2


def test_every_row_of_the_catalogue_says_its_terms():
    for name, preset in alphamat_deep.PRESETS.items():
        assert preset.citation, name
        assert preset.preprocess.encode is None or preset.memory(64, 64) > 0
        if preset.weights is not None:
            assert preset.weights.url.startswith("https://")
            assert preset.weights.licence
