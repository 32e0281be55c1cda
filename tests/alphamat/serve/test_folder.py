"""The private folder of a server, and the weights that it offers."""

import os
import stat
from types import SimpleNamespace

import numpy as np
import pytest

from alphamat.serve import methods
from alphamat.serve.cutting import method_of
from alphamat.serve.faults import Fault
from alphamat.serve.folder import private_folder


def old(path):
    os.utime(path, (0, 0), follow_symlinks=False)
    return path


def test_nobody_else_reads_the_folder_and_it_goes(tmp_path):
    with private_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "picture").touch()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="folders are not locked")
def test_what_others_have_left_is_removed_and_nothing_else(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "photographs").mkdir(parents=True)
    left, young, link = (tmp_path / f"alphamat-serve-{name}" for name in ("left", "young", "link"))
    left.mkdir()
    young.mkdir()
    link.symlink_to(elsewhere)
    old(left), old(link)
    with private_folder(tmp_path) as first:
        old(first)
        with private_folder(tmp_path):
            assert first.exists()
        assert {path.name for path in tmp_path.iterdir()} == {
            *(first.name, young.name, link.name, "elsewhere")
        }
    assert (elsewhere / "photographs").exists()


def test_a_file_in_onnx_is_a_method_of_its_name(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    from tests.alphamat.onnx.models import net

    def imports_jax():
        raise ImportError

    net(tmp_path, citation="Somebody, 2020")
    monkeypatch.setattr(methods, "installed_models", imports_jax)
    choice = methods.networks(tmp_path)["net.onnx"]
    assert (choice.about, choice.family) == ("Somebody, 2020", "net.onnx")
    method = method_of({"method": choice.name, "weights": choice.weights})
    np.testing.assert_allclose(method(np.full((5, 7, 3), 0.25)), 0.25, atol=1e-6)


def test_networks_are_those_that_have_weights(tmp_path, monkeypatch):
    preset = SimpleNamespace(citation="Somebody, 2020")
    module = SimpleNamespace(PRESETS={"modnet": preset, "dim": preset, "fast": preset})
    monkeypatch.setattr(methods, "installed_models", lambda: dict.fromkeys(module.PRESETS, module))
    for name in ("modnet.safetensors", "fast.pth", "other.pth", "dim.txt/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = methods.networks(tmp_path)
    assert list(found) == ["modnet"]
    assert found["modnet"].weights == str(tmp_path / "modnet.safetensors")
    assert found["modnet"].family == "modnet"
    with pytest.raises(Fault, match="`method` is unknown; expected one of: modnet"):
        methods.chosen(found, "dim")
