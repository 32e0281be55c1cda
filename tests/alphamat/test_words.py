from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from alphamat.trimap import Diagonal, Ellipse
from alphamat.words import as_rate, file_or_colour, output_paths, width_named


def test_a_file_goes_before_a_colour_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(file_or_colour("red", name="over"), [1, 0, 0])
    Path("red").write_text("not a colour")
    assert file_or_colour("red", name="over") == Path("red")
    assert file_or_colour(str(tmp_path), name="over") == tmp_path


@pytest.mark.parametrize("text", ["octarine", "#ff000080", "wall.png"])
def test_neither_a_file_nor_an_opaque_colour_is_refused(text):
    message = rf"over is '{text}'; there is no such file, and '{text}' is not an opaque CSS colour"
    with pytest.raises(ValueError, match=message):
        file_or_colour(text, name="over")


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("12", 12),
        ("0", 0),
        ("2.5", 2.5),
        ("1.5%", Diagonal(0.015)),
        ("7x6", Ellipse(7, iterations=6)),
    ],
)
def test_widths_are_pixels_shares_or_kernels(text, width):
    assert width_named(text) == width


@pytest.mark.parametrize(
    "text", ["", "wide", "-3", "nan", "inf", "0%", "-1%", "7x", "7x0", "x6", "7x6x5"]
)
def test_other_widths_are_refused(text):
    with pytest.raises(ValueError, match=f"'{text}' is not a width; expected pixels"):
        width_named(text)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (25, 25),
        ("23.976", Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        (Fraction(25, 2), Fraction(25, 2)),
    ],
)
def test_rates_are_fractions(rate, expected):
    assert as_rate(rate) == expected


@pytest.mark.parametrize("rate", [0, -1, "fast", float("nan"), "1/0", 1e9])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match="expected frames per second"):
        as_rate(rate)


def test_outputs_go_beside_the_source_into_a_folder_or_to_a_file(tmp_path):
    source = Path("photos/lion.jpg")
    assert output_paths(source, None, ["alpha"]) == {"alpha": Path("photos/lion_alpha.png")}
    assert output_paths(source, Path("a.tif"), ["alpha"]) == {"alpha": Path("a.tif")}
    both = {kind: tmp_path / f"lion_{kind}.png" for kind in ("cutout", "composite")}
    assert output_paths(source, tmp_path, ["cutout", "composite"]) == both
    assert output_paths(source, "new/", ["cutout", "composite"]) == {
        kind: Path(f"new/lion_{kind}.png") for kind in ("cutout", "composite")
    }
    with pytest.raises(ValueError, match="/dev/stdin has no folder"):
        output_paths(Path("/dev/stdin"), None, ["alpha"])
    with pytest.raises(ValueError, match=r"a\.tif is not an existing folder; .* 2 files"):
        output_paths(source, Path("a.tif"), ["cutout", "composite"])


@pytest.mark.parametrize("rate", ["1/3600", 1 / 3600, "1/86400", "1/7", 0.001])
def test_slow_rates_are_kept(rate):
    assert float(as_rate(rate)) == pytest.approx(float(Fraction(rate)))


def test_less_than_a_frame_a_day_is_refused():
    with pytest.raises(ValueError, match="at least one a day"):
        as_rate("1/90000")
