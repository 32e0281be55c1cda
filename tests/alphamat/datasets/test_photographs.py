"""The layouts of all data sets of finished pictures."""

import numpy as np
import pytest

from alphamat import datasets

LAYOUTS = [
    (datasets.folder, {}, ["image/a.jpg", "trimap/a.png", "alpha/a.png"]),
    (
        datasets.distinctions646,
        {},
        ["Image/a_0.png", None, "GT/a_0.png"],
    ),
    (datasets.ppm100, {}, ["image/a.jpg", None, "matte/a.jpg"]),
    (datasets.ppm_aim195, {}, ["val/fg/a.jpg", None, "val/alpha/a.png"]),
    (datasets.aim500, {}, ["original/o_a.jpg", "trimap/o_a.png", "mask/o_a.png"]),
    *(
        (
            datasets.p3m500,
            {"split": split},
            [
                f"validation/P3M-500-{split}/{name}"
                for name in (f"{image}/p_a.jpg", "trimap/p_a.png", "mask/p_a.png")
            ],
        )
        for split, image in (("P", "blurred_image"), ("NP", "original_image"))
    ),
    *(
        (
            datasets.alphamatting,
            {"split": split, "resolution": resolution},
            [
                f"input{middle}_{resolution}res/a.png",
                [f"trimap{middle}_{resolution}res/Trimap{at + 1}/a.png" for at in range(count)],
                f"gt{middle}_{resolution}res/a.png" if middle else None,
            ],
        )
        for split, middle, count in (("training", "_training", 2), ("test", "", 3))
        for resolution in ("low", "high")
    ),
]


@pytest.mark.parametrize(("read", "options", "files"), LAYOUTS)
def test_reads_each_layout(read, options, files, put, tmp_path):
    image, trimaps, truth = files
    put(image)
    hints = [trimaps] if isinstance(trimaps, str) else trimaps or []
    marks = [put(hint, "L") for hint in hints]
    alpha = None if truth is None else put(truth, "L")
    samples = list(read(tmp_path, **options))
    assert len(samples) == max(1, len(hints))
    for at, sample in enumerate(samples):
        assert sample.image.shape == (5, 7, 3)
        if alpha is None:
            assert sample.truth is None
        elif truth.endswith("png"):
            np.testing.assert_array_equal(sample.truth, alpha)
        else:
            assert sample.truth.shape == (5, 7)
        if marks:
            np.testing.assert_array_equal(sample.trimap, marks[at])
        else:
            assert sample.trimap is None
        assert sample.group == (f"Trimap{at + 1}" if len(hints) > 1 else "")


def test_names_every_missing_folder_at_once(tmp_path):
    with pytest.raises(ValueError, match="4 faults") as error:
        datasets.alphamatting(tmp_path)
    for name in ("input_training_lowres", "gt_training_lowres", "Trimap1", "Trimap2"):
        assert f"{name}\n" in f"{error.value}\n"


@pytest.mark.parametrize(
    ("read", "options", "message"),
    [
        (datasets.alphamatting, {"split": "val"}, "`split` is 'val'; expected 'training' or 'te"),
        (datasets.alphamatting, {"resolution": 2}, "`resolution` is 2; expected 'low' or 'high'"),
        (datasets.p3m500, {"split": "p"}, "`split` is 'p'; expected 'P' or 'NP'"),
    ],
)
def test_refuses_unknown_words(read, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **options)
