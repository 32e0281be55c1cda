"""The house: floors, rooms, what each may import, and what `import alphamat` may cost."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["solvers", "alphamat", "alphamat_deep"]  # each may import those before it
HEAVY = {"numba", "jax", "flax", "optax", "sklearn", "skimage", "cv2", "scipy", "matplotlib"}

# A room is a folder, or a file that lies beside folders. Each may import the rooms named, and the
# floors below its own. A room that is not here is refused: decide what it may import first.
ROOMS = {
    "solvers": "",
    "alphamat.memory": "",
    "alphamat.extras": "",
    "alphamat.faults": "",
    "alphamat.identity": "",
    "alphamat.interrupts": "",
    "alphamat.door": "",
    "alphamat.progress": "",
    "alphamat.workers": "faults interrupts",
    "alphamat.trimap": "door",
    "alphamat.io": "door extras memory",
    "alphamat.metrics": "door trimap",
    "alphamat.plate": "door",
    "alphamat.laplacians": "door memory",
    "alphamat.system": "door progress trimap",
    "alphamat.foreground": "door memory system",
    "alphamat.network": "door memory progress trimap",
    "alphamat.methods": "door laplacians memory network system trimap",
    "alphamat.doubts": "door methods system",
    "alphamat.method": "door laplacians methods system",
    "alphamat.compat": "door foreground laplacians methods system trimap",
    "alphamat.examples": "door io memory trimap",
    "alphamat.datasets": "door examples io foreground",
    "alphamat.rules": "door method trimap",
    "alphamat.tiles": "door io laplacians method methods progress rules system trimap",
    "alphamat.onnx": "door extras method rules",
    "alphamat.segmentation": "door trimap",
    "alphamat.photograph": "door foreground method methods progress segmentation trimap",
    "alphamat.colours": "door foreground io method",
    "alphamat.batch": "colours door faults identity io method methods photograph progress "
    "rules segmentation workers",
    "alphamat.words": "door trimap",
    "alphamat.video": "door extras io foreground method plate trimap words",
    "alphamat.evaluation": "datasets door extras faults identity io memory method metrics "
    "progress system trimap workers",
    "alphamat.installed": "",
    "alphamat.interactive": "door laplacians method methods system trimap",
    "alphamat.serve": "door foreground installed interactive io laplacians method methods onnx "
    "photograph progress segmentation trimap workers",
    "alphamat.cli": "batch colours datasets door evaluation examples extras faults installed io "
    "memory method methods metrics onnx photograph plate progress segmentation serve system tiles "
    "trimap video words",
    "alphamat.__main__": "cli",
    "alphamat_deep.layers": "",
    "alphamat_deep.backbones": "layers",
    "alphamat_deep.models": "backbones layers",
    "alphamat_deep.checkpoints": "",
    "alphamat_deep.fill": "layers",
    "alphamat_deep.catalogue": "backbones fill models",
    "alphamat_deep.compiling": "catalogue",
    "alphamat_deep.matting": "catalogue compiling",
    "alphamat_deep.zoo": "catalogue checkpoints compiling fill matting",
    "alphamat_deep.export": "compiling matting",
    "alphamat_deep.differentiable": "",
    "alphamat_deep.checking": "differentiable layers",
    "alphamat_deep.training": "catalogue checkpoints compiling fill layers matting models zoo",
}

# Where a package may take another's names from, beside its `__init__`.
PUBLIC = {
    "solvers": "blackbox box grid ichol inverse jax loops operators parameters parts runs",
    "alphamat": "datasets datasets.compose door door.parameters examples "
    "examples.backdrops examples.painting extras identity interrupts io.folders io.whole memory "
    "method metrics progress rules trimap trimap.parse",
    "alphamat_deep": "",
}

MOST_LINES = 300  # of code: neither blank, nor comment, nor docstring
LONGER = {  # and why
    "alphamat/methods/_shared_sampling_kernels.py": "the four stages of one paper, in its order",
}


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


@cache
def files():
    """Return the file of each of our modules by its dotted name."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for floor in FLOORS
        for file in (ROOT / floor).rglob("*.py")
    }


@cache
def arrows():
    """Return for each of our modules which of them it imports."""
    known = files()
    found = {name: set() for name in known}
    names = {file: name for name, file in known.items()}
    for file, tree in sources(*FLOORS):
        for dotted in imports(tree):
            package, _, name = dotted.rpartition(".")
            taken = dotted in known and name not in exports(package)
            whole = dotted if taken else package
            if whole in known and whole != names[file]:
                found[names[file]].add(whole)
    return found


@cache
def exports(package):
    """Return the names that a package's `__init__` hands on: `solvers.cg` is the function."""
    file = files().get(package)
    if file is None or file.name != "__init__.py":
        return set()
    lines = ast.walk(ast.parse(file.read_text()))
    taken = [line for line in lines if isinstance(line, ast.ImportFrom) and line.module != package]
    return {alias.asname or alias.name for line in taken for alias in line.names}


def room(module):
    """Return the room that a module lies in; None of what only gathers names."""
    floor, *within = module.split(".")
    return floor if floor == "solvers" else f"{floor}.{within[0]}" if within else None


