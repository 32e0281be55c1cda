"""Where BackgroundMattingV2 refines, and that patches are refined as whole pictures are."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.layers import resize
from alphamat_deep.models import bgmv2
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.networks import jit

H, W = 28, 44  # 7 × 11 patches
run = jit(lambda refiner, *inputs: refiner(*inputs))


def noise(*shape, seed=53):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def errors(height=7, width=11):
    """Return errors of two pictures: many of the one, of the other few."""
    return noise(2, height, width, 1, seed=67) - np.float32([0.2, 0.9]).reshape(2, 1, 1, 1)


@cache
def refiner(**config):
    made = bgmv2.Refiner(bgmv2.BGMv2Config(**config), rngs=nnx.Rngs(5))
    made.eval()
    return made


def scene(height=7, width=11):
    pictures = tuple(jnp.asarray(noise(2, H, W, 3, seed=seed)) for seed in (71, 73))
    return pictures, *(jnp.asarray(noise(2, height, width, n)) for n in (32, 4))


def check_is_refined_where(wrong, error, **config):
    """Check that what comes out is the refined in some patches, and the coarse elsewhere."""
    pictures, hidden, coarse = scene(*error.shape[1:3])
    inputs = pictures, hidden, coarse, jnp.asarray(error)
    found, refined = run(refiner(**config), *inputs)
    fine, everywhere = run(refiner(**config | {"refine_mode": "full"}), *inputs)
    assert np.array_equal(refined, wrong)
    assert np.array_equal(everywhere, np.ones((2, 7, 11, 1)))
    spread = np.kron(wrong, np.ones((1, 4, 4, 1))) > 0
    expected = np.where(spread, fine, resize(coarse, H, W))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("size", "margin"), [(2, 3), (2, 0), (4, 2), (4, 0)])
def test_patches_are_cut_out_with_zeros_beyond_the_border(size, margin):
    x = noise(2, 7 * size, 11 * size, 3)
    places = np.array([[0, 76, 10, 35], [66, 1, 75, 35]])
    framed = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    expected, length = [], size + 2 * margin
    for b, k in np.ndindex(places.shape):
        row, column = np.array(divmod(places[b, k], 11)) * size
        expected.append(framed[b, row : row + length, column : column + length])
    found = bgmv2.crop_patches(jnp.asarray(x), jnp.asarray(places), size, margin)
    assert np.array_equal(found, expected)


def test_patches_are_put_where_they_belong_but_not_beyond():
    x, patches = noise(2, H, W, 4), noise(6, 4, 4, 4, seed=59)
    places = np.array([[76, 12, 77], [0, 77, 77]])
    expected, marks = x.copy(), np.zeros((2, 7, 11, 1))
    for b, i, j, at in ((0, 6, 10, 0), (0, 1, 1, 1), (1, 0, 0, 3)):
        expected[b, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4] = patches[at]
        marks[b, i, j] = 1
    found, refined = bgmv2.replace_patches(
        jnp.asarray(x), jnp.asarray(patches), jnp.asarray(places)
    )
    assert np.array_equal(found, expected)
    assert np.array_equal(refined, marks)


def test_of_equal_errors_the_first_are_refined():
    error = jnp.asarray([1, 1, 0.5, 1, 1, 0]).reshape(1, 2, 3, 1)
    places, wrong = bgmv2.find_largest(error, 3)
    assert np.array_equal(places, [[0, 1, 3]])
    assert wrong.all()
    places, wrong = bgmv2.find_largest(error, 60)
    assert np.array_equal(places, [[0, 1, 3, 4, 2, 5]])
    assert np.array_equal(wrong, [[1, 1, 1, 1, 1, 0]])


@pytest.mark.parametrize(("count", "size"), [(1, 3), (9, 1), (9, 3), (23, 3), (1000, 3)])
def test_sampling_refines_where_errors_are_largest(count, size):
    error = errors()
    wrong = np.zeros_like(error)
    for picture, chosen in zip(error, wrong, strict=True):
        chosen.flat[np.argsort(-picture, axis=None)[:count]] = 1
    wrong *= error > 0
    pixels = 16 * count + 15
    check_is_refined_where(wrong, error, refine_sample_pixels=pixels, refine_kernel_size=size)


def test_thresholding_refines_where_errors_are_above():
    wrong = (errors() > 0.05).astype(np.float32)
    options = {"refine_mode": "thresholding", "refine_threshold": 0.05}
    check_is_refined_where(wrong, errors(), **options)


@pytest.mark.parametrize("mode", ["sampling", "thresholding"])
def test_without_any_error_the_coarse_is_what_there_is(mode):
    nothing = np.zeros((2, 7, 11, 1), np.float32)
    check_is_refined_where(nothing, nothing, refine_mode=mode)


@pytest.mark.parametrize("sides", [(3, 5), (11, 17)])
def test_the_base_network_may_work_at_other_scales(sides):
    error = errors(*sides)
    wrong = np.asarray(resize(jnp.asarray(error), 7, 11) > 0, np.float32)
    check_is_refined_where(wrong, error)


@jit
def statistics(trained, *inputs):
    """Return a refiner's after one step of training."""
    trained(*inputs)
    return jax.tree.leaves(nnx.state(trained, nnx.BatchStat))


