"""One server in production for all attacks: with users, a page, files, and secrets that must not come out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.security.vault import Vault, open_vault


@pytest.fixture(scope="package")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    folder: Path = tmp_path_factory.mktemp("vault")
    with open_vault(folder) as vault:
        yield vault
