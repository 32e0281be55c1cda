"""What the modules of a network return while it runs."""

import pytest
from flax import nnx


def watch(model, paths, *inputs):
    """Call a model; return what it returns, and by path what the modules there do.

    A list of modules returns what its last one does. Of several calls the first counts.
    """
    modules = {".".join(map(str, path)): module for path, module in nnx.iter_modules(model)}
    watched = {id(_last(modules[path])): path for path in paths}
    seen = {}

    def watching(call):
        def wrapped(self, *inputs):
            result = call(self, *inputs)
            if id(self) in watched:
                seen.setdefault(watched[id(self)], result)
            return result

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for kind in {type(_last(modules[path])) for path in paths}:
            patch.setattr(kind, "__call__", watching(kind.__call__))
        return model(*inputs), seen


def _last(module):
    while isinstance(module, nnx.List | nnx.Dict):
        module = [*(module.values() if isinstance(module, nnx.Dict) else module)][-1]
    return module
