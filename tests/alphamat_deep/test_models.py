"""What every published network must do: compute what its authors' does, in every form."""

from functools import cache, partial
from itertools import accumulate, pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.fill import EVERYWHERE, matches, renamed
from alphamat_deep.layers import Conv, SpectralVector, count_parameters
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.watching import watch

ORACLES = {
    "dim": "dim_vgg16_plain",
    "dim-skip": "dim_vgg16_skip",
    "dim-refine": "dim_vgg16_skip_refine",
    "pp-dim": "pdim_vgg16",
    "gca": "gca",
    "pp-gca": "pgca_resnet34",
    "modnet": "modnet_mobilenetv2",
    "modnet-mobilenetv2": "pmodnet_mobilenetv2",
    "modnet-resnet50_vd": "pmodnet_resnet50_vd",
    "modnet-hrnet_w18": "pmodnet_hrnet_w18",
    "pp-matting-512": "ppmatting_hrnet_w18",
    "pp-mattingv2-512": "ppmattingv2_stdc1",
    "pp-humanmatting": "pphumanmatting_resnet34_vd",
    "bgmv2-mobilenetv2": "bgmv2_mobilenetv2_sampling",
    "bgmv2-resnet50": "bgmv2_resnet50_sampling",
    "rvm-mobilenetv3": "rvm_mobilenetv3",
    "rvm-resnet50": "rvm_resnet50",
}
MORE = {  # oracles of networks set otherwise, or deeper
    "bgmv2-mobilenetv2": [f"bgmv2_mobilenetv2_{mode}" for mode in ("base", "full", "thresholding")],
    "bgmv2-resnet50": [f"bgmv2_resnet50_{mode}" for mode in ("base", "full", "thresholding")],
    "bgmv2-resnet101": ["bgmv2_resnet101_full"],
}
SETTINGS = {  # where an oracle's are not the preset's
    "sampling": {"refine_sample_pixels": 6400},
    "thresholding": {"refine_mode": "thresholding", "refine_threshold": 0.4},
    "full": {"refine_mode": "full"},
    "base": {"refine_mode": "none", "backbone_scale": 1.0},
}
CLIPS = {"rvm-mobilenetv3", "rvm-resnet50"}  # whose cases are clips: see models/test_rvm.py
SAME = {  # other weights for the same network
    "modnet-webcam": "modnet",
    "pp-matting-1024": "pp-matting-512",
    "pp-matting-distinctions646": "pp-matting-composition1k",
}
RENAMED = {"pp-rvm-mobilenetv3": "rvm-mobilenetv3"}  # see models/test_rvm.py
WIDER = {"pp-matting-composition1k": "pp-matting-512"}  # the same with more features: no oracle
LARGER = {f"{name}-4k": name for name in MORE}  # the same, set for larger pictures
ARCHITECTURES = (  # one of each: compiling takes long
    "dim-refine",
    "pp-dim",
    "gca",
    "modnet",
    "pp-matting-512",
    "pp-mattingv2-512",
    "pp-humanmatting",
    "bgmv2-mobilenetv2",
    "rvm-mobilenetv3",
)
DROPPING = {"bgmv2-mobilenetv2"}  # in training
FIELDS = {  # what the authors call what we return
    "matte": "alpha",
    "pha": "alpha",
    "fgr": "foreground",
    "pha_sm": "alpha_small",
    "fgr_sm": "foreground_small",
    "err": "error_small",
    "err_sm": "error_small",
    "ref_sm": "refined_small",
}
# Whose outputs are no one module's of ours.
ONLY_THEIRS = {"backbone.model.features.18", "backbone._conv_block_5", "scb.scb_stages.2"}
FLIPS = {"pp-matting-512": 0.001}  # of the pixels: alpha is one of three, whichever scores highest
# How far the authors' float32 is from ours in float64, where no manifest says how far from theirs.
NOISE = {
    "pmodnet_resnet50_vd": {"matte": 7.2e-5, "detail": 7.4e-5, "semantic": 1.4e-5},
    "pmodnet_hrnet_w18": {"matte": 3.9e-5, "detail": 3.1e-5, "semantic": 1.6e-5},
    "ppmattingv2_stdc1": {"alpha": 1.8e-5},
    "bgmv2_resnet101_full": {"backbone.layer3": 1.7e-4},
    "ppmatting_hrnet_w18": {"alpha": 1e-5, "detail": 1.7e-5, "semantic": 4.1e-5},
}
# On small arrays LLVM takes longer to optimise than its optimisation saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SIDES = {"pp-mattingv2-512": (64, 128), "pp-humanmatting": (128, 256)}  # for others 96, 64
WHOLE = {  # with what not every run needs
    "pp-mattingv2-512": {"supervise": True},
    "rvm-mobilenetv3": {"downsample_ratio": 0.5},
}
MOST_IN_BFLOAT16 = 0.15  # mean error; random weights, unlike trained ones, amplify what they get


