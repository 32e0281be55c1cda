"""Robust Video Matting: clips, frame by frame, as the authors' network sees them."""

import re
from functools import cache
from hashlib import sha256

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep import matting
from alphamat_deep.backbones.mobilenet_v3 import conv_norm_activation
from alphamat_deep.models import rvm
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.backbones import Shallower
from tests.alphamat_deep.networks import jit, network, paths, theirs
from tests.alphamat_deep.oracles import ORACLES, case
from tests.alphamat_deep.watching import watch

RATIOS = {"hr": 0.5, "seq": 1.0}
each = pytest.mark.parametrize(
    ("oracle", "case"),
    [
        case(oracle, name, name, slow=oracle.bfloat16 is None)  # the same but for the backbone
        for oracle in ORACLES
        if oracle.clip
        for name in RATIOS
    ],
)
# Of the sorted names of PaddleSeg's state dict, a line each.
PADDLE_NAMES = "0b22cd3581a497ffd829ae2aa22d8831dcd2b27278e786af06ecdd6c60d87bd7"


@cache
def everything(oracle, case):
    """Return a clip's outputs by the authors' names, and by their path what modules return."""
    stored = oracle.stored[0]
    ours = paths(oracle, stored, case)
    model = network(oracle, stored, downsample_ratio=RATIOS[case])
    step = jit(lambda model, *inputs: watch(model, ours.values(), *inputs))
    frames = jnp.asarray(reference.inputs(stored.name, case)[0]).swapaxes(0, 1)
    state, outputs, seen = model.initial_state(frames[0]), [], []
    for frame in frames:
        output, returned = step(model, frame, state)
        state = output.state
        outputs.append(output)
        seen.append(returned)
    found = {"pha": together(x.alpha for x in outputs)}
    found["fgr"] = together(x.foreground for x in outputs)
    found |= {f"r{at}": theirs(x) for at, x in enumerate(state, start=1)}
    return found, {path: together(x[name] for x in seen) for path, name in ours.items()}


def together(frames):
    return np.stack([theirs(x) for x in frames], axis=1)


@each
def test_a_clip_and_what_is_remembered_of_it_equal_the_authors(oracle, case):
    name = oracle.stored[0].name
    info, stored = reference.manifest(name)["info"], reference.outputs(name)
    found, _ = everything(oracle, case)
    compared = {key.split("/")[-1] for key in stored if key.startswith(f"{case}/out/")}
    assert compared == set(found)
    for field, result in found.items():
        key = f"{case}/out/{field}"
        atol = max(2e-5, 10 * info[key]["f32_f64_maxdiff"])
        np.testing.assert_allclose(result, stored[key], rtol=0, atol=atol, err_msg=key)


@each
def test_what_modules_return_equals_the_authors(oracle, case):
    name = oracle.stored[0].name
    info, stored = reference.manifest(name), reference.outputs(name)
    _, seen = everything(oracle, case)
    assert len(seen) == 4 + (case == "hr")
    noise = max(info["info"][f"{case}/out/r{at}"]["f32_f64_maxdiff"] for at in range(1, 5))
    for path, result in seen.items():
        facts = info["info"][f"{case}/mid/{path}"]
        whole = result.reshape(facts["full_shape"])
        part = whole[tuple(slice(*bounds) for bounds in facts["slice"])]
        atol = max(1e-4 * max(1, facts["std"]), 10 * noise)
        np.testing.assert_allclose(part, stored[f"{case}/mid/{path}"], rtol=0, atol=atol)


def small(**config):
    settings = {"backbone": Shallower, "context": 8, "features": (8, 6, 4, 4)} | config
    return alphamat_deep.build("rvm-mobilenetv3", rngs=nnx.Rngs(19), **settings)


def noise(*shape):
    return jnp.asarray(np.random.default_rng(67).random(shape, np.float32))


