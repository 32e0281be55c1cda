"""What the packages show of themselves, and whom they are mistaken for."""

import ast
import os
import pydoc
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["solvers", "alphamat", "alphamat_deep"]


def package(name):
    if name == "alphamat_deep":
        pytest.importorskip("jax")
    return import_module(name)


@pytest.mark.parametrize("name", PACKAGES)
def test_all_that_is_exported_is_listed_and_nothing_else(name):
    lines = ast.walk(ast.parse((ROOT / name / "__init__.py").read_text()))
    exported = {
        alias.asname
        for line in lines
        if isinstance(line, ast.ImportFrom) and line.module.split(".")[0] == name
        for alias in line.names
    }
    assert set(package(name).__all__) == exported
    later = {
        "batch",
        "datasets",
        "evaluation",
        "examples",
        "interactive",
        "method",
        "metrics",
        "onnx",
        "segmentation",
        "video",
    }
    shown = {shown for shown in dir(package(name)) if not shown.startswith("__")}
    assert shown == exported | (later if name == "alphamat" else set())


@pytest.mark.parametrize("name", PACKAGES)
def test_help_has_the_functions(name):
    text = pydoc.plain(pydoc.render_doc(package(name)))
    functions = re.findall(r"^    (\w+)\(", text, re.MULTILINE)
    assert {"solvers": "cg", "alphamat": "closed_form", "alphamat_deep": "load"}[name] in functions


def python(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("file", ["solvers.py", "solvers/__init__.py"])
@pytest.mark.parametrize("program", ["import alphamat", "import solvers, alphamat"])
def test_a_file_of_the_users_that_is_called_solvers_is_named(tmp_path, file, program):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    told = python(program, tmp_path).stderr.splitlines()[-1]
    assert told.startswith(f"ImportError: `solvers` is imported from {tmp_path / file}, which is")
    assert "Rename that file" in told


def test_a_file_of_the_users_that_is_called_alphamat_is_named(tmp_path):
    (tmp_path / "alphamat.py").write_text("")
    told = python("import alphamat_deep", tmp_path).stderr.splitlines()[-1]
    assert f"`alphamat` is imported from {tmp_path / 'alphamat.py'}, which is" in told


def test_an_empty_folder_of_that_name_does_no_harm(tmp_path):
    (tmp_path / "solvers").mkdir()
    assert python("import alphamat", tmp_path).returncode == 0
