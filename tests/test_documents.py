"""README and the pages of docs/: links lead somewhere, programs parse, diffs fit this tree."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]
MOST_BYTES = 1_500_000  # of all pictures

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.S | re.M)


@each_page
def test_links_are_relative_and_lead_to_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    ours = [link for link in links if not link.startswith("https://")]
    assert not [link for link in ours if not (page.parent / link).is_file()]


@each_page
def test_programs_parse(page):
    for block in blocks(page, "python"):
        ast.parse(block)


def hunks(page):
    """Yield the file of each part of a diff, and the lines that have to be there."""
    for block in blocks(page, "diff"):
        for part in re.split(r"^--- a/", block, flags=re.M)[1:]:
            head, *parts = re.split(r"^@@\n", part, flags=re.M)
            for lines in parts:
                old = [line[1:] for line in lines.splitlines() if line[:1] != "+"]
                yield head.splitlines()[0], "\n".join(old)


@pytest.mark.parametrize("name", ["method", "network", "dataset", "metric"])
def test_diffs_fit_this_tree(name):
    found = list(hunks(DOCS / "develop" / f"{name}.md"))
    assert found
    assert not [file for file, old in found if old not in (ROOT / file).read_text()]


def test_every_method_has_its_page():
    names = re.findall(r'^([\w-]+) = "alphamat:', (ROOT / "pyproject.toml").read_text(), re.M)
    pages = {page.stem for page in (DOCS / "gallery").glob("*.md")}
    assert pages == {"index", *names}


def test_pictures_stay_small():
    files = [file for file in DOCS.rglob("*") if file.suffix in (".jpg", ".png", ".svg")]
    assert sum(file.stat().st_size for file in files if "_build" not in file.parts) < MOST_BYTES
