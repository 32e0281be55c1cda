import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from alphamat import metrics
from alphamat.cli import app
from alphamat.cli.evaluate import _methods, _tell
from alphamat.io.images import read_image, write_image
from tests.alphamat.evaluation.cases import sample, table

METHODS = """
import numpy as np

def flat(image, trimap):
    return np.full(np.shape(trimap)[:2], 0.5)

def red_part(image, trimap):
    if image[0, 0, 2] < 0.5:
        raise ValueError("not <this> one")
    return image[..., 0]

def failing(image, trimap):
    raise ValueError("not to my taste")
"""


@pytest.fixture(autouse=True)
def packages(tmp_path, monkeypatch):
    """Put a package with methods of its own on the path."""
    folder = tmp_path / "packages"
    metadata = folder / "others-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "flat_methods.py").write_text(METHODS)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent(
            """\
            [alphamat.methods]
            flat = flat_methods:flat
            red-part = flat_methods:red_part
            failing = flat_methods:failing
            """
        )
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    yield folder
    sys.modules.pop("flat_methods", None)


@pytest.fixture
def pictures(tmp_path):
    """Return a data set's folder: three pictures, the last of which is dark."""
    root = tmp_path / "pictures"
    for part in ("image", "trimap", "alpha"):
        (root / part).mkdir(parents=True)
    for at, name in enumerate(("disc", "moon", "night")):
        given = sample(name)
        write_image(root / "image" / f"{name}.png", given.image // (3 if at == 2 else 1))
        write_image(root / "trimap" / f"{name}.png", given.trimap)
        write_image(root / "alpha" / f"{name}.png", given.truth)
    return root


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_writes_tables_pictures_and_a_report(pictures, tmp_path):
    result = run("folder", pictures, "--method", "flat", "--method", "red_part", "-o", "out")
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "alphas",
        "report.html",
        "rows.jsonl",
        "scores.csv",
        "scores.json",
        "scores.md",
    }
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["flat", "red_part"] * 3
    np.testing.assert_array_equal(
        read_image(out / "alphas" / "red_part" / "disc.png"), sample().image[..., 0]
    )
    for told in ("red_part", "Conn", "mean rank by", "wrote out/report.html"):
        assert told in result.stdout
    assert result.stderr == (
        "warning: red_part failed on 1 of 3 samples: ValueError: not <this> one "
        "(flat_methods.py, line 9, in red_part)\n"
    )


def test_on_a_terminal_the_best_is_green_and_names_are_as_they_are(monkeypatch, capsys):
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm-256color"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    _tell(table({"*a*": [2], "b": [1]}, [("disc", "")]), {})
    lines = [line for line in capsys.readouterr().out.splitlines() if "32m" in line]
    assert len(lines) == 1
    assert lines[0].startswith("b ")
    assert lines[0].count("\x1b[1;32m1.00\x1b[0m") == 5
    _tell(table({"*a*": [2]}, [("disc", "")]), {})
    told = capsys.readouterr().out
    assert "\n*a* " in told
    assert "32m" not in told


def test_a_second_run_computes_nothing_again(pictures, packages):
    assert run("folder", pictures, "--method", "flat").exit_code == 0
    (packages / "flat_methods.py").write_text(METHODS.replace("np.full", "np.nothing"))
    sys.modules.pop("flat_methods")
    result = run("folder", pictures, "--method", "flat")
    assert result.exit_code == 0
    assert result.stderr == ""


def test_a_stopped_run_says_that_it_can_go_on(pictures, packages, tmp_path):
    text = METHODS.replace("    return image[..., 0]", "    raise KeyboardInterrupt")
    (packages / "flat_methods.py").write_text(text)
    result = run("folder", pictures, "--method", "flat", "--method", "red-part")
    assert result.exit_code == 130
    assert result.stderr == (
        "Stopped. Finished results are in evaluation/. Run the same command again to continue.\n"
    )
    assert len((tmp_path / "evaluation" / "rows.jsonl").read_text().splitlines()) == 1


def test_json_is_one_object_and_all_there_is_on_stdout(pictures):
    result = run("folder", pictures, "--method", "flat", "--json", "--limit", 2, "--no-quantise")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["outputs"]["report"] == "evaluation/report.html"
    assert record["means"][0]["samples"] == 2
    assert record["quantise"] is False
    assert record["rows"][1]["name"] == "moon"


def test_synthetic_needs_no_folder_and_trimaps_can_be_made(pictures):
    scene = run("synthetic", "--method", "flat", "--limit", 1, "--json", "-o", "scene")
    assert json.loads(scene.stdout)["means"][0]["scored"] == 1
    folder = _ppm(pictures)
    for width in ("0", "3", "9x1"):
        result = run("ppm100", folder, "--method", "flat", "--trimap-width", width,
                     "--json", "-o", f"out{width}")  # fmt: skip
        found = [row["sad"] for row in json.loads(result.stdout)["rows"]]
        assert found == pytest.approx([_flat_sad(file, width) for file in _truths(folder)])


