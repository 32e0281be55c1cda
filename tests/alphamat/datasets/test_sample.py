import numpy as np

from alphamat.datasets import Sample, folder, synthetic
from alphamat.io.images import write_image


def test_a_sample_prints_as_a_short_table():
    gray = np.zeros((11, 14), np.uint8)
    sample = Sample("<moon>", np.zeros((11, 14, 3)), gray, None, "fine")
    assert repr(sample).splitlines() == [
        "Sample <moon> fine",
        "        shape        type",
        "image   11 × 14 × 3  float64",
        "trimap  11 × 14      uint8",
    ]
    html = sample._repr_html_()
    assert "<caption>Sample &lt;moon&gt; fine</caption>" in html
    assert "<tr><td>trimap</td><td>11 × 14</td><td>uint8</td></tr>" in html


def test_a_data_set_prints_as_a_short_table_without_reading_pictures(tmp_path):
    (tmp_path / "image").mkdir()
    for at in range(12):
        write_image(tmp_path / "image" / f"p{at}.png", np.zeros((3, 4, 3)))
    many = folder(tmp_path, trimap=None, alpha=None)
    for file in (tmp_path / "image").iterdir():
        file.unlink()
    lines = repr(many).splitlines()
    assert lines[:3] == ["Dataset of 12 samples", "name", "p0"]
    assert lines[-2:] == ["p9", "… 2 more"]
    grouped = synthetic(20, 30, seeds=(1, 2))[:1]
    assert repr(grouped) == "Dataset of 1 sample\nname  group\nhair  seed 1"
    assert "<tr><th>name</th><th>group</th></tr>" in grouped._repr_html_()
