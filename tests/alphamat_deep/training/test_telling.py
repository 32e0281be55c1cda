"""What a run tells is whole, paced, and cut back to where it goes on."""

import io
import json
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from alphamat_deep.training import stopping, telling
from alphamat_deep.training.folder import open_run
from alphamat_deep.training.report import curves_of, report
from tests.alphamat_deep.training.small import RECIPE


def told(out, steps, recipe=RECIPE, start=0):
    with telling.telling(out, start, recipe, None) as teller:
        for step in steps:
            teller.step(step, {"total": 1 / step, "gradient": float("nan")})
            teller.waited += 0.01


def test_lines_after_the_checkpoint_and_half_lines_are_cut(tmp_path):
    told(tmp_path, range(1, 6))
    path = tmp_path / "scalars.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step": 6, "to')
    told(tmp_path, [4], start=3)
    assert [record["step"] for record in telling.records(path)] == [1, 2, 3, 4]


def test_what_is_no_number_is_null(tmp_path):
    told(tmp_path, [1])
    line = (tmp_path / "scalars.jsonl").read_text()
    assert json.loads(line)["gradient"] is None
    assert "NaN" not in line


def test_lines_that_are_no_records_are_left_out(tmp_path):
    path = tmp_path / "scalars.jsonl"
    path.write_bytes(
        b'{"step": 1}\n[]\n{"step": "2"}\nx\n' + b"[" * 10**5 + b"\n" + b'{"step": 3}\n'
    )
    assert [record["step"] for record in telling.records(path)] == [1, 3]


def test_plain_lines_are_seldom(tmp_path, capsys, monkeypatch):
    told(tmp_path, range(1, 10))
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setattr(telling, "PAUSE", 0.0)
    told(tmp_path, range(1, 10))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    assert lines[0] == "step 1 of 12: total 1, gradient nan"
    assert "pictures/s" in lines[1]
    assert lines[1].endswith("1 min left")


def test_a_terminal_has_a_bar_and_validations_above_it(tmp_path, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        "rich.console.Console",
        lambda **_: Console(file=screen, force_terminal=True, width=160, color_system=None),
    )
    with telling.telling(tmp_path, 0, RECIPE, None) as teller:
        for step in range(1, 4):
            teller.step(step, {"total": 0.125})
        teller.validated(3, {"sad": 0.5, "mse": 0.25}, True)
        assert teller.bar is not None
        teller.bar.drawn.refresh()
    shown = screen.getvalue()
    assert "validation after step 3: sad 0.5, mse 0.25, the best so far" in shown
    assert "3/12" in shown
    assert "total 0.125" in shown
    assert "pictures/s" in shown


def test_time_of_other_things_is_not_in_the_speed(tmp_path):
    with telling.telling(tmp_path, 0, RECIPE, None) as teller:
        for step in range(1, 4):
            teller.step(step, {"total": 1.0})
        time.sleep(0.2)
        teller.pause()
        teller.step(4, {"total": 1.0})
    *_, last = telling.records(tmp_path / "scalars.jsonl")
    assert last["pictures_per_second"] > 8 / 0.2


class Tags(HTMLParser):
    """Counts open tags, and refuses what closes another."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "img", "path", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path):
    out = tmp_path / "run"
    settings = {"preset": "<small>", "steps": 12, "config": {}}
    with open_run(out, settings, {"data": "a & b"}, resume=False):
        return out


def tags(page):
    parser = Tags()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser.seen


def test_a_report_is_well_formed_and_escapes_what_it_is_told(run):
    told(run, range(1, 1000), replace(RECIPE, steps=1000))
    page = report(run)
    assert tags(page).count("svg") == 3  # total, and two speeds; the gradient is never a number
    assert "&lt;small&gt;" in page
    assert "a &amp; b" in page
    assert "http" not in page


def test_damaged_files_are_counted_and_named_once(run, capsys):
    cat, dog = "cat.png is left out: damaged", "<dog>.png is left out: cut\noff"

    def go_on(*batches):
        with telling.telling(run, 1, RECIPE, None) as teller:
            for step, faults in enumerate(batches, start=2):
                teller.left_out(step, faults)
                teller.step(step, {"total": 1.0})

    go_on({}, {cat: 2}, {cat: 2}, {cat: 2, dog: 1})
    told = [line["skipped"] for line in telling.records(run / "scalars.jsonl") if "skipped" in line]
    assert told == [2, 3]
    go_on()  # from step 1, of which nothing was left out
    go_on({cat: 1}, {cat: 1, dog: 3})
    with telling.telling(run, 2, RECIPE, None) as teller:
        assert teller.skipped == 1
        teller.left_out(3, {dog: 3})
        teller.step(3, {"total": 1.0})
    assert (run / "left_out.txt").read_text().splitlines() == [cat, dog.replace("\n", " ")]
    assert capsys.readouterr().err.endswith("damaged files left out 4 times\n")
    page = report(run)
    assert "others were taken 4 times" in page
    assert page.count("left out: ") == 2
    assert tags(page).count("svg") == 1  # no curve of their number


def test_a_report_has_totals_first_and_gradients_last(run):
    with telling.telling(run, 0, RECIPE, None) as teller:
        names = "error", "gradient", "gradient_2", "total", "total_2"
        for step in 1, 2:
            teller.step(step, dict.fromkeys(names, float(step)))
        teller.validated(2, {"sad": 0.5}, True)
    page = report(run)
    order = "SAD", "total", "total_2", "error", "gradient", "gradient_2"
    places = [page.index(f"<figcaption>{name} <b>") for name in order]
    assert places == sorted(places)


def test_a_run_without_steps_has_a_report(run):
    assert "svg" not in tags(report(run))


def test_a_long_curve_is_thinned_by_means(tmp_path):
    told(tmp_path, range(1, 1001), replace(RECIPE, steps=1000))
    curve = curves_of(tmp_path / "scalars.jsonl")["total"]
    assert len(curve) == 334
    assert curve[0] == (3, pytest.approx((1 + 1 / 2 + 1 / 3) / 3))
    assert curve[-1][0] == 1000


FORK = """
import os, runpy, signal, sys, time
with runpy.run_path(sys.argv[1])["stopping"]() as asked:
    if not (child := os.fork()):
        time.sleep(60)
    time.sleep(0.5)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert not asked.is_set()
    os.kill(os.getpid(), signal.SIGTERM)
    assert asked.is_set()
"""


def test_a_process_forked_meanwhile_ends_when_it_is_told_to():
    # In a process without JAX, whose threads do not survive a fork.
    command = [sys.executable, "-c", FORK, stopping.__file__]
    assert subprocess.run(command, timeout=60).returncode == 0
