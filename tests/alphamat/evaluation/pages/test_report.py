import re

import numpy as np
import pytest

from alphamat.evaluation import evaluate
from alphamat.evaluation.pages.report import chosen
from tests.alphamat.evaluation.cases import choosy, half, red, sample, samples, table
from tests.alphamat.evaluation.pages.reading import Page


@pytest.fixture(scope="module")
def found():
    bright = sample("<moon> & co")._replace(image=np.full((11, 14, 3), 255, np.uint8))
    return evaluate({"red & <quick>": red, "half": half, "choosy": choosy}, [*samples(), bright])


def page(found, tmp_path, **options):
    path = tmp_path / "report.html"
    found.report(path, **options)
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_needs_nothing_else(found, tmp_path):
    read = page(found, tmp_path, title="Discs & <moons>")
    text = (tmp_path / "report.html").read_text()
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", text)
    assert not read.all("link")
    assert all("src" not in script for script in read.all("script"))
    assert all(image["src"].startswith("data:") for image in read.all("img"))
    assert "".join(read.words).count("Discs & <moons>") == 2


def test_the_page_shows_what_was_given_and_what_came_of_it(found, tmp_path):
    read = page(found, tmp_path)
    articles = [a["id"] for a in read.all("article")]
    assert articles == [f"sample-{at}" for at in range(5)]
    captions = [image["alt"] for image in read.all("img")]
    # photograph, trimap, truth; of three methods alpha and error, but where one failed.
    assert captions.count("photograph") == captions.count("truth") == 5
    assert captions.count("half") == captions.count("error of half") == 5
    assert captions.count("red & <quick>") == 5
    assert captions.count("choosy") == 4
    words = "".join(read.words)
    assert "RuntimeError: not <this> one" in words
    assert "<moon> & co" in words


def test_dots_lead_to_pictures(found, tmp_path):
    read = page(found, tmp_path, most=2)
    ids = {f"#{a['id']}" for a in read.all("article")}
    links = {a["href"] for a in read.all("a")}
    assert len(ids) == 2
    assert links == ids


def test_pictures_are_no_larger_than_asked(tmp_path):
    given = sample(shape=(60, 90))
    small = evaluate([red], [given])
    small.report(tmp_path / "small.html", side=20)
    small.report(tmp_path / "large.html")
    sizes = [(tmp_path / name).stat().st_size for name in ("small.html", "large.html")]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("lacking", [{"truth": None}, {"trimap": None}])
def test_samples_may_lack_truth_or_trimap(tmp_path, lacking):
    def gray(image, trimap=None):
        return image[..., 0]

    read = page(evaluate([gray, red], [sample()._replace(**lacking)]), tmp_path)
    captions = [image["alt"] for image in read.all("img")]
    assert "gray" in captions
    assert ("error of gray" in captions) == ("trimap" in lacking)
    assert next(iter(lacking)) not in captions


def test_one_method_makes_a_page(tmp_path):
    assert page(evaluate([red], [sample()]), tmp_path).all("article")


def test_pages_are_bounded(tmp_path):
    labels = [(f"frame {at}", "") for at in range(700)]
    many = table({"a": np.arange(700.0), "b": np.arange(700.0) + 1}, labels)
    page(many, tmp_path, most=3)
    assert (tmp_path / "report.html").stat().st_size < 1_500_000


def test_pictures_are_chosen_from_easy_to_hard():
    labels = [(str(at), "") for at in range(9)]
    found = table({"a": [5, 3, 8, 1, 9, 2, 7, 4, 6]}, labels)
    assert chosen(found, 3, "sad") == [0, 3, 4]  # the median, the easiest and the hardest
    assert chosen(found, 9, "sad") == list(range(9))


def test_the_page_is_in_the_order_of_the_metric_that_is_chosen(tmp_path):
    def bright(alpha, truth, trimap):
        return alpha.mean()

    found = evaluate({"half": half, "red": red}, samples(), metrics={"<bright>": bright})
    read = page(found, tmp_path, metric="<bright>")
    words = "".join(read.words)
    first = min(("half", "red"), key=lambda method: found.ranks("<bright>")[method].overall)
    assert f"{first} ranks first by <bright>" in words
    assert "Numbers are <bright>" in words
    picked = [a["id"] for a in read.all("input") if "checked" in a and a["id"] != "view-both"]
    assert picked == ["by-5"]
    assert "body:has(#by-5:checked) .of-5 { display: block; }" in words
    assert sum("of-5" in a.get("class", "") for a in read.all("div")) == 1
    assert "So the two can seem to disagree." in words
