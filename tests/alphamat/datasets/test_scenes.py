import pickle

import numpy as np
import pytest

from alphamat import datasets, examples


def test_paints_every_scene_once_for_each_seed():
    dataset = datasets.synthetic(24, 31, seeds=(5, 8))
    names = [scene.__name__ for scene in examples.SCENES]
    assert dataset.labels == [(name, f"seed {seed}") for name in names for seed in (5, 8)]
    assert [group for _, group in datasets.synthetic().labels] == [""] * len(names)


def test_gives_what_the_scene_is_made_of():
    scene = examples.SCENES[0]
    dataset = datasets.synthetic(24, 31, scenes=[scene], seeds=[8])
    (sample,) = pickle.loads(pickle.dumps(dataset))
    painted = examples.synthetic(scene, 24, 31, seed=8)
    assert (sample.name, sample.group) == (scene.__name__, "")
    for actual, expected in (
        (sample.image, painted.image),
        (sample.trimap, painted.trimap),
        (sample.truth, painted.alpha),
        (sample.plate, painted.background),
    ):
        np.testing.assert_array_equal(actual, expected)


def test_refuses_sizes_before_it_paints():
    with pytest.raises(ValueError, match="`height` is 0"):
        datasets.synthetic(0, 31)
    with pytest.raises(TypeError, match=r"`width` is 3\.5"):
        datasets.synthetic(24, 3.5)
