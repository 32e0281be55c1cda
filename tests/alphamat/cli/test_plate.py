import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat
import alphamat.cli
from alphamat.examples import astronaut


def differing(image, trimap=None, plate=None):
    off = np.abs(alphamat.as_image(image) - alphamat.as_image(plate)).max(axis=2)
    return (off > 0.1).astype(float)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Put a green square before a photograph; its plate is 20 pixels off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(alphamat.cli, "method_named", lambda *_: differing)
    scene, _ = astronaut()
    image = scene[:400, :400].copy()
    image[150:250, 150:250] = 0, 255, 0
    alphamat.write_image("image.png", image)
    alphamat.write_image("plate.png", scene[:400, :400])
    alphamat.write_image("moved.png", scene[20:420, 10:410])


def run(*arguments):
    return CliRunner().invoke(alphamat.cli.app, ["matte", "image.png", *arguments])


def test_a_clean_plate_is_handed_on(pictures):
    assert run("--plate", "plate.png").exit_code == 0
    alpha = alphamat.read_image("image_alpha.png").copy()
    assert (alpha[150:250, 150:250] == 255).mean() > 0.9
    alpha[150:250, 150:250] = 0
    assert not alpha.any()


def test_one_from_a_hand_held_camera_is_aligned_first(pictures):
    result = run("--plate", "moved.png", "--handheld")
    assert result.exit_code == 0, result.output
    assert "the plate fits: " in result.stderr
    alpha = alphamat.read_image("image_alpha.png").copy()
    assert (alpha[150:250, 150:250] == 255).mean() > 0.9
    alpha[150:250, 150:250] = 0
    assert alpha.mean() < 3
    assert run("--plate", "moved.png").exit_code == 0
    assert alphamat.read_image("image_alpha.png").mean() > 60  # as if there were foreground


def test_what_does_not_fit_is_refused(pictures, monkeypatch):
    assert "there is no --plate" in run("--handheld").stderr
    alphamat.write_image("gray.png", np.full((400, 400, 3), 99, np.uint8))
    assert "error: `plate` does not fit" in run("--plate", "gray.png", "--handheld").stderr
    monkeypatch.setattr(alphamat.cli, "method_named", lambda *_: alphamat.closed_form)
    assert "closed_form takes none" in run("--plate", "plate.png").stderr
    assert "one of the inputs" in run("--plate", "plate.png", "-o", "plate.png").stderr
