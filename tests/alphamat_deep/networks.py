"""The networks of the oracles, each filled and compiled once for all tests."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np

import alphamat_deep
from alphamat_deep.fill import EVERYWHERE, renamed
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.watching import watch

# On small arrays LLVM takes longer to optimise than its optimisation saves.
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
few = lru_cache(maxsize=8)  # tests of one network follow each other: see conftest.py


@few
def network(oracle, stored, **config):
    """Return the network with a manifest's weights."""
    settings = {**stored.settings, **config}
    return alphamat_deep.from_state_dict(oracle.preset, reference.weights(stored.name), **settings)


@few
def everything(oracle, stored, case):
    """Return outputs for `pictures`, and by the authors' path what modules return."""
    outputs, seen = compiled(oracle, stored, case)(network(oracle, stored), *pictures(stored, case))
    ours = {} if oracle.clip else paths(oracle, stored, case)
    return outputs, {path: seen[name] for path, name in ours.items()}


@few
def compiled(oracle, stored, case):
    """Return what calls the network and watches its modules: (model, *inputs) -> (outputs, seen).

    It is compiled once for pictures of a size; so tests share it, and use `pictures`.
    """
    watched = [] if oracle.clip else [*paths(oracle, stored, case).values()]
    return jit(lambda model, *inputs: watch(model, watched, *inputs))


@few
def paths(oracle, stored, case):
    """Return our paths of the modules whose outputs are stored, by the authors'."""
    names = alphamat_deep.PRESETS[oracle.preset].names
    substitutions = (*EVERYWHERE.rename, *names.rename)
    keys = [key for key in reference.outputs(stored.name) if key.startswith(f"{case}/mid/")]
    theirs = {key.split("/")[-1] for key in keys} - oracle.only_theirs
    return {path: renamed(f"{path}.", substitutions).removesuffix(".") for path in theirs}


@few
def pictures(stored, case):
    """Return a case's inputs, or first frames, and after each its mirror image."""
    frames = [x.reshape(-1, *x.shape[-3:])[:1] for x in stored.inputs(case)]
    return [jnp.concatenate([x, x[:, :, ::-1]]) for x in frames]


def cases(stored):
    return list(reference.manifest(stored.name)["inputs"])


def theirs(array):
    """Return an array in the authors' layout."""
    return np.moveaxis(np.asarray(array), -1, 1) if array.ndim == 4 else np.asarray(array)
