"""Mattes in pieces are those of the whole."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import distance_transform_edt

import alphamat
import solvers
from alphamat import examples
from alphamat.io import as_srgb, read_image, read_picture, write_image
from alphamat.tiles import matte, matting
from tests.alphamat.io.writers import profile

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def scene():
    """Return hair before a garden, 8 bits, with bands of unknown pixels through all of it."""
    painted = examples.synthetic(examples.hair, 200, 300, seed=3)
    return np.rint(painted.image * 255).astype(np.uint8), painted.trimap


def wide(trimap):
    """Return a trimap of which 60 % is unknown."""
    distance = distance_transform_edt(trimap != 128)
    return np.where(distance <= np.quantile(distance, 0.6), 128, trimap).astype(np.uint8)


def spots(trimap):
    """Return a trimap with many small unknown areas, and a thin one around all of them."""
    some = np.where(np.arange(trimap.shape[1]) < 150, 255, 0) * np.ones((len(trimap), 1))
    for y in range(10, 180, 45):
        for x in range(12, 280, 45):
            some[y : y + 9, x : x + 13] = 128
    some[1:3, 2:-2] = some[-3:-1, 2:-2] = some[1:-2, 1:3] = 128
    return some.astype(np.uint8)


@pytest.fixture
def files(tmp_path, scene):
    image, trimap = scene

    def put(trimap=trimap, **options):
        tifffile.imwrite(tmp_path / "photo.tif", image, photometric="rgb", **options)
        write_image(tmp_path / "trimap.png", trimap / 255)
        return tmp_path / "photo.tif", tmp_path / "trimap.png", tmp_path / "alpha.tif"

    return put


@pytest.fixture
def little(monkeypatch):
    """Leave so little room for arrays that there are many pieces."""
    monkeypatch.setattr(matting, "_share", lambda memory: 6_000_000)


@pytest.mark.parametrize(
    ("method", "change", "room", "pieces"),
    [
        (alphamat.closed_form, np.array, 6_000_000, 3),
        (alphamat.closed_form, wide, 14_000_000, 3),
        (alphamat.closed_form, spots, 3_000_000, 4),
        (alphamat.learning_based, np.array, 6_000_000, 3),
    ],
)
def test_equals_the_alpha_of_the_whole(scene, files, monkeypatch, method, change, room, pieces):
    monkeypatch.setattr(matting, "_share", lambda memory: room)
    seen = []
    cut = matting.pieces
    monkeypatch.setattr(matting, "pieces", lambda *a: seen.extend(cut(*a)) or seen)
    trimap = change(scene[1])
    photo, hints, output = files(trimap)
    matte(photo, hints, output, method=method, bits=16)
    assert len(seen) >= pieces
    whole = method(scene[0], trimap)
    assert np.abs(read_image(output) / 65535 - whole).max() < 1.5e-3
    assert not (output.parent / ".alpha.tif.partial").exists()


@pytest.mark.parametrize(
    "form",
    [
        {"tile": (64, 48), "compression": "zlib"},
        {"rowsperstrip": 7, "compression": "zlib", "predictor": 2},
        {"rowsperstrip": 7},
        {"bigtiff": True, "byteorder": ">"},
        {"planarconfig": "separate"},
    ],
)
def test_reads_all_ways_of_storing(scene, files, form):
    image, trimap = scene
    photo, hints, output = files(trimap, **({} if "planarconfig" in form else form))
    if "planarconfig" in form:
        tifffile.imwrite(photo, np.moveaxis(image, 2, 0), photometric="rgb", **form)
    matte(photo, hints, output)
    expected = np.rint(255 * alphamat.closed_form(image, trimap))
    assert np.abs(read_image(output) - expected).max() <= 1
    with tifffile.TiffFile(output) as file:
        assert file.is_bigtiff
        assert file.pages[0].is_tiled


def test_reads_and_writes_ome_zarr(scene, files):
    zarr = pytest.importorskip("zarr")
    image, trimap = scene
    photo, hints, output = files(trimap)
    folder = photo.parent
    group = zarr.open_group(str(folder / "photo.zarr"), mode="w")
    planes = np.moveaxis(image, 2, 0)[None, :, None]
    stored = group.create_array("s0", shape=planes.shape, dtype="uint8", chunks=(1, 1, 1, 64, 64))
    stored[...] = planes
    group.attrs["ome"] = {"multiscales": [{"datasets": [{"path": "s0"}]}]}
    matte(folder / "photo.zarr", hints, folder / "alpha.zarr")
    matte(photo, hints, output)
    found = zarr.open(str(folder / "alpha.zarr"), mode="r")
    assert found.attrs["ome"]["multiscales"][0]["axes"][0]["name"] == "y"
    np.testing.assert_array_equal(found["0"][...], read_image(output))
    with pytest.raises(FileExistsError, match=r"alpha\.zarr is there already"):
        matte(photo, hints, folder / "alpha.zarr")


def test_takes_arrays(scene, files):
    dask = pytest.importorskip("dask.array")
    image, trimap = scene
    photo, hints, output = files()
    matte(photo, hints, output)
    expected = output.read_bytes()
    matte(dask.from_array(image, chunks=(64, 50, 3)), trimap, output)
    assert output.read_bytes() == expected
    with pytest.raises(ValueError, match=r"`trimap` has shape \(200, 300, 2\)"):
        matte(image, np.zeros((200, 300, 2), np.uint8), output)
    with pytest.raises(TypeError, match="`image` is a list"):
        matte([[0]], trimap, output)


def test_heeds_profiles(scene, files):
    photo, hints, output = files(iccprofile=profile())
    matte(photo, hints, output)
    picture = read_picture(photo)
    assert picture.profile == profile()
    expected = alphamat.closed_form(as_srgb(picture), scene[1])
    assert np.abs(read_image(output) - 255 * expected).max() < 0.51
    assert np.abs(alphamat.closed_form(*scene) - expected).max() > 0.01


KILLED = """
import os, signal, sys
from alphamat.tiles import matte, matting, state
matting._share = lambda memory: 6_000_000
visits, where = int(sys.argv[4]), sys.argv[5]
put, kept = state.State.put, []
def dying(self, *arguments):
    if where == "written":
        put(self, *arguments)
    if len(self.visits) == visits and (self.folder / "next.npz").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, *arguments)