class Backbone(nnx.Module):
    """A small one."""

    features = 4, 5, 6, 7, 8

    def __init__(self, channels=3, *, rngs):
        pairs = pairwise((channels, *self.features))
        self.convs = nnx.List(Conv(*pair, 3, stride=2, padding=1, rngs=rngs) for pair in pairs)

    def __call__(self, x):
        return tuple(accumulate(self.convs, lambda x, conv: conv(x), initial=x))[1:]


class Shallower(Backbone):
    features = 4, 5, 6, 7


# A backbone's gradients take long to compile, HRNet's minutes.
SMALLER = {
    "modnet": {"backbone": Backbone},
    "pp-matting-512": {"backbone": Backbone},
    "rvm-mobilenetv3": {"backbone": Shallower},
    "bgmv2-mobilenetv2": {"backbone": Shallower},
}


@cache
def network(preset, name=None, **config):
    name = name or ORACLES[preset]
    settings = SETTINGS.get(name.split("_")[-1], {}) | config
    return alphamat_deep.from_state_dict(preset, reference.weights(name), **settings)


def sides(preset):
    return SIDES.get(preset, (96, 64))


@cache
def arrays(preset):
    """Return two small pictures of the oracle's kind, as the network takes them."""
    height, width = sides(preset)
    frames = [x.reshape(-1, *x.shape[-3:]) for x in reference.inputs(ORACLES[preset])]
    first = [jnp.asarray(x)[:1, :height, :width] for x in frames]
    return [jnp.concatenate([x, x[:, ::-1]]) for x in first]


@jit
def compiled(model, *inputs):
    return model(*inputs).alpha


@cache
def everything(preset, name, case):
    """Return a network's outputs by name, and by the authors' path what modules return."""
    names = alphamat_deep.PRESETS[preset].names
    substitutions = (*EVERYWHERE.rename, *names.rename)
    paths = {}
    for key in reference.outputs(name):
        if key.startswith(f"{case}/mid/") and (path := key.split("/")[-1]) not in ONLY_THEIRS:
            paths[renamed(f"{path}.", substitutions).removesuffix(".")] = path
    inputs = map(jnp.asarray, reference.inputs(name, case))
    watched = jit(lambda model, *inputs: watch(model, paths, *inputs))
    outputs, seen = watched(network(preset, name), *inputs)
    assert set(seen) == set(paths)
    return outputs._asdict(), {paths[path]: result for path, result in seen.items()}


def theirs(array):
    """Return an array in the authors' layout."""
    return np.moveaxis(np.asarray(array), -1, 1) if array.ndim == 4 else np.asarray(array)


each = pytest.mark.parametrize("preset", ORACLES)
each_architecture = pytest.mark.parametrize("preset", ARCHITECTURES)
each_oracle = pytest.mark.parametrize(
    ("preset", "name"),
    [*ORACLES.items(), *((preset, name) for preset, names in MORE.items() for name in names)],
)
each_of_pictures = pytest.mark.parametrize(
    ("preset", "name"), [pair for pair in each_oracle.args[1] if pair[0] not in CLIPS]
)


def test_every_preset_has_an_oracle():
    rows = alphamat_deep.PRESETS
    assert {*ORACLES, *SAME, *RENAMED, *WIDER, *MORE, *LARGER} == set(rows)
    for preset, other in SAME.items():
        assert rows[preset].model == rows[other].model
        assert rows[preset].config == rows[other].config
        assert rows[preset].names == rows[other].names
    for preset, other in RENAMED.items():
        assert rows[preset].model == rows[other].model
    for preset, other in (WIDER | LARGER).items():
        assert rows[preset].model == rows[other].model
        assert rows[preset].names == rows[other].names
    for preset, other in LARGER.items():
        assert rows[preset].weights == rows[other].weights


def test_no_architecture_is_left_out():
    rows = alphamat_deep.PRESETS
    assert {rows[name].model for name in ARCHITECTURES} == {row.model for row in rows.values()}


@each_of_pictures
def test_outputs_equal_the_authors(preset, name):
    info, stored = reference.manifest(name)["info"], reference.outputs(name)
    compared = [key for key in stored if "/out/" in key]
    assert {"main/out/alpha", "main/out/matte", "main/out/pha"} & set(compared)
    for key in compared:
        case, _, field = key.split("/")
        outputs, _ = everything(preset, name, case)
        result = theirs(outputs[FIELDS.get(field, field)])
        noise = info[key].get("f32_f64_maxdiff", NOISE.get(name, {}).get(field, 0))
        assert result.shape == stored[key].shape
        off = ~np.isclose(result, stored[key], rtol=0, atol=max(2e-5, 10 * noise))
        assert off.mean() <= (FLIPS.get(preset, 0) if field == "alpha" else 0), key


