"""The programs of docs/export.md do what it says."""

import functools
import json
import re
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import alphamat.onnx
from alphamat.io.images import write_image
from alphamat.onnx.sidecar import FIELDS
from alphamat.rules import HALF, Preprocess, fixed_size, from_data, levels
from tests.alphamat.onnx.models import IMAGE, net, port

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
CHROMIUM = "/usr/bin/chromium"
SMOOTH = """
    smooth (float[1,3,20,30] image, float[1,1,20,30] trimap) => (float[1,1,20,30] alpha)
    {
        both = Concat<axis = 1>(image, trimap)
        near = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(both)
        one = ReduceMean<axes = [1]>(near)
        alpha = Sigmoid(one)
    }
"""
VIEW = """
<canvas></canvas>
<script type="importmap">{"imports": {"onnxruntime-web": "/ort/dist/ort.wasm.min.mjs"}}</script>
<script type="module">
  import * as ort from "onnxruntime-web";
  import { matte } from "./matte.js";
  ort.env.wasm.numThreads = 1;
  window.found = async (trimap) => {
    const session = await ort.InferenceSession.create("net.onnx");
    const photo = await createImageBitmap(await (await fetch("photo.png")).blob());
    const canvas = document.querySelector("canvas");
    [canvas.width, canvas.height] = [photo.width, photo.height];
    const drawn = canvas.getContext("2d");
    drawn.drawImage(photo, 0, 0);
    const pixels = drawn.getImageData(0, 0, photo.width, photo.height);
    return Array.from(await matte(session, pixels, trimap));
  };
</script>
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_every_key_of_a_card_is_told_of():
    assert all(f"`{key}`" in PAGE for key in FIELDS)


def test_the_step_that_is_shown_is_one():
    (step,) = map(json.loads, blocks("json"))
    assert from_data({"mean": [0, 0, 0], "std": [1, 1, 1], "chain": [step]}).chain


def test_the_python_runs(tmp_path, monkeypatch):
    net(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {"image": np.full((5, 6, 3), 0.5)}
    for block in blocks("python"):
        exec(block, names)
    np.testing.assert_allclose(names["alpha"], 0.5, atol=1e-6)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """The folder of onnxruntime-web, from the registry of packages."""
    if not (shutil.which("npm") and shutil.which(CHROMIUM)):
        pytest.skip(f"there is no npm, or no {CHROMIUM}")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "onnxruntime-web@1"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=50)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("onnxruntime-web cannot be installed")
    return folder / "node_modules" / "onnxruntime-web"


@pytest.mark.slow
def test_a_browser_finds_the_same_alpha(tmp_path, runtime):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    rng = np.random.default_rng(79)
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (20, 30))
    rules = fixed_size(Preprocess(HALF, HALF, levels, keep_known=False), 20, 30)
    method = alphamat.onnx.load(net(tmp_path, SMOOTH, rules=rules, inputs=[IMAGE, port("trimap")]))
    write_image(tmp_path / "photo.png", image)
    (tmp_path / "index.html").write_text(VIEW)
    (script,) = blocks("js")
    (tmp_path / "matte.js").write_text(script)
    (tmp_path / "ort").symlink_to(runtime)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_function("() => Boolean(window.found)")
            found = page.evaluate("trimap => window.found(trimap)", trimap.ravel().tolist())
            browser.close()
        server.shutdown()
    alpha = method(image, trimap)
    assert alpha.std() > 0.01
    np.testing.assert_allclose(np.reshape(found, (20, 30)), alpha, atol=1e-6)