def test_there_is_something_to_check():
    assert len(sources(*FLOORS)) > 10


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_downwards(floor):
    above = FLOORS[FLOORS.index(floor) + 1 :]
    assert not offenders([floor], lambda file, parts: parts[0] in above)


def test_every_room_imports_only_what_it_may():
    rooms = {room(module) for module in files()} - {None}
    assert rooms == set(ROOMS)
    wrong = [
        f"{module} -> {other}"
        for module, others in arrows().items()
        for other in others
        if (here := room(module)) is not None
        and (there := room(other)) not in (None, here)
        and there.split(".")[0] == here.split(".")[0]
        and there.split(".")[1] not in ROOMS[here].split()
    ]
    assert not wrong


def test_no_room_is_allowed_what_it_does_not_import():
    used = {(room(module), room(other)) for module, others in arrows().items() for other in others}
    idle = [
        f"{here}: {name}"
        for here, allowed in ROOMS.items()
        for name in allowed.split()
        if (here, f"{here.split('.')[0]}.{name}") not in used
    ]
    assert not idle


def test_rooms_import_only_rooms_above_them_in_the_table():
    rooms = list(ROOMS)
    wrong = [
        f"{here}: {name}"
        for at, here in enumerate(rooms)
        for name in ROOMS[here].split()
        if f"{here.split('.')[0]}.{name}" not in rooms[:at]
    ]
    assert not wrong


def test_no_file_imports_itself_in_a_circle():
    left = {module: set(others) for module, others in arrows().items()}
    while ends := [module for module, others in left.items() if not others]:
        for module in ends:
            del left[module]
        for others in left.values():
            others.difference_update(ends)
    assert not left


def test_packages_take_each_others_public_names_only():
    wrong = [
        f"{module} -> {other}"
        for module, others in arrows().items()
        for other in others
        if module.split(".")[0] != (floor := other.split(".")[0])
        and other != floor
        and other.removeprefix(f"{floor}.") not in PUBLIC[floor].split()
    ]
    assert not wrong


def lines_of_code(file):
    """Count lines that hold more than blanks, comments and docstrings."""
    text = file.read_text()
    documented = ast.Module, ast.ClassDef, ast.FunctionDef
    told = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    ]
    skipped = {at for node in told for at in range(node.lineno, node.end_lineno + 1)}
    lines = enumerate(text.splitlines(), 1)
    return sum(at not in skipped and line.strip()[:1] not in ("", "#") for at, line in lines)


def test_files_stay_short():
    lengths = {
        file.relative_to(ROOT).as_posix(): lines_of_code(file)
        for file, _ in sources(*FLOORS, "benchmarks")
        if file.suffix == ".py"
    }
    long = {name for name, count in lengths.items() if count > MOST_LINES}
    assert long == set(LONGER)


def test_packages_do_not_import_tests_or_benchmarks():
    assert not offenders(FLOORS, lambda file, parts: parts[0] in ("tests", "benchmarks"))


def test_jax_stays_in_its_rooms():
    jax = {"jax", "flax", "optax"}
    assert not offenders(
        ["solvers", "alphamat"],
        lambda file, parts: parts[0] in jax and file.parent != ROOT / "solvers" / "jax",
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
            and file.relative_to(ROOT).as_posix()
            not in ("solvers/loops.py", "solvers/_cache.py", "solvers/_lanes.py")
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
        for node in ast.walk(tree)
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


EVERYTHING = """
import json, sys, alphamat_deep
for name in alphamat_deep.__all__:
    getattr(alphamat_deep, name)
print(json.dumps(list(sys.modules)))
"""


def test_importing_alphamat_deep_starts_no_device(monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("JAX_PLATFORMS", "none of these")  # an error, once JAX looks for a device
    modules = fresh(EVERYTHING)
    assert "jax" in modules
    assert not {name.split(".")[0] for name in modules} & {"numba", "sklearn", "cv2", "matplotlib"}


def test_importing_alphamat_deep_brings_no_clips_data_sets_or_painters():
    pytest.importorskip("jax")
    modules = fresh(EVERYTHING)
    unwanted = ("cli", "datasets", "evaluation", "examples", "files.folders", "video")
    assert not [m for m in modules if m.removeprefix("alphamat.").startswith(unwanted)]


def test_processes_that_compose_training_data_import_nothing_heavy():
    pytest.importorskip("jax")
    program = "import json, sys; from alphamat_deep.training import compositions; "
    modules = fresh(program + "print(json.dumps(list(sys.modules)))")
    assert not {name.split(".")[0] for name in modules} & HEAVY


DISTRIBUTIONS = {"opencv-python-headless": "cv2", "pillow": "PIL", "scikit-image": "skimage"}


def test_everything_that_is_required_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["deep"], *extras["video"]]
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in required]
    imported = {name.split(".")[0] for _, tree in sources(*FLOORS) for name in imports(tree)}
    unused = {DISTRIBUTIONS.get(name, name) for name in names} - imported
    assert not unused