@each_of_pictures
def test_what_modules_return_equals_the_authors(preset, name):
    info, stored = reference.manifest(name)["info"], reference.outputs(name)
    for case in reference.manifest(name)["inputs"]:
        _, seen = everything(preset, name, case)
        for path, result in seen.items():
            expected, facts = stored[f"{case}/mid/{path}"], info[f"{case}/mid/{path}"]
            several = map(theirs, result if isinstance(result, tuple) else [result])
            whole = next(part for part in several if list(part.shape) == facts["full_shape"])
            part = whole[tuple(slice(*bounds) for bounds in facts["slice"])]
            noise = 10 * max(NOISE.get(name, {"": 0}).values())
            atol = max(1e-4 * max(1, facts["std"]), noise)
            np.testing.assert_allclose(part, expected, rtol=0, atol=atol)


@each_oracle
def test_parameters_are_as_many_as_the_authors(preset, name):
    model, made = network(preset, name, **WHOLE.get(preset, {})), reference.manifest(name)
    ours = count_parameters(model)
    if "Paddle" in made["meta"]["src"]:  # counts statistics and the loss's, not singular vectors
        state = nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat))
        ours = sum(leaf.size for leaf in jax.tree.leaves(state))
        unused = alphamat_deep.PRESETS[preset].names.ignore
        tensors = reference.weights(name)
        ours += sum(x.size for name, x in tensors.items() if matches(unused, name))
    assert ours == made["param_count"]


@each_architecture
def test_a_batch_is_its_pictures_one_by_one(preset):
    inputs = arrays(preset)
    together = compiled(network(preset), *inputs)
    assert together.shape == (2, *sides(preset), 1)
    assert together.dtype == jnp.float32
    for at in (0, 1):
        twice = [jnp.stack([x[at], x[at]]) for x in inputs]
        np.testing.assert_allclose(together[at], compiled(network(preset), *twice)[at], atol=2e-5)


@pytest.mark.parametrize("preset", ["dim-skip", "gca", "modnet"])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48)])
def test_sides_that_a_network_cannot_halve_are_refused(preset, sides):
    inputs = [x[:, : sides[0], : sides[1]] for x in arrays(preset)]
    with pytest.raises(ValueError, match=f"{sides[0]} × {sides[1]}.*multiples of 32"):
        network(preset)(*inputs)


@each_architecture
def test_half_precision_stays_near(preset):
    inputs = arrays(preset)
    graph, state = nnx.split(network(preset))
    half = nnx.merge(graph, jax.tree.map(lambda x: x.astype(jnp.bfloat16), state))
    alpha = compiled(half, *[x.astype(jnp.bfloat16) for x in inputs])
    assert alpha.dtype == jnp.bfloat16
    error = np.abs(alpha - compiled(network(preset), *inputs))
    assert error.mean() < MOST_IN_BFLOAT16


@each_architecture
def test_training_reaches_every_parameter_and_statistic(preset):
    if preset in SMALLER:
        config = SMALLER[preset] | WHOLE.get(preset, {})
        model = alphamat_deep.build(preset, rngs=nnx.Rngs(7), **config)
    else:
        model = nnx.clone(network(preset, **WHOLE.get(preset, {})))
    model.train()
    kept = nnx.Any(SpectralVector, nnx.BatchStat)
    before = jax.tree.leaves(nnx.state(model, kept))

    @nnx.jit
    def gradients(model, *inputs):
        def loss(model):
            keys = [nnx.Rngs(3)] if preset in DROPPING else []
            outputs = jax.tree.leaves(model(*inputs, *keys))
            smooth = [x for x in outputs if jnp.issubdtype(x.dtype, jnp.floating)]
            return sum(jnp.square(x).mean() for x in smooth)

        return nnx.grad(loss)(model)

    for path, gradient in nnx.to_flat_state(gradients(model, *arrays(preset))):
        values = np.asarray(gradient[...])
        assert np.isfinite(values).all(), path
        assert values.any(), path
    for a, b in zip(before, jax.tree.leaves(nnx.state(model, kept)), strict=True):
        assert np.isfinite(b).all()
        assert not np.array_equal(a, b)


@each
def test_fresh_networks_have_the_same_shapes(preset):
    fresh = nnx.state(alphamat_deep.build(preset, rngs=nnx.Rngs(5)))
    shapes = jax.tree.map(jnp.shape, fresh)
    assert shapes == jax.tree.map(jnp.shape, nnx.state(network(preset)))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fresh))