def _truths(folder):
    return sorted((folder / "matte").iterdir())


def _flat_sad(file, width):
    """Return the error of one half where PaddleSeg's recipe leaves it unknown, or what is near."""
    truth = read_image(file)
    size, oval, _ = width.partition("x")
    ring = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(size), int(size))) if oval else None
    if ring is None:
        reach = np.arange(-int(size), int(size) + 1)
        ring = np.uint8(np.hypot(*np.meshgrid(reach, reach)) <= int(size))
    unknown = (cv2.erode(truth, ring) < 255) & (cv2.dilate(truth, ring) > 0)
    return np.abs(128 - truth[unknown].astype(float)).sum() / 255 / 1000


def _ppm(pictures):
    for ours, theirs in (("image", "image"), ("alpha", "matte")):
        if not (pictures / theirs).exists():
            (pictures / ours).rename(pictures / theirs)
    return pictures


def test_nothing_finished_is_a_failure(pictures):
    result = run("folder", pictures, "--method", "failing")
    assert result.exit_code == 1
    assert "failing failed on 3 of 3 samples: ValueError: not to my taste" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synthetic"], "at least one method"),
        (["ppm100", "pictures", "--method", "flat", "--trimap-width", "wide"], "is not a width"),
        (["synthetic", "--method", "magic"], "'magic' is not installed"),
        (["nonsense", "--method", "flat"], "'nonsense' is not known"),
        (["synthetic", "pictures", "--method", "flat"], "synthetic takes no folder"),
        (["folder", "--method", "flat"], "folder needs the folder"),
        (["ppm100", "pictures", "--method", "flat", "--split", "test"], "ppm100 does not take it"),
        (["photomatte85", "pictures", "--method", "flat"], "--backgrounds"),
        (["photomatte85", "pictures", "--method", "flat", "--backgrounds", "octarine"], "octarine"),
        (["photomatte85", "pictures", "--method", "flat", "--backgrounds", "#ff000080"], "opaque"),
        (["synthetic", "--method", "flat", "--limit", "0"], "--limit"),
    ],
)
def test_misuse_exits_with_2(pictures, tmp_path, wide, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "evaluation").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder", "nowhere"], "nowhere does not exist"),
        (["folder", "pictures/image"], "is not as expected"),
        (["folder", "pictures", "--jobs", "0"], "--jobs is 0"),
        (["folder", "pictures", "-o", "used"], "used has a result of flat on disc by other"),
        (["alphamatting", "pictures", "--split", "all"], "--split is 'all'"),
    ],
)
def test_refusals_are_one_line(pictures, arguments, message):
    run("folder", pictures, "--method", "flat", "--no-quantise", "--limit", 1, "-o", "used")
    result = run(*arguments, "--method", "flat")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_own_functions_serve_as_methods_and_metrics(pictures, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (tmp_path / "mine.py").write_text(
        "def half(image, trimap):\n    return 0 * trimap + 0.5\n\n"
        "def darkest(alpha, truth, trimap):\n    return alpha.min()\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    result = run("folder", pictures, "--method", "mine:half", "--method", "red-part", "--jobs", 2,
                 "--limit", 2, "--metric", "mine:darkest", "--order-by", "darkest")  # fmt: skip
    assert result.exit_code == 0, result.output
    # By every other metric "mine:half" ranks last.
    head, first, second = result.stdout.splitlines()[:3]
    assert "darkest" in head
    assert first.startswith("red-part")
    assert second.startswith("mine:half")
    record = json.loads((tmp_path / "evaluation" / "scores.json").read_text())
    assert record["rows"][0]["darkest"] == pytest.approx(0.5, abs=0.01)
    assert record["means"][0]["darkest"] == record["rows"][0]["darkest"]
    with open(tmp_path / "evaluation" / "scores.csv", newline="") as file:
        assert float(next(csv.DictReader(file))["darkest"]) == record["rows"][0]["darkest"]
    for name in ("scores.md", "report.html"):
        assert "darkest" in (tmp_path / "evaluation" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nowhere:f", "No module named 'nowhere'"),
        ("flat_methods:round", "has no attribute 'round'"),
        ("flat_methods:np", "is not a function"),
        ("broken:f", "NameError: name 'oops' is not defined (broken.py, line 2, in <module>)"),
        ("leaving:f", "SystemExit: 3"),
        ("worse:f", "SyntaxError"),
        (":f", "cannot be imported"),
    ],
)
@pytest.mark.parametrize("option", ["--method", "--metric"])
def test_functions_that_cannot_be_had_are_misuse(tmp_path, monkeypatch, wide, option, text, told):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "broken.py").write_text("\noops\n")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "worse.py").write_text("def f(:\n")
    result = run("synthetic", "--method", "flat", option, text)
    assert result.exit_code == 2
    assert told in result.stderr
    assert option in result.stderr
    assert not (tmp_path / "evaluation").exists()


