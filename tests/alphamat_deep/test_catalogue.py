"""The catalogue: every row is complete."""

import dataclasses
import importlib
import json
import pkgutil
import re

import numpy as np
import pytest

from alphamat.rules import Preprocess, from_data, to_data
from alphamat_deep import PRESETS, catalogue

NAMES = [
    "learned",
    "dim",
    "dim-skip",
    "dim-refine",
    "pp-dim",
    "indexnet",
    "gca",
    "pp-gca",
    "fba",
    "vitmatte-s",
    "vitmatte-b",
    "modnet",
    "modnet-webcam",
    "modnet-mobilenetv2",
    "modnet-resnet50_vd",
    "modnet-hrnet_w18",
    "pp-matting-512",
    "pp-matting-1024",
    "pp-matting-composition1k",
    "pp-matting-distinctions646",
    "pp-mattingv2-512",
    "pp-humanmatting",
    "p3m",
    "p3m-vitae-s",
    "p3m-hybrid",
    "p3m-vitae-s-hybrid",
    "bgmv2-mobilenetv2",
    "bgmv2-mobilenetv2-4k",
    "bgmv2-resnet50",
    "bgmv2-resnet50-4k",
    "bgmv2-resnet101",
    "bgmv2-resnet101-4k",
    "rvm-mobilenetv3",
    "rvm-resnet50",
    "pp-rvm-mobilenetv3",
    "u2net",
    "u2netp",
    "isnet",
    "birefnet",
    "birefnet-hr",
    "birefnet-lite",
    "birefnet-lite-2k",
    "birefnet-matting",
    "birefnet-hr-matting",
    "birefnet-portrait",
    "ben2",
]


def test_the_catalogue_has_the_rows_of_every_publication_in_order():
    assert list(PRESETS) == NAMES
    files = [file for _, file, _ in pkgutil.iter_modules(catalogue.__path__)]
    modules = [importlib.import_module(f"alphamat_deep.catalogue.{file}") for file in files]
    assert sum(len(getattr(module, "PRESETS", ())) for module in modules) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_complete(name):
    row = PRESETS[name]
    assert dataclasses.is_dataclass(row.config)
    assert row.citation
    assert row.memory(64, 64) > 0
    assert isinstance(row.preprocess, Preprocess)
    if row.weights is None:
        assert not row.scores
        return
    assert row.weights.url.startswith("https://")
    assert row.weights.file or not row.weights.url.endswith("/")
    assert row.weights.format in ("PyTorch", "Paddle")
    assert row.weights.licence
    assert row.weights.commercial in (True, False, None)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_numbers(name):
    for score in PRESETS[name].scores:
        assert score.dataset
        assert np.isfinite([score.sad, score.mse, score.grad, score.conn]).all()
        assert 0 < score.mse < 1 < score.sad


@pytest.mark.parametrize("name", NAMES)
def test_names_are_regular_expressions_and_replacements_that_fit(name):
    names = PRESETS[name].names
    for pattern in (*names.ignore, *names.spare):
        re.compile(pattern)
    for pattern, replacement in names.rename:
        groups = re.compile(pattern).groups
        assert all(int(group) <= groups for group in re.findall(r"\\(\d)", replacement))


@pytest.mark.parametrize(
    ("url", "file", "place"),
    [
        ("https://a.org/w.pth", "", "https://a.org/w.pth"),
        ("https://a.org/v1/", "w.pth", "https://a.org/v1/w.pth"),
        ("https://a.org/folders/7x", "w.pth", "https://a.org/folders/7x (w.pth)"),
    ],
)
def test_where_weights_are_is_one_text(url, file, place):
    terms = {"format": "PyTorch", "licence": "MIT", "commercial": True}
    assert catalogue.Weights(url=url, file=file, **terms).place == place


@pytest.mark.parametrize("preset", PRESETS)
def test_rules_can_be_written_and_read(preset):
    rules = PRESETS[preset].preprocess
    data = to_data(rules)
    back = from_data(json.loads(json.dumps(data)))
    assert to_data(back) == data
    same = {"chain": (), "coarse": ()}
    assert dataclasses.replace(back, **same) == dataclasses.replace(rules, **same)
    steps = [(*each.chain, *each.coarse) for each in (rules, back)]
    for size in ((70, 91), (640, 480)):
        for step, read in zip(*steps, strict=True):
            if hasattr(step, "size"):
                assert step.size(*size) == read.size(*size)
