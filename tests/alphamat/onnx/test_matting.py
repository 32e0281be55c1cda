"""A file in ONNX with a card is a method like any other."""

import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import alphamat.onnx
from alphamat.identity import describe
from alphamat.method import Need, run, takes
from alphamat.rules import (
    HALF,
    Pad,
    Preprocess,
    Resize,
    fixed_size,
    floor_sides,
    levels,
    square,
)
from tests.alphamat.onnx.models import (
    ALPHA,
    GREEN_OVER_WHITE,
    IMAGE,
    MEAN,
    PICTURE,
    SUMS,
    model,
    net,
    port,
)

BLACK, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def picture(height=11, width=14, seed=59):
    return np.random.default_rng(seed).random((height, width, 3))


def test_alpha_is_what_the_file_computes(tmp_path):
    method, image = alphamat.onnx.load(net(tmp_path)), picture()
    alpha = method(image)
    assert alpha.dtype == np.float64
    np.testing.assert_allclose(alpha, image.mean(axis=-1), atol=1e-6)
    assert method.name == method.__name__ == "small"
    assert takes(method) == (Need.NO, Need.NO, True, None)


def test_colours_are_normalised_where_the_file_does_not(tmp_path):
    rules = Preprocess((0.2, 0.3, 0.1), (0.5, 2, 4))
    method, image = alphamat.onnx.load(net(tmp_path, rules=rules, normalised=False)), picture()
    expected = ((image - rules.mean) / rules.std).mean(axis=-1)
    np.testing.assert_allclose(method(image), np.clip(expected, 0, 1), atol=1e-6)


def test_channels_may_be_last(tmp_path):
    text = MEAN.replace("3,h,w", "h,w,3").replace("1,h,w", "h,w,1").replace("[1]", "[3]")
    inputs = [port("image", shape=("b", "h", "w", 3), layout="NHWC")]
    outputs = [port("alpha", shape=("b", "h", "w", 1), layout="NHWC")]
    method = alphamat.onnx.load(net(tmp_path, text, inputs=inputs, outputs=outputs))
    np.testing.assert_allclose(method(picture()), picture().mean(axis=-1), atol=1e-6)


def everything(folder):
    rules = Preprocess(BLACK, ONE, levels, (Pad(1, 4),), plate=True)
    inputs = [port("trimap"), IMAGE, port("plate", shape=("b", 3, "h", "w"))]
    outputs = [port("foreground", shape=("b", 3, "h", "w")), port("alpha")]
    return alphamat.onnx.load(
        net(folder, GREEN_OVER_WHITE, rules=rules, inputs=inputs, outputs=outputs)
    )


def test_trimap_plate_and_foreground_go_where_they_belong(tmp_path):
    method, image = everything(tmp_path), picture()
    plate = picture(seed=61) / 4
    trimap = np.random.default_rng(67).choice([0, 0.5, 1], image.shape[:2])
    matte = run(method, image, trimap, plate)
    apart = image - plate
    alpha = np.clip(apart.mean(axis=-1) * 128 / 255, 0, 1)
    np.testing.assert_allclose(matte.alpha, np.where(trimap == 0.5, alpha, trimap), atol=1e-6)
    np.testing.assert_allclose(matte.foreground, np.clip(apart, 0, 1), atol=1e-6)
    with pytest.raises(ValueError, match="`plate` is missing; small needs a picture of the same"):
        method(image, trimap)


def test_a_batch_is_its_pictures(tmp_path):
    method = everything(tmp_path)
    images, plates = (np.stack([picture(seed=x), picture(seed=x + 1)]) for x in (3, 7))
    trimaps = np.random.default_rng(67).choice([0, 0.5, 1], images.shape[:3])
    together = method.layers(images, trimaps, plates)
    for at in range(2):
        alone = method.layers(images[at], trimaps[at], plates[at])
        assert np.array_equal(together.alpha[at], alone.alpha)
        assert np.array_equal(together.foreground[at], alone.foreground)


def test_what_is_not_taken_is_refused(tmp_path):
    method = alphamat.onnx.load(net(tmp_path))
    with pytest.raises(ValueError, match="`trimap` is given, and small takes none"):
        method(picture(), np.zeros((11, 14)))


def sums(folder):
    return alphamat.onnx.load(
        net(
            folder,
            SUMS,
            rules=Preprocess(BLACK, ONE, chain=(Resize(partial(square, 8)),)),
            inputs=[IMAGE, port("before", "state", (1, 1, 8, 8))],
            outputs=[port("alpha"), port("after", "state", (1, 1, 8, 8))],
        )
    )


def test_a_clip_remembers_and_pictures_do_not(tmp_path):
    method = sums(tmp_path)
    first, second = np.full((8, 8, 3), 0.8), np.full((8, 8, 3), 0.4)
    step, other = method.clip(), method.clip()
    for image, expected in ((first, 0.2), (second, 0.3), (second, 0.4)):
        np.testing.assert_allclose(step(image).alpha, expected, atol=1e-6)
    np.testing.assert_allclose(other(second).alpha, 0.1, atol=1e-6)
    np.testing.assert_allclose(method(second), 0.1, atol=1e-6)
    with pytest.raises(ValueError, match="the clip's first frame is 8 × 8"):
        step(np.zeros((8, 9, 3)))


