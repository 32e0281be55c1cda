"""U²-Net and IS-Net beside what every network must: their rules for pictures, and cut-outs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image
from skimage.transform import resize
from typer.testing import CliRunner

import alphamat
import alphamat_deep
from alphamat.cli import app
from alphamat.io.images import read_image, write_image
from alphamat.rules import bilinear_cut_off
from alphamat_deep import layers
from alphamat_deep.compiling import without_values
from alphamat_deep.fill import shapes_of
from alphamat_deep.models.u2net import RSU
from tests.alphamat_deep.networks import jit


def picture(height, width, most=200):
    return np.random.default_rng(3).integers(0, most, (height, width, 3), np.uint8)


def test_pictures_may_have_any_size():
    f, state = alphamat_deep.pure(without_values(alphamat_deep.PRESETS["isnet"]))
    outputs = jax.eval_shape(f, state, jnp.zeros((2, 45, 70, 3)))
    assert outputs.alpha.shape == (2, 45, 70, 1)
    assert outputs.sides.shape == (2, 45, 70, 6)


def test_what_a_stage_has_shrunk_is_enlarged_to_the_odd_size_that_it_had():
    stage = RSU(3, 1, 1, 1, flat=False, rngs=nnx.Rngs(0))
    stage.eval()
    for _, layer in nnx.iter_modules(stage):
        if isinstance(layer, layers.Conv):  # let pass what comes from below, and no skips
            layer.kernel[...] = jnp.zeros(layer.kernel.shape).at[1, 1, 0, 0].set(1)
    x = jnp.asarray(picture(11, 14)[None, ..., :1], jnp.float32)
    expected = x + layers.resize(layers.max_pool_all(x), 11, 14)
    np.testing.assert_allclose(jit(lambda stage, x: stage(x))(stage, x), expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(430, 500), (200, 350)])
def test_pictures_are_squared_and_brightened_for_u2net(size):
    rules, image = alphamat_deep.PRESETS["u2net"].preprocess, picture(*size)
    square = resize(image, (320, 320), order=1, mode="constant", anti_aliasing=False)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    (found,) = rules.apply(image).inputs
    np.testing.assert_allclose(found[0], (square / square.max() - mean) / std, atol=1e-5)


@pytest.mark.parametrize("size", [(430, 500), (200, 350)])
def test_alpha_of_u2net_is_stretched_and_comes_back_as_pillow_resizes(size):
    rules = alphamat_deep.PRESETS["u2net"].preprocess
    alpha = np.random.default_rng(4).uniform(0.2, 0.6, (320, 320)).astype(np.float32)
    found = rules.undo(alpha, rules.apply(picture(*size)))
    levels = np.uint8(255 * (alpha - alpha.min()) / np.ptp(alpha))
    expected = Image.fromarray(levels).resize(size[::-1], Image.Resampling.BILINEAR)
    # Theirs has 8 bits: they are cut off, and then rounded once for each axis.
    np.testing.assert_allclose(255 * found, np.asarray(expected), atol=2)


def test_pictures_are_cut_to_8_bits_for_isnet():
    image = picture(8, 10)
    fours = image.reshape(4, 2, 5, 2, 3).sum((1, 3), dtype=int)
    assert np.array_equal(bilinear_cut_off(image, (4, 5)), fours // 4)
    fine = np.float32(image / 255)
    np.testing.assert_allclose(bilinear_cut_off(fine, (4, 5)), fours / 1020, atol=1e-6)
    (found,) = (
        alphamat_deep.PRESETS["isnet"].preprocess.apply(np.full((9, 7, 3), 51, np.uint8)).inputs
    )
    assert found.shape == (1, 1024, 1024, 3)
    np.testing.assert_allclose(found, -0.3, atol=1e-6)


def test_alpha_of_isnet_is_stretched_at_the_picture_s_size():
    rules = alphamat_deep.PRESETS["isnet"].preprocess
    alpha = np.random.default_rng(4).random((1024, 1024), np.float32)
    found = rules.undo(alpha, rules.apply(picture(64, 128)))
    middle = alpha.reshape(64, 16, 128, 8)[:, 7:9, :, 3:5].mean((1, 3))
    expected = (middle - middle.min()) / np.ptp(middle)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture
def weights(tmp_path):
    """Return a file for the small U²-Net, zeros but for a path: alpha grows with brightness."""
    shapes = shapes_of(without_values(alphamat_deep.PRESETS["u2netp"]))
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        if name.endswith(("bn_s1.weight", "bn_s1.running_var")):
            tensor[:] = 1
    tensors["stage1.rebnconvin.conv_s1.weight"][0, :, 1, 1] = 1
    tensors["stage1.rebnconvin.conv_s1.bias"][0] = 4
    tensors["stage1d.rebnconvin.conv_s1.weight"][0, 64, 1, 1] = 1  # the first of the skip
    tensors["side1.weight"][0, 0, 1, 1] = tensors["outconv.weight"][0, 0] = 2
    tensors["outconv.bias"][:] = -20
    np.savez(tmp_path / "u2netp.npz", **tensors)
    return tmp_path / "u2netp.npz"


@pytest.fixture
def disc():
    """Return a bright disc before a dark background, and where it is."""
    y, x = np.mgrid[:90, :120]
    mask = np.hypot(y - 40, x - 70) < 25
    noise = np.random.default_rng(5).uniform(-0.05, 0.05, (90, 120, 1))
    return np.where(mask[..., None], [0.9, 0.8, 0.7], [0.1, 0.2, 0.15]) + noise, mask


@pytest.mark.slow
def test_a_photograph_is_cut_out_without_a_trimap(weights, disc, tmp_path):
    image, mask = disc
    method = alphamat_deep.load("u2netp", weights)
    found = alphamat.cutout_photo(image, segment=method)
    assert np.abs(found.alpha - mask).mean() < 0.02
    write_image(tmp_path / "disc.png", image)
    options = ["--segment", "u2netp", "--segment-weights", str(weights)]
    result = CliRunner().invoke(app, ["cutout", str(tmp_path / "disc.png"), *options])
    assert result.exit_code == 0, result.output
    written = read_image(tmp_path / "disc_cutout.png")
    assert np.abs(written[..., 3] / 255 - mask).mean() < 0.02
