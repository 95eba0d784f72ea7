"""One small company for all tests of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from sandbox.providers.faults import Faults
from sandbox.serving import ServerUrls, serve
from sandbox.spec import SandboxSpec
from sandbox.world import World, build

SMALL = SandboxSpec(seed=11, days=60, requests=9_000, end_date=date(2026, 11, 22))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """60 days and nine thousand requests; tests only read it."""
    return build(tmp_path_factory.mktemp("company"), SMALL)


@pytest.fixture(scope="session")
def running(world: World) -> Iterator[ServerUrls]:
    """The providers of the small company; tests go through ``served``."""
    with serve(world, faults=Faults()) as urls:
        yield urls


@pytest.fixture
def served(running: ServerUrls, world: World) -> Iterator[ServerUrls]:
    """Providers without faults, at a time when every bill is final; both are put back after the test."""
    running.clock.move_to(world.final_clock)
    running.set_faults(Faults())
    yield running
    running.set_faults(Faults())


@pytest.fixture
def client(served: ServerUrls) -> Iterator[httpx.Client]:
    """Knows the keys of both providers."""
    headers = {
        "Authorization": f"Bearer {served.environment['SANDBOX_OPENAI_ADMIN_KEY']}",
        "x-api-key": served.environment["SANDBOX_ANTHROPIC_ADMIN_KEY"],
        "anthropic-version": "2023-06-01",
    }
    with httpx.Client(headers=headers) as http:
        yield http
