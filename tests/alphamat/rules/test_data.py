"""Rules as values of JSON: they come back as they were, and what is no rule is refused."""

import json
from copy import deepcopy
from functools import partial

import numpy as np
import pytest

from alphamat import rules
from alphamat.rules.encodings import ENCODINGS
from alphamat.rules.filters import FILTERS
from alphamat.rules.sizes import SIZES

RULES = rules.Preprocess(
    rules.IMAGENET_MEAN,
    rules.IMAGENET_STD,
    rules.one_hot,
    (
        rules.Stretch(),
        rules.Resize(
            partial(rules.floor_sides, 4, most=24), rules.lanczos, rules.bilinear, rules.area
        ),
        rules.Pad(2, 4, mode="edge"),
        rules.Extend(partial(rules.exceed_sides, 8), (0.25, 0.5, 1)),
        rules.Repeat(partial(rules.ceil_sides, 48)),
        rules.Brighten(),
    ),
    keep_known=False,
    keep_image=True,
    plate=True,
    coarse=(rules.Resize(partial(rules.square, 16)),),
)
DATA = rules.to_data(RULES)


def test_rules_come_back_from_json_and_do_the_same():
    back = rules.from_data(json.loads(json.dumps(DATA)))
    assert rules.to_data(back) == DATA
    rng = np.random.default_rng(31)
    image, plate = rng.integers(0, 256, (2, 13, 29, 3), np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (13, 29))
    prepared, expected = (each.apply(image, trimap, plate) for each in (back, RULES))
    for found, wanted in zip(prepared.inputs, expected.inputs, strict=True):
        assert np.array_equal(found, wanted)
    alpha = rng.random(expected.inputs[0].shape[1:3], np.float32)
    assert np.array_equal(back.undo(alpha, prepared), RULES.undo(alpha, expected))


@pytest.mark.parametrize("name", SIZES)
def test_every_size_is_written_with_its_numbers(name):
    needed = {"exactly": 2, "fit": 2, "floor_short_side": 2, "floor_short_side_unless_between": 2}
    size = partial(SIZES[name], *(32,) * needed.get(name, 1))
    data = rules.to_data(rules.Preprocess(rules.HALF, rules.HALF, chain=(rules.Resize(size),)))
    told = data["chain"][0]["resize"]["size"]
    assert list(told.values()) == [name, *(32,) * needed.get(name, 1)]
    assert rules.from_data(data).chain[0].size(45, 131) == size(45, 131)


def test_every_function_goes_by_its_name():
    for table in (SIZES, FILTERS, ENCODINGS):
        assert all(getattr(rules, name) is function for name, function in table.items())


def test_fields_with_defaults_may_be_left_out():
    data = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    assert rules.from_data(data) == rules.Preprocess((0, 0, 0), (1, 1, 1))


def changed(place, value):
    data = deepcopy(DATA)
    *way, last = place
    at = data
    for key in way:
        at = at[key]
    at[last] = value
    return data


WRONG = [
    (["mean"], [0, 0], r"`rules.mean` is \[0, 0\]; expected three numbers"),
    (["std"], [1, 0, 1], "expected three numbers other than 0"),
    (["std"], [1, float("nan"), 1], "`rules.std`"),
    (["encode"], "two_hot", "`rules.encode` is 'two_hot'; expected one of: levels, raw_levels"),
    (["encode"], ["levels"], "`rules.encode`"),
    (["sharpen"], 1, "`rules` has 'sharpen'; expected mean, std"),
    (["keep_known"], 1.5, "`rules.keep_known` is 1.5; expected one of: False, True"),
    (["plate"], "yes", "`rules.plate`"),
    (["chain"], {}, r"`rules.chain` is {}; expected a list of steps"),
    (["chain", 0], {"blur": {}}, r"`rules.chain\[0\]` is 'blur'; expected one of: resize, pad"),
    (["chain", 0], {"pad": {}, "brighten": {}}, "expected one step"),
    (["chain", 0], {"pad": {"border": 1}}, r"`rules.chain\[0\].pad` has no multiple"),
    (["chain", 0], {"brighten": {"by": 2}}, "has 'by'; expected nothing"),
    (["chain", 1, "resize", "how"], None, r"chain\[1\].resize.how` is None; expected one of: bil"),
    (["chain", 1, "resize", "how"], "sharp", "'sharp'; expected one of: bilinear"),
    (["chain", 1, "resize", "size"], 512, "is 512; expected names and their values"),
    (["chain", 1, "resize", "size"], {"rule": "cubed"}, "'cubed'; expected one of: square"),
    (["chain", 1, "resize", "size"], {"rule": "square"}, "size` has no side, which it needs"),
    (["chain", 1, "resize", "size", "multiple"], 0, "is 0; expected a whole number from 1"),
    (["chain", 1, "resize", "size", "most"], 1e9, "expected a whole number from 1 to 16384"),
    (["chain", 1, "resize", "size", "length"], 8, "has 'length'; expected rule, multiple, least"),
    (["chain", 2, "pad", "multiple"], True, "is True; expected a whole number"),
    (["chain", 2, "pad", "mode"], "wrap", "'wrap'; expected one of: reflect, edge"),
    (["chain", 3, "extend", "colour"], "white", "expected three numbers"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG)
def test_what_is_no_rule_is_refused_where_it_is(place, value, said):
    with pytest.raises(ValueError, match=said):
        rules.from_data(changed(place, value))


def test_functions_of_other_places_are_not_written():
    def half(height, width):
        return height // 2, width // 2

    mine = rules.Preprocess(rules.HALF, rules.HALF, chain=(rules.Resize(half),))
    with pytest.raises(ValueError, match=r"half.*which files cannot name; expected one of: square"):
        rules.to_data(mine)