@pytest.mark.parametrize("ratio", [1.0, 0.4, None])
@pytest.mark.parametrize("size", [(33, 50), (17, 19), (90, 7)])
def test_frames_are_of_any_size(ratio, size):
    model = small(downsample_ratio=ratio)
    frame = noise(2, *size, 3)
    output = nnx.eval_shape(lambda model: model(frame, model.initial_state(frame)), model)
    assert output.alpha.shape == (2, *size, 1)
    assert output.foreground.shape == (2, *size, 3)
    expected = [jnp.shape(x) for x in model.initial_state(frame)]
    assert [x.shape for x in output.state] == expected


@pytest.mark.parametrize(
    ("size", "expected"), [((1080, 1920), (288, 512)), ((640, 360), (512, 288)), ((300, 512), None)]
)
def test_by_itself_it_looks_at_512_pixels_at_most(size, expected):
    frame = jax.ShapeDtypeStruct((1, *size, 3), jnp.float32)
    output = nnx.eval_shape(lambda model, frame: model(frame), small(), frame)
    assert output.segmentation.shape[1:3] == (expected or size)


def test_a_frame_of_which_nothing_is_left_is_refused():
    with pytest.raises(ValueError, match=r"3 × 9.*too small for a downsample ratio of 0\.25"):
        small(downsample_ratio=0.25)(noise(1, 3, 9, 3))


@pytest.mark.parametrize("size", [(24, 36), (25, 37)])
def test_both_ways_to_filter_agree(size):
    image, A, b = noise(2, *size, 3), noise(2, 7, 11, 4) - 0.5, noise(2, 7, 11, 4) - 0.5
    for whole, by_rows in zip(
        rvm.filter_whole(image, A, b), rvm.filter_by_rows(image, A, b), strict=True
    ):
        assert (whole == np.clip(whole, 0.01, 0.99)).mean() > 0.1
        np.testing.assert_allclose(by_rows, whole, atol=1e-6)


def test_a_filter_of_constants_is_a_x_plus_b():
    image, A, b = noise(1, 9, 14, 3), np.float32([0.3, -0.2, 0, 0.6]), np.float32([0, 0.1, 0, 0.2])
    everywhere = (jnp.broadcast_to(x, (1, 4, 6, 4)) for x in (A, b))
    alpha, foreground = rvm.filter_whole(image, *everywhere)
    grey = image.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(alpha, 0.6 * grey + 0.2, atol=1e-6)
    expected = np.clip(image + A[:3] * image + b[:3], 0, 1)
    np.testing.assert_allclose(foreground, expected, atol=1e-6)


def test_a_fresh_filter_s_window_averages():
    kernel = small().refiner.box_filter.kernel[...]
    np.testing.assert_allclose(kernel, 1 / 9, rtol=1e-6)


def test_learning_reaches_back_through_a_clip():
    model = small(downsample_ratio=0.5)
    model.eval()
    first, second = noise(2, 1, 32, 40, 3)

    @jit
    @jax.value_and_grad
    def pull(first):
        return model(second, model(first).state).alpha.sum()

    total, gradient = pull(first)
    assert np.abs(gradient).max() > 0
    direction = gradient * noise(*gradient.shape)
    slope = float((gradient * direction).sum())
    step = 1e-3 * total / slope
    ahead, behind = (float(pull(first + h * direction)[0]) for h in (step, -step))
    np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=0.02)


def test_the_backbone_s_statistics_move_by_a_hundredth():
    layers = conv_norm_activation(3, 5, 1, rngs=nnx.Rngs(0))
    conv, norm = getattr(layers, "0"), getattr(layers, "1")
    x = noise(2, 8, 9, 3)
    layers(x)
    mean = np.asarray(conv(x)).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(norm.mean[...], 0.01 * mean, rtol=1e-4)
    assert norm.epsilon == 1e-3


def paddle(name):
    """Return PaddleSeg's name for one of the authors' tensors."""
    name = re.sub(r"running_(mean|var)$", r"_\1", name).replace("_var", "_variance")
    found = re.match(r"backbone\.features\.(\d+)\.(?:block\.(\d+)\.)?(\w+)\.(.*)", name)
    if found is None:
        return name
    at, place, layer, rest = found.groups()
    layer = {"0": "conv", "1": "bn", "fc1": "conv1", "fc2": "conv2"}[layer]
    if place is None:
        return f"backbone.{'conv' if at == '0' else 'last_second_conv'}.{layer}.{rest}"
    squeezed = int(at) in (4, 5, 6, 11, 12, 13, 14, 15)
    parts = ["expand_conv", "bottleneck_conv", *["mid_se"] * squeezed, "linear_conv"]
    part = parts[int(place) + (at == "1")]
    return f"backbone.blocks.{int(at) - 1}.{part}.{layer}.{rest}"


