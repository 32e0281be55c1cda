import collections

import numpy as np
import pytest

from alphamat import examples
from alphamat_deep.training.compositions import (
    Entry,
    alternate,
    arrays,
    backdrops,
    painted,
    repeated,
    split,
)
from alphamat_deep.training.compositions.stream import shuffled


def entries(names):
    return tuple(Entry(name, dict) for name in names)


def names(source):
    return [entry.name for entry in source]


def test_no_foreground_is_on_both_sides_also_when_others_come():
    few = [f"{at % 300} cat" for at in range(900)]  # three frames of each
    more = [f"dog {at}" for at in range(500)] + few
    for share in (0.0, 0.1, 0.5, 1.0):
        train, validation = map(names, split(entries(few), validation=share))
        later, kept = map(names, split(entries(more), validation=share))
        assert not set(train) & set(validation)
        assert sorted(train + validation) == sorted(few)
        assert set(train) <= set(later)
        assert set(validation) <= set(kept)
        assert abs(len(kept) / len(more) - share) < 0.06


def test_a_name_in_another_normal_form_is_the_same_foreground():
    composed, decomposed = "café \u00e9", "café \u0065\u0301"
    for share in np.linspace(0.05, 0.95, 19):
        train, _ = split(entries([composed, decomposed]), validation=share)
        assert len(train) != 1


def test_refuses_to_split_what_has_no_end():
    with pytest.raises(ValueError, match="give other `seeds`"):
        split(painted(16, 16))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 65, 1000])
def test_a_shuffle_is_a_permutation(length):
    orders = [[shuffled(at, length, (key, "a")) for at in range(length)] for key in range(2)]
    assert all(sorted(order) == list(range(length)) for order in orders)
    assert length < 7 or orders[0] != orders[1]


def test_all_orders_of_three_are_about_as_frequent():
    counts = collections.Counter(
        tuple(shuffled(at, 3, (key,)) for at in range(3)) for key in range(1200)
    )
    assert len(counts) == 6
    assert min(counts.values()) > 150


def test_a_shuffle_of_more_than_memory_holds_is_fast():
    found = {shuffled(at, 10**15, (3,)) for at in range(100)}
    assert len(found) == 100
    assert max(found) < 10**15


def test_sources_alternate_and_the_shorter_comes_again():
    both = alternate(entries("abc"), entries("xy"))
    assert "".join(names(both)) == "axbycx"
    with pytest.raises(ValueError, match="empty"):
        alternate(entries("abc"), ())


def test_a_still_is_repeated_without_memory():
    still = arrays([(np.full((5, 7, 3), 0.25), np.full((5, 7), 0.5))])
    layers = repeated(still, 4)[0].read()
    assert layers["foreground"].shape == (4, 5, 7, 3)
    assert layers["alpha"].strides[0] == 0


def test_made_sources_are_sliced():
    source = painted(16, 16, scenes=examples.SCENES)
    assert names(source[6:9]) == ["hair 1", "fur 1", "smoke 1"]
    assert names(source[::2_000_000_000]) == [source[2_000_000_000 * at].name for at in range(7)]
    assert names(painted(16, 16)[6:8]) == ["any_foreground 6", "any_foreground 7"]
    with pytest.raises(IndexError):
        source[len(source)]


def test_what_paints_can_be_chosen():
    layers = painted(16, 18, scenes=[examples.glass], background=examples.rooms, seeds=[4])[
        0
    ].read()
    expected = examples.paint(examples.glass, 16, 18, background=examples.rooms, seed=4)
    np.testing.assert_array_equal(layers["background"], expected.background)
    np.testing.assert_array_equal(layers["alpha"][..., 0], np.float32(expected.alpha))
    first, same, other = (
        source[5].read()["background"]
        for source in (
            backdrops(16, 18),
            backdrops(16, 18, background=examples.any_background),
            backdrops(16, 18, background=examples.land),
        )
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_arrays_of_any_depth_become_float32():
    rng = np.random.default_rng(61)
    levels = rng.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    deep = levels.astype(np.uint16) * 257
    given = [
        (levels[..., :3], levels[..., 3]),
        {"foreground": deep[..., :3], "alpha": deep[..., 3:]},
        {"foreground": levels[..., :3] / 255, "alpha": np.repeat(levels[..., 3:], 3, axis=2)},
    ]
    first, *others = (entry.read() for entry in arrays(iter(given), names=["a", "b", "c"]))
    assert first["alpha"].dtype == np.float32
    assert first["alpha"].shape == (5, 7, 1)
    np.testing.assert_array_equal(
        first["foreground"], np.float32(levels[..., :3]) / np.float32(255)
    )
    for other in others:
        for key in first:
            np.testing.assert_allclose(other[key], first[key], atol=1e-7)


def test_sequences_are_read_when_they_are_used():
    class Files:
        read = 0

        def __len__(self):
            return 9

        def __getitem__(self, at):
            self.read += 1
            return np.full((5, 7, 3), at, np.uint8), np.ones((5, 7))

    files = Files()
    source = arrays(files)
    assert (len(source), files.read) == (9, 0)
    assert source[4].read()["foreground"].max() == np.float32(4 / 255)
    assert files.read == 1


def test_a_trimap_has_three_values():
    trimap = np.array([[0, 3, 128, 254, 255]], np.uint8)
    alpha = image = np.zeros((1, 5))
    (entry,) = arrays([{"image": image, "alpha": alpha, "trimap": trimap}])
    assert entry.read()["trimap"].ravel().tolist() == [0, 0.5, 0.5, 0.5, 1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((np.ones((5, 7, 3)), np.ones((5, 8))), r"samples\[0\], `alpha`.* 5 × 8 .* 5 × 7"),
        ((np.ones((5, 7, 2)), np.ones((5, 7))), "has shape"),
        ((np.ones((5, 7, 3)), np.full((5, 7), 2.0)), "values from 2 to 2"),
        ((np.ones((5, 7, 3)), np.full((5, 7), np.nan)), "NaN"),
        ((np.ones((5, 7, 3)),) * 3, "3 parts; expected foreground and alpha"),
        ((np.ones((2, 5, 7, 3)), np.ones((3, 5, 7))), "another number of frames"),
        ((np.ones((5, 7, 3)), np.random.default_rng(1).random((5, 7, 3))), "has colours"),
    ],
)
def test_refuses_arrays_that_are_no_layers(given, told):
    with pytest.raises(ValueError, match=told):
        arrays([given])[0].read()
