"""Files that others publish are fed as by those who publish them."""

import cv2
import numpy as np
import pytest
from PIL import Image

import alphamat.onnx
from alphamat.method import run
from alphamat.onnx import ROWS
from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD, one_hot, to_data
from tests.alphamat.onnx.models import MEAN, model

U2NET = """
    stub (float[1,3,320,320] pixels) => (float[1,1,320,320] d0, float[1,1,320,320] d1)
    { d0 = ReduceMean<axes = [1]>(pixels) d1 = ReduceMax<axes = [1]>(pixels) }
"""
RVM = """
    stub (
        float[b,3,h,w] src,
        float[b,c,i,j] r1i, float[b,c,i,j] r2i, float[b,c,i,j] r3i, float[b,c,i,j] r4i,
        float[1] downsample_ratio
    ) => (
        float[b,3,h,w] fgr, float[b,1,h,w] pha,
        float[b,1,h,w] r1o, float[b,1,h,w] r2o, float[b,1,h,w] r3o, float[b,1,h,w] r4o
    ) {
        fgr = Identity(src)
        gray = ReduceMean<axes = [1]>(src)
        small = Mul(gray, downsample_ratio)
        r1o = Add(small, r1i)
        r2o = Identity(r1o)
        r3o = Identity(r1o)
        r4o = Add(r4i, gray)
        pha = Identity(r1o)
    }
"""
BGMV2 = """
    stub (float[b,3,h,w] src, float[b,3,h,w] bgr)
    => (float[b,1,h,w] pha, float[b,3,h,w] fgr, float[b,1,h,w] pha_sm)
    {
        fgr = Sub(src, bgr)
        pha = ReduceMean<axes = [1]>(fgr)
        pha_sm = Identity(pha)
    }
"""


def picture(height=70, width=90, seed=71):
    return np.random.default_rng(seed).integers(0, 200, (height, width, 3), np.uint8)


def stub(name):
    """Return a file with the inputs and outputs that a row tells of."""
    if name in ("rvm", "bgmv2"):
        return {"rvm": RVM, "bgmv2": BGMV2}[name]
    if name == "modnet":
        return MEAN.replace("image", "input").replace("alpha", "output")
    side = "320" if "u2net" in name or name == "silueta" else "1024"
    return U2NET.replace("320", side)


