import json
import os
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.cli.watch import estimate
from alphamat.files.images import read_image, write_image
from solvers import Solution, cg

METHODS = """
import warnings
import numpy as np
import alphamat
from solvers import Solution

def flat(image, trimap):
    return np.full(np.shape(trimap)[:2], 0.5)

def give_up(A, b):
    return Solution(b, 7, 0.25, False)

def early(image, trimap, *, solver=give_up):
    solver(None, np.zeros(3))
    warnings.warn("stopped with a residual of 0.25", alphamat.ConvergenceWarning)
    return flat(image, trimap)

def failing(image, trimap):
    raise ValueError("`trimap` is\\nnot to my taste")
"""


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a folder on the path with a package that brings methods of its own."""
    folder = tmp_path / "packages"
    metadata = folder / "others-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "other_methods.py").write_text(METHODS)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent(
            """\
            [alphamat.methods]
            closed-form = alphamat:closed_form
            flat = other_methods:flat
            early = other_methods:early
            failing = other_methods:failing
            absent = no_such_module:method
            """
        )
    )
    monkeypatch.syspath_prepend(folder)
    yield folder
    sys.modules.pop("other_methods", None)


@pytest.fixture
def scene(tmp_path, packages):
    """Return a folder with a red disc before blue, photo.png, and its trimap.png."""
    folder = tmp_path / "scene"
    folder.mkdir()
    y, x = np.mgrid[:23, :30]
    distance = np.hypot(y - 11, x - 15)
    alpha = np.clip(7.5 - distance, 0, 1)[..., None]
    grain = np.random.default_rng(58).normal(scale=0.02, size=(23, 30, 3))
    photo = alpha * [0.9, 0.2, 0.1] + (1 - alpha) * [0.1, 0.2, 0.8] + grain
    write_image(folder / "photo.png", np.clip(photo, 0, 1))
    write_image(
        folder / "trimap.png", np.select([distance < 5, distance > 9], [1.0, 0.0], default=0.5)
    )
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def matte(scene, *arguments):
    return run("matte", scene / "photo.png", scene / "trimap.png", *arguments)


def written(scene):
    return {path.name for path in scene.iterdir()} - {"photo.png", "trimap.png"}


def test_writes_alpha_next_to_the_image(scene):
    result = matte(scene)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert written(scene) == {"photo_alpha.png"}
    assert str(scene / "photo_alpha.png") in result.stdout
    assert "converged" in result.stdout
    alpha = read_image(scene / "photo_alpha.png")
    expected = alphamat.closed_form(
        read_image(scene / "photo.png"), read_image(scene / "trimap.png")
    )
    np.testing.assert_array_equal(alpha, np.rint(255 * expected))


def test_bits_and_output_are_heeded(scene):
    result = matte(scene, "--method", "flat", "--bits", 16, "-o", scene / "out.tif")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read_image(scene / "out.tif"), np.full((23, 30), 32768))


def test_cutout_is_written_instead_of_alpha(scene):
    result = matte(scene, "--cutout")
    assert result.exit_code == 0, result.output
    assert written(scene) == {"photo_cutout.png"}
    cutout = read_image(scene / "photo_cutout.png").astype(int)
    assert cutout.shape == (23, 30, 4)
    np.testing.assert_array_equal(cutout[[11, 0], [15, 0], 3], [255, 0])
    edge = (cutout[..., 3] > 60) & (cutout[..., 3] < 200)
    assert edge.any()
    assert np.abs(cutout[edge][:, :3] - [230, 51, 26]).max() < 60  # the disc's red, not a mixture


@pytest.mark.parametrize("spec", ["white", "#ffffff", "rgb(255, 255, 255)", "FILE"])
def test_what_goes_behind_is_a_colour_or_a_file(scene, spec):
    if spec == "FILE":
        spec = scene / "wall.png"
        write_image(spec, np.ones((23, 30, 3)))
    result = matte(scene, "--over", spec, "-o", scene / "out.png")
    assert result.exit_code == 0, result.output
    composite = read_image(scene / "out.png")
    np.testing.assert_array_equal(composite[0, 0], [255, 255, 255])
    np.testing.assert_allclose(composite[11, 15].astype(int), [230, 51, 26], atol=25)


def test_cutout_and_composite_are_both_written_to_a_folder(scene):
    (scene / "out").mkdir()
    result = matte(scene, "--cutout", "--over", "white", "-o", scene / "out")
    assert result.exit_code == 0, result.output
    assert written(scene / "out") == {"photo_cutout.png", "photo_composite.png"}


def test_json_is_one_object_and_all_there_is(scene):
    result = matte(scene, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record["outputs"] == {"alpha": str(scene / "photo_alpha.png")}
    assert record["size"] == {"height": 23, "width": 30}
    assert set(record["seconds"]) == {"read", "matte", "write"}
    assert record["converged"] is True
    assert record["iterations"] >= 1
    assert 0 <= record["residual"] <= 1e-7
    assert record["warnings"] == []


def test_a_solve_that_stops_early_is_written_with_a_warning(scene):
    result = matte(scene, "--method", "early")
    assert result.exit_code == 0, result.output
    assert result.stderr == "warning: stopped with a residual of 0.25\n"
    assert "did not converge: 7 iterations, residual 2.5e-01" in result.stdout
    record = json.loads(matte(scene, "--method", "early", "--json").stdout)
    assert record["converged"] is False
    assert record["residual"] == 0.25
    assert record["warnings"] == ["stopped with a residual of 0.25"]


def test_a_method_without_a_solver_reports_none(scene):
    record = json.loads(matte(scene, "--method", "flat", "--json").stdout)
    assert record["iterations"] is record["residual"] is record["converged"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "failing"], "`trimap` is not to my taste"),
        (["--method", "absent"], "no_such_module"),
        (["--over", "octarine"], "neither a file nor an opaque CSS colour"),
        (["--over", "#ff000080"], "neither a file nor an opaque CSS colour"),
        (["--over", "small.png"], "`over` is 5 × 6"),
        (["-o", "alpha.jpg"], r"expected a name in .png, .tif, .tiff"),
        (["-o", "nowhere/alpha.png"], "there is no folder nowhere"),
        (["-o", "photo.png"], "is one of the inputs"),
        (["-o", "link.png"], "is one of the inputs"),
        (["-o", "small.png", "--over", "small.png"], "is one of the inputs"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(scene, monkeypatch, arguments, message):
    monkeypatch.chdir(scene)
    write_image("small.png", np.zeros((5, 6)))
    os.symlink("trimap.png", "link.png")
    before = {path.name: path.read_bytes() for path in scene.iterdir()}
    result = run("matte", "photo.png", "trimap.png", *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert {path.name: path.read_bytes() for path in scene.iterdir()} == before


@pytest.mark.parametrize(
    ("image", "trimap", "message"),
    [
        ("missing.png", "trimap.png", "missing.png does not exist"),
        (".", "trimap.png", "is a folder"),
        ("photo.png", "notes.txt", "notes.txt (5 bytes) is not an image"),
        ("photo.png", "small.png", "`trimap` is 5 × 6"),
        ("photo.png", "photo.png", "`trimap` has colours"),
        ("photo.png", "gray.png", "marks no foreground"),
        ("short.png", "trimap.png", "short.png is damaged or cut short"),
        ("glass.png", "trimap.png", "fourth channel"),
    ],
)
def test_bad_inputs_are_one_line(scene, monkeypatch, image, trimap, message):
    monkeypatch.chdir(scene)
    write_image("small.png", np.zeros((5, 6)))
    write_image("gray.png", np.full((23, 30), 0.5))
    write_image("glass.png", np.full((23, 30, 4), 0.5))
    (scene / "notes.txt").write_text("hello")
    (scene / "short.png").write_bytes((scene / "photo.png").read_bytes()[:150])
    result = run("matte", image, trimap, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_output_is_checked_before_the_work(scene):
    # `failing` would fail otherwise: its message would be the one shown.
    result = matte(scene, "--method", "failing", "-o", scene / "alpha.gif")
    assert "alpha.gif cannot be written" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--method", "magic"],
        ["--bits", 12],
        ["--cutout", "--over", "white", "-o", "one.png"],
        ["--nonsense"],
    ],
)
def test_misuse_exits_with_2(scene, arguments):
    result = matte(scene, *arguments)
    assert result.exit_code == 2
    assert written(scene) == set()


def test_methods_are_listed(packages):
    result = run("methods")
    assert result.exit_code == 0
    assert "closed-form" in result.stdout
    assert "other_methods:flat" in result.stdout


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"alphamat {alphamat.__version__}\n"


def test_solver_is_watched_through_its_callback():
    seen = []

    def solver(A, b, *, rtol=1e-3, callback=None):
        callback(1, 0.1)
        callback(2, 1e-4)
        seen.append(callback)
        return Solution(b, 2, 1e-4, True)

    loose = partial(solver, rtol=1e-2)

    def method(image, trimap, *, solver=loose):
        return solver(None, trimap).x

    found = estimate(method, np.zeros((11, 14, 3)), np.ones((11, 14)))
    assert len(seen) == 1
    assert [(s.iterations, s.residual, s.converged) for s in found.solutions] == [(2, 1e-4, True)]
    np.testing.assert_array_equal(found.alpha, np.ones((11, 14)))


def test_watching_leaves_the_solution_as_it_is():
    rng = np.random.default_rng(7)
    A = np.diag(rng.uniform(1, 2, 12))

    tight = partial(cg, rtol=1e-9)

    def method(image, trimap, *, solver=tight):
        return solver(A, trimap.ravel()).x

    trimap = rng.uniform(size=(3, 4))
    found = estimate(method, trimap, trimap)
    np.testing.assert_array_equal(found.alpha, method(trimap, trimap))


def test_demo_writes_four_pictures(tmp_path, monkeypatch):
    from alphamat import examples

    image, trimap = examples.astronaut()
    cut = (slice(5, 60), slice(190, 265))  # hair: enough for a test
    monkeypatch.setattr(examples, "astronaut", lambda: (image[cut], trimap[cut]))
    result = run("demo", "--output", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.output
    shapes = {path.name: read_image(path).shape for path in (tmp_path / "new/folder").iterdir()}
    assert shapes == {
        "alpha.png": (55, 75),
        "cutout.png": (55, 75, 4),
        "composite.png": (55, 75, 3),
        "sheet.png": (55 + 16, 4 * (75 + 8) + 8, 3),
    }
    assert "converged" in result.stdout
    for step in ("read", "matte", "foreground", "write", *shapes):
        assert step in result.stdout


def test_demo_over_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "demo").write_text("mine")
    result = run("demo", "--output", tmp_path / "demo")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def python(code, *arguments, path):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), *filter(None, sys.path)])},
    )


def test_works_as_a_process(scene, packages):
    command = "from alphamat.cli import app; app()"
    inputs = ("matte", scene / "photo.png", scene / "trimap.png")
    ran = python(command, *inputs, "--json", path=packages)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["converged"] is True
    assert read_image(scene / "photo_alpha.png").shape == (23, 30)
    ran = python(command, *inputs, "--over", "nowhere", path=packages)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: --over")


def test_help_starts_without_the_heavy_libraries(packages):
    code = (
        "import sys, pathlib\n"
        "from alphamat.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'scipy', 'skimage', 'cv2', 'sklearn', 'jax', 'PIL'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    ran = python(code, "--help", path=packages)
    assert ran.returncode == 0, ran.stderr
    assert "heavy: []" in ran.stdout
