"""The networks in PyTorch that ours are timed beside compute what their authors' programs do."""

import numpy as np
import pytest

from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.oracles import by_preset

pytestmark = pytest.mark.slow
# By preset: how the stored run was set.
PEERS = {
    "dim-skip": {},
    "dim-refine": {},
    "indexnet": {},
    "gca": {},
    "fba": {},
    "vitmatte-s": {},
    "vitmatte-b": {},
    "modnet": {},
    "bgmv2-mobilenetv2": {"pixels": 6400},
    "bgmv2-resnet50": {"pixels": 6400},
    "bgmv2-resnet101": {"pixels": None},
    "rvm-mobilenetv3": {"ratio": 0.5},
    "rvm-resnet50": {"ratio": 0.5},
    "u2net": {},
    "u2netp": {},
    "isnet": {},
    "p3m": {},
    "birefnet-lite": {},
}
NAMES = {  # in stored runs
    "alpha": ("alpha", "pha", "matte", "d0", "d1", "fused"),
    "colours": ("fgr", "fg"),
}


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)  # two that wait for each other take six times as long
    return torch


def test_every_peer_is_compared(torch):
    from benchmarks import torch_peers

    assert list(PEERS) == list(torch_peers.PEERS)


@pytest.mark.parametrize("preset", PEERS)
def test_a_peer_equals_the_authors_program(torch, preset):
    oracle = by_preset(preset)
    name = oracle.stored[0].name
    case, info = next(iter(reference.manifest(name)["inputs"])), reference.manifest(name)["info"]
    expected = reference.outputs(name)
    inputs = [torch.from_numpy(channels_first(x)) for x in oracle.stored[0].inputs(case)]
    model = filled(torch, preset, name)
    with torch.inference_mode():
        found = clip(torch, model, *inputs) if oracle.clip else picture(model, *inputs)
    for field, result in found.items():
        names = NAMES.get(field, (field,))
        key = next(key for x in names if (key := f"{case}/out/{x}") in expected)
        atol = max(2e-5, 10 * info[key]["f32_f64_maxdiff"])
        np.testing.assert_allclose(result, expected[key], rtol=0, atol=atol, err_msg=key)


def filled(torch, preset, name):
    """Return a peer with all weights of a manifest, strictly, but those it would hold twice."""
    from benchmarks import torch_peers

    twice = reference.manifest(name).get("aliases", {})
    tensors = {key: x for key, x in reference.weights(name).items() if key not in twice}
    model = torch_peers.PEERS[preset](**PEERS[preset]).eval()
    model.load_state_dict({key: torch.from_numpy(x.copy()) for key, x in tensors.items()})
    return model


def picture(model, *inputs):
    output = model(*inputs)
    if not isinstance(output, tuple):
        return {"alpha": output}
    return {"alpha": output[0], "colours": output[1]}


def clip(torch, model, frames):
    """Run frame by frame; return alphas, colours, and what is remembered of the last frame."""
    alphas, colours, state = [], [], []
    for frame in frames.unbind(1):
        alpha, colour, *state = model(frame, *state)
        alphas.append(alpha)
        colours.append(colour)
    remembered = {f"r{at}": x for at, x in enumerate(state[0], start=1)}
    return {"alpha": torch.stack(alphas, 1), "colours": torch.stack(colours, 1), **remembered}


def channels_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, -3))
