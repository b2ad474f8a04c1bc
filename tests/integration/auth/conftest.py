"""Issuers for these tests."""

from collections.abc import Iterator

import pytest

from tests.support.issuer import Issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer
