"""The command line as a whole."""

import json
import os
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import alphamat
from alphamat.cli import COMMANDS, EXAMPLES, app
from alphamat.io.images import read_image


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"alphamat {alphamat.__version__}\n"


def test_help_lists_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert set(COMMANDS) <= set(result.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_short_help_with_an_example_that_it_understands(name, monkeypatch):
    result = CliRunner().invoke(app, [name, "-h"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert f"Example: alphamat {name} {EXAMPLES[name]}".strip() in result.stdout
    assert CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "120"}).stdout == result.stdout
    command = get_command(app).commands[name]
    command.make_context(name, EXAMPLES[name].split())  # raises where it is misused


def test_completion_can_be_installed():
    assert "--install-completion" in CliRunner().invoke(app, ["-h"]).stdout


def stop(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["demo", "-o", "demo"], "demo.estimate"),
        (["cutout", "photo.png"], "cutout.planned"),
        (["matte", "photo.png", "trimap.png"], "matte.estimate"),
        (["trimap", "trimap.png"], "trimap.read_image"),
        (["video", "frames", "trimap.png", "-o", "out"], "video.method_named"),
        (["serve"], "serve._refuse_taken"),
        (["models"], "models.installed_models"),
        (["convert", "a.pth", "b.safetensors", "--preset", "gca"], "convert.module_with"),
        (["evaluate", "synthetic", "--method", "fast"], "evaluate._reader"),
        (["score", "photo.png", "trimap.png"], "score.read_picture"),
        (["methods"], "methods.installed_methods"),
    ],
)
def test_ctrl_c_stops_every_command_without_a_traceback(scene, monkeypatch, arguments, place):
    monkeypatch.chdir(scene)
    monkeypatch.setattr(f"alphamat.cli.{place}", stop)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 130
    assert (result.stdout, result.stderr[:8]) == ("", "Stopped.")
    assert result.stderr.count("\n") == 1


def python(code, *arguments, path, stdout=subprocess.PIPE, **environment):
    there = os.pathsep.join([str(path), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": there, **environment},
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


APP = "from alphamat.cli import app; app()"


def test_names_that_stdout_cannot_show_are_printed_with_what_stands_for_them(scene, packages):
    photo = (scene / "photo.png").rename(scene / "фото.png")
    inputs = ("matte", photo, scene / "trimap.png", "--method", "flat")
    ran = python(APP, *inputs, path=packages, PYTHONIOENCODING="cp1252")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\\u0444\\u043e\\u0442\\u043e_alpha.png" in ran.stdout
    assert (scene / "фото_alpha.png").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["methods"], ["models"]])
def test_a_full_stdout_is_told_in_one_line(packages, arguments):
    with open("/dev/full", "w") as full:
        ran = python(APP, *arguments, path=packages, stdout=full)
    assert ran.returncode == 1
    assert ran.stderr == "error: stdout cannot be written: No space left on device.\n"


@pytest.mark.parametrize("command", ["methods", "models"])
def test_a_reader_that_has_seen_enough_is_no_fault(packages, command):
    pipe, stdout = os.pipe()
    os.close(pipe)
    ran = python(APP, command, path=packages, stdout=stdout)
    os.close(stdout)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_works_as_a_module(packages):
    ran = python(
        "import runpy; runpy.run_module('alphamat', run_name='__main__')",
        "--version",
        path=packages,
    )
    assert ran.stdout == f"alphamat {alphamat.__version__}\n"


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
