"""The floors: who may import whom, what is private, and what `import alphamat` may cost."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["solvers", "alphamat", "alphamat_deep"]  # each may import those before it
HEAVY = {"numba", "jax", "flax", "optax", "sklearn", "skimage", "cv2", "scipy", "matplotlib"}


def sources(*folders):
    """Return (path, tree) of every module and notebook below some top-level folders."""
    files = [file for folder in folders for file in (ROOT / folder).rglob("*")]
    texts = [(file, file.read_text()) for file in files if file.suffix == ".py"]
    texts += [(file, code_cells(file)) for file in files if file.suffix == ".ipynb"]
    return [(file, ast.parse(text, str(file))) for file, text in texts]


def code_cells(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    code = "\n".join("".join(c["source"]) + "\n" for c in cells if c["cell_type"] == "code")
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))


def imports(tree):
    """Return the dotted name of everything that a module imports, at any depth."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def offenders(folders, offence):
    """Return "file: import" for each import of which `offence(file, parts of the name)` is true."""
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file, tree in sources(*folders)
        for name in sorted(imports(tree))
        if offence(file, name.split("."))
    ]


def test_there_is_something_to_check():
    assert len(sources(*FLOORS)) > 10


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_downwards(floor):
    above = FLOORS[FLOORS.index(floor) + 1 :]
    assert not offenders([floor], lambda file, parts: parts[0] in above)


def test_packages_do_not_import_tests_or_benchmarks():
    assert not offenders(FLOORS, lambda file, parts: parts[0] in ("tests", "benchmarks"))


def test_jax_stays_in_its_rooms():
    jax = {"jax", "flax", "optax"}
    assert not offenders(
        ["solvers", "alphamat"],
        lambda file, parts: parts[0] in jax and file != ROOT / "solvers" / "jax.py",
    )


def test_kernels_are_called_by_their_neighbours_only():
    def from_afar(file, parts):
        kernels = [at for at, part in enumerate(parts) if part.endswith("_kernels")]
        return kernels and file.parent != ROOT.joinpath(*parts[: kernels[0]])

    assert not offenders([*FLOORS, "benchmarks", "notebooks"], from_afar)


def test_numba_is_met_only_in_kernels():
    assert not offenders(
        FLOORS,
        lambda file, parts: (
            parts[0] == "numba"
            and not file.stem.endswith("_kernels")
            and file.relative_to(ROOT).as_posix() != "solvers/loops.py"
        ),
    )


def test_nothing_is_imported_wholesale():
    assert not offenders(FLOORS, lambda file, parts: parts[-1] == "*")


def test_notebooks_and_benchmarks_use_public_names_only():
    ours = ["benchmarks", "notebooks"]
    assert not offenders(
        ours, lambda file, parts: parts[0] in FLOORS and any(p.startswith("_") for p in parts)
    )
    private = [
        f"{file.relative_to(ROOT)}: {ast.unparse(node)}"
        for file, tree in sources(*ours)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
    ]
    assert not private


@pytest.mark.parametrize("package", [p for p in FLOORS if (ROOT / p).exists()])
def test_every_public_name_is_exported_explicitly(package):
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    plain = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == package
        for alias in node.names
        if alias.asname != alias.name
    ]
    assert not plain


def fresh(program):
    """Run a program in a new interpreter and return what it prints, as JSON."""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


MEASURE = """
import json, sys, time
import numpy
before, start = set(sys.modules), time.process_time()
import alphamat
seconds = time.process_time() - start
print(json.dumps([sorted(set(sys.modules) - before), seconds]))
"""


def test_importing_alphamat_is_cheap():
    modules, seconds = fresh(MEASURE)
    roots = {name.split(".")[0] for name in modules}
    assert not roots & HEAVY
    assert len([name for name in modules if name.split(".")[0] not in FLOORS]) < 30
    # 0.15 s is the promise; processor time of a busy machine may be more.
    assert seconds < 0.4


def test_importing_alphamat_deep_starts_no_device(monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("JAX_PLATFORMS", "none of these")  # an error, once JAX looks for a device
    modules = fresh("import json, sys, alphamat_deep; print(json.dumps(list(sys.modules)))")
    assert not {name.split(".")[0] for name in modules} & {"numba", "sklearn", "cv2", "matplotlib"}
