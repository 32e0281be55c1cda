"""Where compiled kernels are kept between processes: numba's cache, made robust.

numba's own cache raises where a file is damaged or the disk is full, does not look into a folder
that it cannot write to, and does not notice that a constant or a function of another file has
changed. What is private to numba is used here only. Where a version lacks it, its own cache serves.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

SETTINGS = "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "OPT"  # of numba's, that change what it compiles
CONSTANTS = bool, int, float, complex, str, tuple, np.generic


def keep(dispatcher: Any, options: dict[str, Any]) -> None:
    """Keep what a dispatcher of numba compiles, and use what was kept."""
    if not hasattr(dispatcher, "enable_caching"):
        return  # numba is turned off, and this is the function itself
    try:
        dispatcher._cache = _caching()(dispatcher.py_func, options)
    except (ImportError, AttributeError, TypeError):  # another numba than those that we know
        dispatcher.enable_caching()


def is_kept(dispatcher: Any) -> bool:
    """Return whether a folder can be written to for what a dispatcher compiles."""
    places = getattr(dispatcher._cache, "places", [dispatcher._cache.cache_path])
    return any(place is not None and _is_writable(place) for place in places)


@cache
def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def _caching() -> type:
    from numba.core import caching, config
    from numba.core.serialize import dumps

    if getattr(config, "CACHE_LOCATOR_CLASSES", ""):
        raise ImportError("The user has chosen how numba finds its folders.")
    every = [_anywhere(kind) for kind in caching.CompileResultCacheImpl._locator_classes]

    class Implementation(caching.CompileResultCacheImpl):
        _locator_classes = every

    class KernelCache(caching.FunctionCache):
        _impl_class = Implementation

        def __init__(self, function: Callable, options: dict[str, Any]):
            super().__init__(function)
            locators = [kind.from_function(function, _file(function)) for kind in every]
            places = [place.get_cache_path() for place in locators if place is not None]
            self.places = [place for place in places if place[0] != "~"]  # the user has no home
            settings = options | {name: getattr(config, name, None) for name in SETTINGS}
            stamp = self._impl.locator.get_source_stamp(), fingerprint(function, settings)
            self._stamp, base = stamp, self._impl.filename_base
            self._files = [caching.IndexDataCacheFile(at, base, stamp) for at in self.places]

        def load_overload(self, sig, target_context):
            target_context.refresh()
            key = self._index_key(sig, target_context.codegen())
            for file in self._files:
                try:
                    record = file.load(key)
                    if record is not None and record[:2] == (self._stamp, key):
                        return self._impl.rebuild(target_context, _unpacked(*record[2:]))
                except OSError:
                    continue  # it cannot be read
                except Exception:  # pickle and LLVM raise all kinds
                    _forget(file._index_path)
            return None

        def save_overload(self, sig, data):
            if not self._impl.check_cachable(data):
                return
            key = self._index_key(sig, data.codegen)
            packed = dumps(self._impl.reduce(data))
            record = self._stamp, key, _digest(packed), packed
            fault = None
            for place, file in zip(self.places, self._files, strict=True):
                if not _is_writable(place):
                    continue
                try:
                    return file.save(key, record)
                except Exception as raised:  # no room, or an index that is damaged
                    fault = f"{raised} ({place})"
            if fault is not None:
                _say(f"Compiled kernels are not kept for the next process: {fault}.")

    return KernelCache


def _anywhere(kind: type) -> type:
    """Return a locator of numba that does not ask whether its folder can be written to."""
    return type(kind.__name__, (kind,), {"ensure_cache_path": lambda self: None})


def _file(function: Callable) -> str:
    return function.__code__.co_filename


def fingerprint(function: Callable, options: dict[str, Any]) -> str:
    """Return a digest of what numba compiles into a function from outside of its file."""
    chosen = {name: sorted(v) if isinstance(v, set) else v for name, v in sorted(options.items())}
    return _digest(repr([chosen, *_frozen(function, {function})]).encode())


def _frozen(function: Callable, seen: set[Callable]) -> Iterator[tuple[str, str]]:
    """Return the constants that a function reads, and the files of the functions that it calls."""
    for name in sorted(set(_names(function.__code__))):
        value = function.__globals__.get(name)
        called = getattr(value, "py_func", None)
        if called is not None and called not in seen:
            seen.add(called)
            yield name, _digest_of_file(_file(called))
            yield from _frozen(called, seen)
        elif isinstance(value, CONSTANTS):
            yield name, repr(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


@cache
def _digest_of_file(path: str) -> str:
    try:
        return _digest(Path(path).read_bytes())
    except OSError:  # it lies in an archive
        return ""


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _unpacked(digest: str, packed: bytes) -> Any:
    if _digest(packed) != digest:
        raise ValueError("The file is damaged.")
    return pickle.loads(packed)


def _forget(index: str) -> None:
    """Say that a kernel's files are damaged, and delete their index, so that they are replaced."""
    _say(f"Kernels are compiled anew: files of the cache in {os.path.dirname(index)} are damaged.")
    try:
        os.unlink(index)
    except OSError:
        return


@cache
def _say(text: str) -> None:
    print(text, file=sys.stderr)
