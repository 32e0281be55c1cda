"""Held-out pictures and clips are matted and scored as a method does it."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat import metrics, write_image
from alphamat_deep.catalogue import PRESETS
from alphamat_deep.matting import Matting
from alphamat_deep.training import command, loop
from alphamat_deep.training.validation import as_held, validate
from tests.alphamat_deep.training.small import HELD, RECIPE, SMALL, Small, batches, sample


class Output(NamedTuple):
    alpha: Any
    state: Any


class Remembering(nnx.Module):
    """The mean of the small network's alphas of this frame and of the one before."""

    def __init__(self, config, *, rngs):
        self.small = Small(config, rngs=rngs)

    def initial_state(self, image):
        return jnp.zeros((*image.shape[:3], 1))

    def __call__(self, image, trimap, state):
        alpha = self.small(image, trimap).alpha
        return Output((alpha + state) / 2, alpha)


def clip(frames=3, seed=4):
    """Return a clip, as the stream of samples has it."""
    made = [sample(seed, at, 16, 24) for at in range(frames)]
    return {name: np.stack([frame[name] for frame in made]) for name in made[0]}


def method(model: Any = Small):
    row = replace(SMALL, model=model)
    network = row.model(row.config, rngs=nnx.Rngs(5))
    network.eval()
    return Matting("small", row, network, np.dtype("float32"), "")


def test_a_clips_frames_are_scored_in_order_with_what_the_network_remembers():
    remembering, film, held = method(Remembering), clip(), HELD[0]
    step, rows = remembering.clip(), []
    for image, trimap, alpha in zip(film["image"], film["trimap"], film["alpha"], strict=True):
        rows.append((step(image, trimap).alpha, alpha, trimap))
    rows.append((remembering(held["image"], held["trimap"]), held["alpha"], held["trimap"]))
    found = validate(remembering, [film, held])
    for name, score in found.scores.items():
        assert score == pytest.approx(np.mean([getattr(metrics, name)(*row) for row in rows]))
    stills = [{name: x[at] for name, x in film.items()} for at in range(3)]
    assert validate(remembering, [*stills, held]).scores["sad"] != found.scores["sad"]
    assert found.sheet is not None
    assert found.sheet.shape == (16 + 11 + 3 * 4, 4 * (24 + 4) + 4, 3)  # a line each


def test_a_network_without_memory_scores_a_clip_as_so_many_pictures():
    film = clip()
    stills = [{name: x[at] for name, x in film.items()} for at in range(3)]
    assert validate(method(), [film]).scores == validate(method(), stills).scores


def test_a_plate_of_a_clip_may_be_one_picture():
    film = clip() | {"plate": np.zeros((16, 24, 3))}
    shapes = [None if frame.plate is None else frame.plate.shape for frame in as_held(film)]
    assert shapes == 3 * [(16, 24, 3)]


@pytest.mark.parametrize(("images", "alphas"), [(3, 2), (0, 0)])
def test_a_clip_needs_an_alpha_for_each_image(images, alphas):
    film = {"image": clip()["image"][:images], "alpha": clip()["alpha"][:alphas]}
    with pytest.raises(ValueError, match=f"clip of {images} images and {alphas} alphas"):
        loop.train(RECIPE, batches, out="nowhere", validation=[film])


def test_clips_of_a_folder_are_held_out_whole(tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "small", replace(SMALL, model=Remembering))
    monkeypatch.setitem(command.RECIPES, "small", RECIPE)
    monkeypatch.setattr(command, "FRAMES", 2)
    for folder, layer in ("fg", "image"), ("pha", "alpha"):
        for name in "abcdef":
            (tmp_path / folder / name).mkdir(parents=True)
            for at, pixels in enumerate(clip(2)[layer]):
                write_image(tmp_path / folder / name / f"{at}.png", pixels.squeeze())
    folders = {"foregrounds": tmp_path / "fg", "alphas": tmp_path / "pha"}
    run = command.run_of("small", **folders, backgrounds=(0, 1, 0), validation=0.5)
    assert 1 <= len(run.validation) <= 5
    assert len(as_held(run.validation[0])) == 2