def test_paddleseg_s_names_are_for_the_same_network():
    tensors = reference.weights("rvm_mobilenetv3")
    counters = [name for name in tensors if name.endswith("num_batches_tracked")]
    named = {paddle(name): x for name, x in tensors.items() if name not in counters}
    assert sha256("\n".join(sorted(named)).encode()).hexdigest() == PADDLE_NAMES
    models = [
        alphamat_deep.from_state_dict("rvm-mobilenetv3", tensors),
        alphamat_deep.from_state_dict("pp-rvm-mobilenetv3", named),
    ]
    jax.tree.map(np.testing.assert_array_equal, *map(nnx.state, models))


@pytest.fixture(scope="module")
def method():
    """Return a network with a memory, ready for pictures."""
    model = small()
    model.eval()
    row = alphamat_deep.PRESETS["rvm-mobilenetv3"]
    return matting.Matting("small", row, model, jnp.dtype(jnp.float32), "")


def clip(count, height=21, width=34):
    rng = np.random.default_rng(71)
    return rng.integers(0, 256, (count, height, width, 3), np.uint8)


def test_a_clip_is_matted_with_what_was_seen_before(method):
    frames, step = clip(3), method.clip()
    model, call = method.model, jit(lambda model, *x: model(*x))
    state = model.initial_state(jnp.asarray(frames[:1], jnp.float32))
    for frame in frames:
        matte = step(frame)
        output = call(model, jnp.asarray(frame[None] / np.float32(255)), state)
        state = output.state
        np.testing.assert_allclose(matte.alpha, output.alpha[0, ..., 0], atol=1e-6)
        np.testing.assert_allclose(matte.foreground, output.foreground[0], atol=1e-6)
    assert np.abs(matte.alpha - method(frames[-1])).max() > 1e-4


def test_a_picture_is_the_first_frame_of_a_clip(method):
    frame = clip(1)[0]
    first = method.clip()(frame)
    assert np.array_equal(method(frame), first.alpha)
    for a, b in zip(method.layers(frame), first, strict=True):
        assert np.array_equal(a, b)


def test_clips_do_not_know_of_each_other(method):
    frames, step = clip(3), method.clip()
    alone = [step(frame).alpha for frame in frames[:2]]
    step, other = method.clip(), method.clip()
    for frame, alpha in zip(frames, alone, strict=False):
        assert np.array_equal(step(frame).alpha, alpha)
        other(frames[2])


def test_a_frame_of_another_size_is_refused(method):
    step = method.clip()
    with pytest.raises(ValueError, match="image"):
        step(np.zeros((0, 3, 3)))
    step(clip(1)[0])
    with pytest.raises(ValueError, match="20 × 34 and the clip's first frame is 21 × 34"):
        step(clip(1, height=20)[0])


def test_terms_are_said():
    for preset in ("rvm-mobilenetv3", "rvm-resnet50", "pp-rvm-mobilenetv3"):
        row = alphamat_deep.PRESETS[preset]
        assert "GPL-3.0" in row.weights.licence
        assert "GNU General Public License" in row.warning


def test_the_memory_takes_the_frames_of_clips_at_once_or_one_by_one():
    gru = rvm.ConvGRU(4, rngs=nnx.Rngs(0))
    frames, memory = noise(6, 5, 7, 4), noise(2, 5, 7, 2)  # two clips of three frames
    at_once, last = gru(frames, memory)
    for at in range(3):
        one, memory = gru(frames[at::3], memory)
        np.testing.assert_allclose(at_once[at::3], one, atol=1e-6)
    np.testing.assert_allclose(last, memory, atol=1e-6)