def test_in_training_patches_without_error_do_not_count():
    error = jnp.asarray(np.tile(errors()[1:], (2, 1, 1, 1)))
    count = int((error[0] > 0).sum())
    assert 0 < count < 20
    few, many = (nnx.clone(refiner(refine_sample_pixels=n)) for n in (16 * count, 10**6))
    for made in (few, many):
        made.train()
    for a, b in zip(*(statistics(made, *scene(), error) for made in (few, many)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert np.ptp(a) > 0
    assert all(np.isfinite(x).all() for x in statistics(many, *scene(), 0 * error))


def test_in_training_features_are_dropped_by_the_given_randomness():
    layer = bgmv2.ASPP(3, 5, rngs=nnx.Rngs(7))
    x = jnp.asarray(noise(2, 4, 6, 3))
    with pytest.raises(ValueError, match="rngs"):
        layer(x)
    one, again, other = (layer(x, nnx.Rngs(n)) for n in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    layer.eval()
    assert np.array_equal(layer(x), layer(x, nnx.Rngs(1)))


def test_the_pyramid_looks_at_three_distances():
    layer = bgmv2.ASPP(1, 2, rngs=nnx.Rngs(7))
    point = jnp.zeros((1, 21, 21, 1)).at[0, 10, 10].set(1)
    for layers, distance in zip(layer.convs[1:4], (3, 6, 9), strict=True):
        seen = np.argwhere(layers[0](point)[0, :, :, 0])
        assert seen.tolist() == [
            [10 + i * distance, 10 + j * distance] for i in (-1, 0, 1) for j in (-1, 0, 1)
        ]


@cache
def abstract(**config):
    """Return all of a network but its values."""
    build = partial(alphamat_deep.build, "bgmv2-mobilenetv2", **config)
    model = nnx.eval_shape(lambda: build(rngs=nnx.Rngs(0)))
    model.eval()
    return model


def shapes(model, *inputs):
    return jax.eval_shape(lambda model, *inputs: model(*inputs), model, *inputs)


@pytest.mark.parametrize("sides", [(13, 18), (1, 1), (67, 93)])
def test_the_base_network_takes_pictures_of_any_size(sides):
    picture = jnp.zeros((1, *sides, 3))
    output = shapes(abstract(refine_mode="none", backbone_scale=1.0), picture, picture)
    assert output.alpha.shape == output.alpha_small.shape == (1, *sides, 1)
    assert output.hidden_small.shape == (1, *sides, 32)


@pytest.mark.parametrize("sides", [(1, 1), (5, 3), (8, 13), (70, 94)])
def test_pictures_of_any_size_are_padded_and_come_back(sides):
    rules = alphamat_deep.PRESETS["bgmv2-mobilenetv2"].preprocess
    image, plate = noise(2, *sides, 3)
    prepared = rules.apply(image, plate=plate)
    filled = tuple(-(-side // 4) * 4 for side in sides)
    output = shapes(abstract(), *map(jnp.asarray, prepared.inputs))
    assert output.alpha.shape == (1, *filled, 1)
    assert output.alpha_small.shape == (1, filled[0] // 4, filled[1] // 4, 1)
    np.testing.assert_allclose(rules.undo_chain(prepared.inputs[1][0], prepared), plate, atol=1e-6)


def test_the_base_network_takes_the_tensors_of_the_whole():
    tensors = reference.weights("bgmv2_mobilenetv2_sampling")
    model = alphamat_deep.from_state_dict("bgmv2-mobilenetv2", tensors, refine_mode="none")
    assert not hasattr(model, "refiner")


def test_what_cannot_be_refined_is_refused():
    for sides, scale, said in (
        ((30, 44), 0.25, r"30 × 44.*multiples of 4, at least 4"),
        ((4, 44), 0.125, r"4 × 44.*multiples of 4, at least 8"),
    ):
        picture = jnp.zeros((1, *sides, 3))
        with pytest.raises(ValueError, match=said):
            abstract(backbone_scale=scale)(picture, picture)


@pytest.mark.parametrize(
    "field",
    [
        {"refine_mode": "treshold"},
        {"refine_kernel_size": 2},
        {"backbone_scale": 0.0},
        {"backbone_scale": 1.5},
        {"refine_sample_pixels": 15},
    ],
)
def test_settings_that_make_no_sense_are_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        bgmv2.BGMv2Config(**field)


def test_patches_are_cut_out_with_float64_enabled_too():
    x, places = jnp.arange(64, dtype=jnp.float32).reshape(1, 8, 8, 1), jnp.array([[0, 3]])
    expected = bgmv2.crop_patches(x, places, 4, 1)
    with jax.enable_x64(True):
        assert np.array_equal(bgmv2.crop_patches(x, places, 4, 1), expected)
