"""What several tests need."""

import gc
import re
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("tests", deadline=None)  # first calls compile, and machines are busy
settings.load_profile("tests")


def group(nodeid):
    """Return what a test shares with others: its network ("…@NETWORK]"), or else its file."""
    network = re.search(r"@([\w-]+)\]$", nodeid)
    return network[1] if network else nodeid.split("::")[0]


def pytest_collection_modifyitems(items):
    """Put the tests of a group together, so that what they share is soon free again."""
    places = {}
    for item in items:
        places.setdefault(group(item.nodeid), len(places))
    items.sort(key=lambda item: places[group(item.nodeid)])


def pytest_runtest_teardown(item, nextitem):
    """Forget what was compiled for a network with its last test: it takes gigabytes."""
    last = nextitem is None or group(nextitem.nodeid) != group(item.nodeid)
    if last and item.nodeid.endswith("]") and "@" in item.nodeid and "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        gc.collect()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one worker run all of a group, so that a network is compiled once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs beside the project, which a user's clone does not have."""
    data = Path(__file__).parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the photographs in ../shared/data are not here")
    return data