def test_a_clip_of_batches_remembers_each(tmp_path):
    method = sums(tmp_path)
    step = method.clip()
    batch = np.stack([np.full((8, 8, 3), 0.8), np.full((8, 8, 3), 0.4)])
    step(batch)
    np.testing.assert_allclose(step(batch[::-1]).alpha, 0.3, atol=1e-6)


@pytest.mark.parametrize("size", [(40, 90), (7, 5), (16, 24)])
def test_a_file_of_one_size_takes_pictures_of_all(tmp_path, size):
    text = MEAN.replace("b,3,h,w", "1,3,16,24").replace("b,1,h,w", "1,1,16,24")
    rules = fixed_size(Preprocess(HALF, HALF), 16, 24)
    method = alphamat.onnx.load(net(tmp_path, text, rules=rules))
    alpha = method(np.full((*size, 3), 0.75))
    np.testing.assert_allclose(alpha, np.full(size, 0.75), atol=1e-5)


def test_half_precision(tmp_path):
    text = MEAN.replace("float[", "float16[")
    ports = {
        "inputs": [{**IMAGE, "dtype": "float16"}],
        "outputs": [port("alpha", dtype="float16")],
    }
    method = alphamat.onnx.load(net(tmp_path, text, **ports))
    np.testing.assert_allclose(method(picture()), picture().mean(axis=-1), atol=2e-3)


def test_another_process_opens_the_file_again(tmp_path, monkeypatch):
    net(tmp_path)
    monkeypatch.chdir(tmp_path)
    method = alphamat.onnx.load("net.onnx", threads=1)
    stored = pickle.dumps(method)
    assert len(stored) < 4000
    monkeypatch.chdir("/")
    assert np.array_equal(pickle.loads(stored)(picture()), method(picture()))


def test_a_continued_evaluation_tells_files_apart(tmp_path):
    first = alphamat.onnx.load(net(tmp_path))
    again = alphamat.onnx.load(tmp_path / "net.onnx", threads=1)
    other = alphamat.onnx.load(net(tmp_path, MEAN.replace("ReduceMean", "ReduceMax")))
    assert describe(first) == describe(again) != describe(other)


def test_nan_is_refused(tmp_path):
    text = (
        f"log ({PICTURE}) => ({ALPHA}) {{ less = ReduceMin<axes = [1]>(image) alpha = Log(less) }}"
    )
    method = alphamat.onnx.load(net(tmp_path, text))
    with pytest.raises(ValueError, match=r"net.onnx gives NaN or infinite values as alpha"):
        method(np.zeros((4, 5, 3)))


def test_alpha_of_another_size_is_refused(tmp_path):
    text = f"""half ({PICTURE}) => (float[b,1,x,y] alpha) {{
        less = ReduceMean<axes = [1]>(image)
        alpha = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(less)
    }}"""
    method = alphamat.onnx.load(net(tmp_path, text))
    with pytest.raises(ValueError, match=r"alpha of shape \(1, 1, 4, 5\) for a picture of 8 × 10"):
        method(np.zeros((8, 10, 3)))


def test_what_the_file_cannot_compute_is_told_with_its_sizes(tmp_path):
    text = f"""even ({PICTURE}) => ({ALPHA}) {{
        gray = ReduceMean<axes = [1]>(image)
        shape = Constant<value = int64[5] {{1, 1, 2, 3, -1}}>()
        five = Reshape(gray, shape)
        back = Shape(gray)
        alpha = Reshape(five, back)
    }}"""
    rules = Preprocess(BLACK, ONE, chain=(Resize(partial(floor_sides, 2)),))
    method = alphamat.onnx.load(net(tmp_path, text, rules=rules))
    assert method(np.zeros((6, 4, 3))).shape == (6, 4)
    with pytest.raises(ValueError, match=r"net.onnx cannot be run on 1×3×4×4 numbers: "):
        method(np.zeros((4, 4, 3)))


ALONE = """
import sys, numpy, alphamat.onnx
alphamat.onnx.load(sys.argv[1])(numpy.zeros((9, 8, 3)))
print([name for name in ("jax", "onnx", "torch", "alphamat_deep") if name in sys.modules])
"""


def test_neither_jax_nor_the_package_onnx_is_needed(tmp_path):
    net(tmp_path)
    command = [sys.executable, "-c", ALONE, tmp_path / "net.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "[]", result.stderr


def test_the_extra_is_named_where_it_is_missing(tmp_path, monkeypatch):
    net(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r'pip install "alphamat\[onnx\]"'):
        alphamat.onnx.load(tmp_path / "net.onnx")


def test_processes_that_share_the_cores_use_their_share(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    method = alphamat.onnx.load(net(tmp_path))
    options = method.session._opened.get_session_options()
    assert options.intra_op_num_threads == 3
    again = alphamat.onnx.load(tmp_path / "net.onnx", threads=2)
    assert again.session._opened.get_session_options().intra_op_num_threads == 2
    with pytest.raises(ValueError, match="`threads` is 0; expected a whole number of at least 1"):
        alphamat.onnx.load(tmp_path / "net.onnx", threads=0)


def test_a_card_wins_over_names_and_nothing_over_a_card(tmp_path):
    (tmp_path / "u2net.onnx.json").write_text((net(tmp_path).parent / "net.onnx.json").read_text())
    path = model(MEAN, tmp_path / "u2net.onnx")
    assert alphamat.onnx.load(path).name == "small"
    with pytest.raises(ValueError, match=r"u2net.onnx.json says how u2net.onnx is run; leave out"):
        alphamat.onnx.load(path, like="u2net")