def test_folders_may_have_any_names(pictures, tmp_path):
    named = run("folder", pictures, "--method", "flat", "--json", "-o", "a")
    for part, name in (("image", "photos"), ("trimap", "hints"), ("alpha", "truths")):
        (pictures / part).rename(pictures / name)
    below = run("folder", pictures, "--method", "flat", "--json", "-o", "b", "--image", "photos",
                "--trimap", "hints", "--alpha", "truths")  # fmt: skip
    alone = run("folder", "--method", "flat", "--json", "-o", "c", "--image", "pictures/photos",
                "--trimap", "pictures/hints", "--alpha", tmp_path / "pictures/truths")  # fmt: skip
    scores = [[row["sad"] for row in json.loads(r.stdout)["rows"]] for r in (named, below, alone)]
    assert scores[0] == scores[1] == scores[2]
    (pictures / "hints").rename(pictures / "fine")
    shutil.copytree(pictures / "fine", pictures / "coarse")
    both = run("folder", pictures, "--method", "flat", "--json", "-o", "d", "--image", "photos",
               "--trimap", "fine", "--trimap", "coarse", "--alpha", "truths")  # fmt: skip
    assert [r["group"] for r in json.loads(both.stdout)["rows"]] == ["fine", "coarse"] * 3
    less = run("folder", "--method", "flat", "--image", "pictures/photos", "-o", "e", "--json")
    assert "`trimap` is missing" in json.loads(less.stdout)["rows"][0]["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synthetic", "--image", "photos"], "synthetic does not take it"),
        (["folder", "--trimap", "hints"], "folder needs the folder"),
        (["folder", "p", "--trimap", "hints", "--trimap-width", "3"], "--trimap names others"),
        (["synthetic", "--method", "flat"], "'flat' is given twice"),
        (["synthetic", "--metric", "math:cos", "--metric", "cmath:cos"], "'cos' is given twice"),
        (["synthetic", "--time-limit", "0"], "expected seconds, more than 0"),
        (["synthetic", "--time-limit", "nan"], "expected seconds, more than 0"),
        (["synthetic", "--order-by", "worst"], "'worst' is not known; expected one of: sad"),
    ],
)
def test_misuse_of_further_options_exits_with_2(wide, arguments, message):
    result = run(*arguments, "--method", "flat")
    assert result.exit_code == 2
    assert message in result.stderr


def test_outputs_are_told_as_they_were_typed(pictures):
    result = run("folder", pictures, "--method", "flat", "-o", "./out/")
    assert "wrote ./out/report.html\n" in result.stdout


def test_whole_scores_all_pixels(pictures):
    result = run("folder", pictures, "--method", "red-part", "--limit", 1, "--whole", "--json")
    disc = sample("disc")
    expected = metrics.mad(disc.image[..., 0] / 255, disc.truth)
    assert json.loads(result.stdout)["rows"][0]["mad"] == pytest.approx(expected)


def test_a_time_limit_is_told(pictures, packages):
    text = METHODS.replace('raise ValueError("not <this> one")', "import time; time.sleep(60)")
    (packages / "flat_methods.py").write_text(text)
    result = run("folder", pictures, "--method", "red-part", "--time-limit", "2")
    assert result.stderr == (
        "warning: red-part failed on 1 of 3 samples: it took longer than the limit of 2 s\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
def test_ctrl_c_ends_all_processes_in_one_sentence(pictures, packages, tmp_path):
    text = METHODS.replace(
        'raise ValueError("not to my taste")',
        "print('begun', flush=True); import time; time.sleep(60)",
    )
    (packages / "flat_methods.py").write_text(text)
    arguments = "evaluate", "folder", "pictures", "--method", "failing", "--jobs", "2", "-o", "ev"
    paths = os.pathsep.join([str(packages), *filter(None, sys.path)])
    with subprocess.Popen(
        [sys.executable, "-c", "from alphamat.cli import app; app()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    ) as program:
        assert program.stdout.readline() == "begun\n"
        os.killpg(program.pid, signal.SIGINT)
        _, told = program.communicate(timeout=30)
    assert told == (
        "Stopped. Finished results are in ev/. Run the same command again to continue.\n"
    )
    assert program.returncode == 130


def test_a_network_with_several_weights_is_several_methods(monkeypatch):
    monkeypatch.setattr(
        "alphamat.cli.evaluate.method_named", lambda name, weights: (name, str(weights))
    )
    assert _methods(["net=a.pth", "net=b.pth", "knn"]) == {
        "net=a.pth": ("net", "a.pth"),
        "net=b.pth": ("net", "b.pth"),
        "knn": ("knn", "None"),
    }