def by_rembg(image, side, mean, std):
    """Return the mean of what rembg's program gives a network, stretched, at the image's size."""
    small = np.array(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
    gray = ((small / small.max() - mean) / std).mean(axis=-1)
    return gray


def enlarged(gray, size):
    stretched = ((gray - gray.min()) / (gray.max() - gray.min())).astype(np.float32)
    large = Image.fromarray(stretched).resize(size[::-1], Image.Resampling.LANCZOS)
    return np.clip(large, 0, 1)


@pytest.mark.parametrize("name", ["u2net", "silueta"])
def test_u2net_is_fed_as_by_rembg(tmp_path, name):
    method, image = alphamat.onnx.load(model(stub(name), tmp_path / f"{name}.onnx")), picture()
    gray = by_rembg(image, 320, IMAGENET_MEAN, IMAGENET_STD)
    np.testing.assert_allclose(method(image), enlarged(gray, (70, 90)), atol=1e-4)


def test_birefnet_gives_logits(tmp_path):
    path = model(stub("birefnet"), tmp_path / "BiRefNet-general-epoch_244.onnx")
    method, image = alphamat.onnx.load(path), picture()
    assert method.name == "birefnet-general"
    gray = by_rembg(image, 1024, IMAGENET_MEAN, IMAGENET_STD)
    expected = enlarged(1 / (1 + np.exp(-gray)), (70, 90))
    np.testing.assert_allclose(method(image), expected, atol=1e-4)


def test_modnet_is_fed_as_by_its_authors(tmp_path):
    image = picture(1100, 600)
    path = model(stub("modnet"), tmp_path / "modnet_photographic_portrait_matting.onnx")
    small = cv2.resize(image, (512, 928), interpolation=cv2.INTER_AREA)
    gray = (small / 127.5 - 1).mean(axis=-1)
    expected = np.clip(cv2.resize(gray, (600, 1100), interpolation=cv2.INTER_AREA), 0, 1)
    np.testing.assert_allclose(alphamat.onnx.load(path)(image), expected, atol=1e-5)


def test_rvm_remembers_and_gets_its_ratio(tmp_path):
    method = alphamat.onnx.load(model(RVM, tmp_path / "whatever.onnx"))
    assert method.name == "rvm"
    frame = np.full((4, 1024, 3), 0.5)
    step = method.clip()
    for expected in (0.25, 0.5, 0.75):
        matte = step(frame)
        np.testing.assert_allclose(matte.alpha, expected, atol=1e-6)
        np.testing.assert_allclose(matte.foreground, 0.5, atol=1e-6)


@pytest.mark.parametrize("size", [(20, 32), (13, 18)])
def test_bgmv2_gets_its_plate(tmp_path, size):
    text = BGMV2.replace("b,3,h,w", "1,3,20,32") if size == (20, 32) else BGMV2
    method = alphamat.onnx.load(model(text, tmp_path / "onnx_mobilenetv2_hd.onnx"))
    assert method.name == "bgmv2"
    image, plate = (picture(*size, seed) / 255 for seed in (5, 7))
    matte = run(method, image, plate=plate)
    np.testing.assert_allclose(matte.foreground, np.clip(image - plate, 0, 1), atol=1e-6)
    np.testing.assert_allclose(matte.alpha, np.clip((image - plate).mean(-1), 0, 1), atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_runs_and_is_complete(tmp_path, name):
    row = ROWS[name]
    assert row.licence
    assert row.citation
    assert row.url.startswith("https://")
    assert row.rules.encode is not one_hot
    assert to_data(row.rules)
    method = alphamat.onnx.load(model(stub(name), tmp_path / f"{name}.onnx"))
    assert method.name == name
    assert (method.card.licence, method.card.commercial) == (row.licence, row.commercial)
    plate = picture(40, 50, 3) if row.rules.plate else None
    assert run(method, picture(40, 50), plate=plate).alpha.shape == (40, 50)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.files])
def test_files_are_known_by_their_names(tmp_path, name):
    for file in ROWS[name].files:
        assert alphamat.onnx.load(model(stub(name), tmp_path / file)).name == name


def test_a_file_of_another_name_is_what_it_is_said_to_be(tmp_path):
    path = model(U2NET, tmp_path / "mine.onnx")
    with pytest.raises(ValueError, match=r"no mine.onnx.json beside.*pixels, tell.*u2net, u2netp"):
        alphamat.onnx.load(path)
    known = alphamat.onnx.load(model(U2NET, tmp_path / "u2net.onnx"))
    assert np.array_equal(alphamat.onnx.load(path, like="u2net")(picture()), known(picture()))
    with pytest.raises(ValueError, match="`like` is 'u3net'; expected one of: u2net"):
        alphamat.onnx.load(path, like="u3net")


@pytest.mark.parametrize(
    ("like", "text", "said"),
    [
        ("rvm", U2NET, "is not what the row rvm says: it has the inputs pixels, not downsample"),
        ("u2net", BGMV2, "it has the inputs bgr, src, not src"),
        ("u2net", U2NET.replace("1,3,320", "1,4,320"), "pixels has 4 channels; expected 3"),
        ("u2net", U2NET.replace("float[1,3", "double[1,3"), r"pixels has tensor\(double\)"),
        ("u2net", "a (float[3,8,8] x) => (float[3,8,8] y) { y = Identity(x) }", r"shape \(3, 8, 8"),
        ("u2net", U2NET.replace("[1,", "[2,"), r"shape \(2, 3, 320, 320\); expected one picture"),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_refused(tmp_path, like, text, said):
    if "double" in text:
        text = text.replace("float[1,1", "double[1,1")
    path = model(text, tmp_path / "mine.onnx")
    with pytest.raises(ValueError, match=said):
        alphamat.onnx.load(path, like=like)
