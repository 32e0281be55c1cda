"""The command line as a whole."""

import json
import os
import subprocess
import sys

from typer.testing import CliRunner

import alphamat
from alphamat.cli import COMMANDS, app
from alphamat.io.images import read_image


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"alphamat {alphamat.__version__}\n"


def test_help_lists_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert set(COMMANDS) <= set(result.stdout.split())


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
