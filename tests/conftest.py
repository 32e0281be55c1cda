"""What several tests need."""

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put tests that share what is slow to make together: a network's, or else a file's.

    One worker of pytest-xdist runs such a group, from its first to its last.
    """
    places = {}
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
        places.setdefault(item.get_closest_marker("xdist_group").args[0], len(places))
    items.sort(key=lambda item: places[item.get_closest_marker("xdist_group").args[0]])


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs beside the project, which a user's clone does not have."""
    data = Path(__file__).parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the photographs in ../shared/data are not here")
    return data