state.State.put = dying
matte(*sys.argv[1:4], bits=16)
"""


@pytest.fixture
def solved(monkeypatch):
    """Return a list that grows by each piece that is solved."""
    seen, visit = [], matting.Work._visit
    monkeypatch.setattr(matting.Work, "_visit", lambda self, k: seen.append(k) or visit(self, k))
    return seen


@pytest.mark.parametrize(("visits", "where"), [(2, "written"), (6, "before")])
def test_a_killed_run_goes_on_and_gives_the_same_file(files, little, solved, visits, where):
    photo, hints, output = files()
    matte(photo, hints, output, bits=16)
    expected, all_of_them = output.read_bytes(), solved.copy()
    output.unlink()
    program = [sys.executable, "-c", KILLED, photo, hints, output, str(visits), where]
    died = subprocess.run(list(map(str, program)), cwd=ROOT, timeout=120)
    assert died.returncode == -signal.SIGKILL
    assert not output.exists()
    solved.clear()
    matte(photo, hints, output, bits=16)
    assert output.read_bytes() == expected
    assert solved == all_of_them[visits + 1 :]


def test_a_changed_input_starts_anew(files, little, monkeypatch, solved):
    photo, hints, output = files()
    with monkeypatch.context() as patched:
        patched.setattr(matting, "write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            matte(photo, hints, output)
    assert (output.parent / ".alpha.tif.partial" / "journal").exists()
    all_of_them = solved.copy()
    solved.clear()
    os.utime(photo, (1, 1))
    matte(photo, hints, output)
    assert solved == all_of_them


def test_nothing_unknown_is_written_as_it_is(scene, files):
    trimap = np.where(scene[1] == 128, 0, scene[1]).astype(np.uint8)
    *paths, output = files(trimap)
    matte(*paths, output)
    np.testing.assert_array_equal(read_image(output), trimap)


def test_says_what_is_wrong(scene, files):
    photo, hints, output = files(np.full((200, 300), 128, np.uint8))
    with pytest.raises(ValueError, match="`trimap` marks no foreground"):
        matte(photo, hints, output)
    with pytest.raises(ValueError, match="`trimap` marks no foreground"):  # also once more
        matte(photo, hints, output)
    assert not (output.parent / ".alpha.tif.partial").exists()
    photo, hints, output = files(scene[1][:, :-3])
    with pytest.raises(ValueError, match="`trimap` is 200 × 297"):
        matte(photo, hints, output)
    photo, hints, output = files()
    with pytest.raises(ValueError, match="`memory` is 1000"):
        matte(photo, hints, output, memory=1000)
    with pytest.raises(ValueError, match="`method` is knn"):
        matte(photo, hints, output, method=alphamat.knn)
    with pytest.raises(ValueError, match="`confidence` is given"):
        matte(photo, hints, output, method=partial(alphamat.closed_form, confidence=100))
    with pytest.raises(ValueError, match=r"alpha\.png cannot be written"):
        matte(photo, hints, output.with_suffix(".png"))
    photo.write_bytes(photo.read_bytes()[:-50_000])
    with pytest.raises(ValueError, match=r"photo\.tif is damaged or cut short"):
        matte(photo, hints, output)


def test_options_are_heeded(scene, files):
    photo, hints, output = files()
    solver = partial(solvers.cg, preconditioner=solvers.multigrid, rtol=1e-7)
    options = {"epsilon": 1e-3, "radius": 2, "solver": solver}
    matte(photo, hints, output, method=partial(alphamat.closed_form, **options), bits=16)
    whole = alphamat.closed_form(*scene, **options)
    assert np.abs(read_image(output) / 65535 - whole).max() < 1e-4
    assert np.abs(alphamat.closed_form(*scene) - whole).max() > 0.01


MEASURE = """
import sys
from alphamat import memory
from alphamat.tiles import matte
memory.forget_peak()
matte(*sys.argv[1:4], memory=512 * 2**20)
print(memory.peak())
"""


@pytest.mark.slow
def test_memory_is_bounded(tmp_path, scene):
    image, trimap = (np.tile(a, (9, 9) + (1,) * (a.ndim - 2)) for a in scene)
    paths = [str(tmp_path / name) for name in ("photo.tif", "trimap.tif", "alpha.tif")]
    tifffile.imwrite(paths[0], image, photometric="rgb", tile=(128, 128), compression="zlib")
    tifffile.imwrite(paths[1], trimap, compression="zlib", rowsperstrip=32)
    program = [sys.executable, "-c", MEASURE, *paths]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 512 * 2**20
