"""A service that several files of tests send requests to."""

from dataclasses import replace

import pytest

from tests.alphamat.serve.clients import Served


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("jobs")) as served:
        yield served


@pytest.fixture
def change(served, monkeypatch):
    """Change settings of the service."""

    def change(**settings):
        changed = replace(served.service.settings, **settings)
        monkeypatch.setattr(served.service, "settings", changed)

    return change
