import inspect

from alphamat import datasets
from alphamat.datasets import DATASETS


def test_every_data_set_has_its_name():
    functions = {
        name: value
        for name, value in vars(datasets).items()
        if inspect.isfunction(value) and not name.startswith("compose")
    }
    assert {name.replace("-", "_"): reader.read for name, reader in DATASETS.items()} == functions


def test_only_videos_are_grouped_by_clip():
    assert [name for name in DATASETS if DATASETS[name].of_clips] == ["videomatte240k"]
