"""Recipes: their samples are what their losses take, and what the authors' networks are given."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.compiling import untraced_rngs
from alphamat_deep.fill import tensors_of
from alphamat_deep.training.recipes import RECIPES, bgmv2, fine_tune, pp_humanmatting, rvm
from alphamat_deep.training.state import begin
from alphamat_deep.training.weights import filled

SMALLER = {  # where samples are so large that they take seconds
    "pp-humanmatting": partial(pp_humanmatting.compose, size=256),
    "bgmv2-refine": partial(bgmv2.compose, size=256, scale=(0.3, 1)),
    "rvm-stage2": partial(rvm.compose, frames=3),
    "rvm-stage3": partial(rvm.compose, frames=3),
    "rvm-stage4": partial(rvm.compose, frames=3),
}
QUICK = "dim-stage1", "dim-stage2"  # to trace
AUTHORS = [name for name in RECIPES if not name.startswith("fine-tune") and name != "learned"]


def layers(seed=3, height=60, width=90):
    """Return a soft disc of noise, and a smaller background of noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - height / 2, x - width / 2)
    alpha = np.clip((height / 3 - away) / 6, 0, 1).astype(np.float32)[..., None]
    foreground, background = (
        rng.random((*size, 3), np.float32) for size in ((height, width), (50, 70))
    )
    return {"foreground": foreground, "alpha": alpha, "background": background}


def compose(name):
    return SMALLER.get(name, RECIPES[name].compose)


@pytest.mark.parametrize("name", AUTHORS)
def test_samples_are_composites_with_trimaps_of_three_values(name):
    sample = compose(name)(layers(), np.random.default_rng(5))
    shapes = {x.shape[:-1] for key, x in sample.items() if not key.startswith("large_")}
    assert len(shapes) == 1
    for key, x in sample.items():
        assert x.dtype == np.float32, key
        assert 0 <= x.min() <= x.max() <= 1, key
    if "trimap" in sample:
        assert set(np.unique(sample["trimap"])) <= {0, 0.5, 1}
        soft = (sample["alpha"] > 0.02) & (sample["alpha"] < 0.98)
        # Some blur alpha and keep the trimap; ViTMatte makes the trimap at another size.
        if not name.startswith(("pp-", "vitmatte-")):
            assert (sample["trimap"][soft] == 0.5).mean() > 0.99


@pytest.mark.parametrize("name", AUTHORS)
def test_samples_of_one_recipe_have_one_size_whatever_the_pictures(name):
    shapes = [
        {key: x.shape for key, x in compose(name)(picture, np.random.default_rng(at)).items()}
        for at, picture in enumerate((layers(), layers(height=150, width=70)))
    ]
    assert shapes[0] == shapes[1]


def test_half_of_gcas_samples_have_a_second_foreground():
    drawn = []

    def draw():
        drawn.append(layers(seed=4))
        return drawn[-1]

    compose = partial(RECIPES["gca"].compose, size=64)
    rng = np.random.default_rng(6)
    for at in range(20):
        sample = compose(layers(seed=at), rng, draw=draw)
        assert sample["image"].shape == (64, 64, 3)
    assert 5 <= len(drawn) <= 15


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"@{name}", marks=[pytest.mark.slow] * (name not in QUICK))
        for name in (
            *AUTHORS,
            "fine-tune-pp-dim",
            "fine-tune-pp-gca",
            "fine-tune-fba",
            "fine-tune-modnet-webcam",
            "fine-tune-learned",
        )
    ],
)
def test_losses_take_the_samples_of_their_recipe(name):
    recipe = RECIPES[name]
    sample = compose(name)(layers(), np.random.default_rng(5))
    small = {key: reduced(x) for key, x in sample.items()}
    batch = {key: jnp.stack([x, x]) for key, x in small.items()}
    if len(recipe.losses) == 3:
        batch |= {f"large_{key}": batch[key] for key in ("image", "alpha", "foreground")}

    def one_step(batch):
        model = alphamat_deep.build(recipe.preset, rngs=untraced_rngs(), **recipe.config)
        step, state = begin(recipe, model)
        return step(state, batch)

    _, scalars = jax.eval_shape(one_step, batch)
    assert all(x.shape == () and x.dtype == jnp.float32 for x in scalars.values())
    assert {"total", "gradient"} <= set(scalars)


def reduced(pixels):
    """Return pixels of 128 × 128 places, and at most 2 frames."""
    frames = pixels[:2] if pixels.ndim == 4 else pixels
    height, width = frames.shape[-3:-1]
    rows, columns = (np.arange(128) * side // 128 for side in (height, width))
    return frames[..., rows, :, :][..., columns, :]


def test_fine_tuning_keeps_the_losses_of_the_recipe_and_names_unknown_presets():
    recipe = fine_tune("pp-matting-1024", frozen=(r"^backbone\.",))
    assert recipe.losses == RECIPES["pp-matting-1024"].losses
    assert recipe.frozen_statistics
    assert len(recipe.frozen) == 2
    with pytest.raises(ValueError, match="`preset` is 'gcaa'; expected one of: learned, dim, "):
        fine_tune("gcaa")


def test_there_is_fine_tuning_for_every_preset():
    tuned = {name.removeprefix("fine-tune-") for name in RECIPES if name.startswith("fine-tune")}
    assert tuned == set(alphamat_deep.PRESETS) - {"small"}


def test_a_stage_takes_the_weights_of_the_one_before_and_draws_what_these_lack():
    before, after = RECIPES["dim-stage1"], RECIPES["dim-stage2"]
    model = alphamat_deep.build(before.preset, rngs=nnx.Rngs(5))
    tensors = tensors_of(model)
    begun = filled(after, tensors, seed=8)
    np.testing.assert_array_equal(begun.conv3_2.kernel[...], model.conv3_2.kernel[...])
    assert np.std(begun.refine_conv2.kernel[...]) > 0.01
    del tensors["conv3_2.weight"]
    with pytest.raises(ValueError, match=r"there is nothing for `conv3_2\.weight`"):
        filled(after, tensors)
