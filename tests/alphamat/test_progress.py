"""Events of long work, and those who listen to them."""

import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import alphamat
from alphamat import progress
from solvers import Solution, cg, multigrid


def test_nobody_has_to_listen():
    assert not progress.is_heard()
    progress.tell(progress.Step("something"))


def test_all_who_listen_hear_until_they_leave():
    outer, inner = [], []
    with progress.listening(outer.append):
        progress.tell(1)
        with pytest.raises(KeyError, match="stop"):
            fail_while(inner.append)
        progress.tell(3)
    progress.tell(4)
    assert (outer, inner) == ([1, 2, 3], [2])


def fail_while(listener):
    with progress.listening(listener):
        progress.tell(2)
        raise KeyError("stop")


def test_other_threads_are_not_heard():
    heard = []
    with progress.listening(heard.append):
        thread = threading.Thread(target=progress.tell, args=[1])
        thread.start()
        thread.join()
    assert heard == []


def test_a_solver_tells_how_far_it_is():
    trimap = np.full((20, 23), 0.5)
    trimap[:, 0], trimap[:, -1] = 0, 1
    events = []
    solver = partial(cg, preconditioner=multigrid)
    with progress.listening(events.append):
        alphamat.closed_form(np.random.default_rng(8).random((20, 23, 3)), trimap, solver=solver)
    *steps, solution = events
    assert isinstance(solution, Solution)
    assert len(steps) == solution.iterations > 2
    assert all(0 <= step.share <= 1 for step in steps)
    assert steps[-1].share > 0.95
    assert steps[0].text.startswith("solving: iteration 1, residual ")


def test_a_bar_is_silent_where_there_is_no_terminal(capsys):
    with progress.bar("working", total=2) as bar:
        bar.advance("one")
        bar.hear(progress.Step("half way", 0.5))
        bar.hear(Solution(None, 1, 0.0, True))
    assert capsys.readouterr() == ("", "")


def test_what_is_printed_to_a_file_stays_out_of_the_bar(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # stderr is a terminal, for rich
    with progress.bar("working"):
        print("result")
    told = capsys.readouterr()
    assert told.out == "result\n"
    assert "working" in told.err


def test_a_bar_in_a_notebook_is_updated_and_vanishes(monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, content, *, raw):
            shown.append(content)

    def display(content, *, raw, display_id):
        assert raw
        assert display_id
        shown.append(content)
        return Handle()

    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    module = ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    seconds = iter(range(100))
    monkeypatch.setattr("alphamat.progress.monotonic", lambda: next(seconds))
    with progress.bar("<begin>", total=4, done=1) as bar:
        bar.advance("two of them")
        bar.advance()
    first, second, third, last = shown
    assert 'value="0.250"' in first["text/html"]
    assert "&lt;begin&gt;" in first["text/html"]
    assert "1/4" in first["text/plain"]
    assert 'value="0.500"' in second["text/html"]
    assert second["text/plain"].endswith("two of them")
    assert 'value="0.750"' in third["text/html"]
    assert last["text/html"] == ""
    shown.clear()
    with progress.bar(total=4, shown=False) as bar:
        bar.advance()
    assert not shown
    assert capsys.readouterr() == ("", "")


def test_the_logger_hears_steps_and_solutions(caplog):
    image, trimap = np.random.default_rng(5).random((11, 14, 3)), np.full((11, 14), 0.5)
    trimap[:3], trimap[-3:] = 0, 1
    with caplog.at_level("DEBUG", "alphamat"):
        assert progress.is_heard()
        alphamat.closed_form(image, trimap)
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ("DEBUG", "solving: iteration 1") in [(level, text[:20]) for level, text in told]
    assert told[-1][0] == "INFO"
    assert told[-1][1].startswith("the solver converged: ")
    caplog.clear()
    with caplog.at_level("INFO", "alphamat"):
        progress.tell(Solution(np.zeros(2), 7, 0.25, False))
        progress.tell(progress.Step("more"))
    expected = "the solver stopped short of its tolerance: 7 iterations, residual 2.5e-01"
    assert [record.getMessage() for record in caplog.records] == [expected]


def run(code, tmp_path):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")


def test_logging_is_left_alone_until_somebody_wants_it(tmp_path):
    code = "import alphamat, sys; print('logging' in sys.modules); import logging\n"
    code += "alphamat.progress.tell(1); print(logging.getLogger('alphamat').handlers)"
    assert run(code, tmp_path)[:2] == ["False", "[<NullHandler (NOTSET)>]"]


def test_the_logger_hears_of_kernels_that_are_compiled(tmp_path):
    code = (
        "import logging, sys, numpy\n"
        "logging.basicConfig(stream=sys.stdout, format='%(name)s %(message)s')\n"
        "logging.getLogger('alphamat').setLevel('INFO')\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from new_kernels import double\n"
        "for _ in range(2): double(2.0)\n"
    )
    kernel = "from solvers.loops import jit\n@jit\ndef double(x):\n    return 2 * x\n"
    (tmp_path / "new_kernels.py").write_text(kernel)
    assert run(code, tmp_path) == ["alphamat compiling new_kernels.double", ""]
