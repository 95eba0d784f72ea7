"""Runs the fake providers of a company."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.providers.anthropic import AnthropicApi
from sandbox.providers.faults import EVERYDAY, Clock, Faults
from sandbox.providers.openai import OpenAIApi
from sandbox.providers.server import FakeServer
from sandbox.providers.store import ProviderStore
from sandbox.world import World

ENVIRONMENT_NAMES = (
    "SANDBOX_OPENAI_URL",
    "SANDBOX_ANTHROPIC_URL",
    "SANDBOX_OPENAI_ADMIN_KEY",
    "SANDBOX_ANTHROPIC_ADMIN_KEY",
    "SANDBOX_START_DATE",
)


@dataclass(frozen=True)
class ServerUrls:
    """Two providers that are up.

    Attributes:
        openai, anthropic: Base URLs as ``sources.yml`` wants them (OpenAI's ends in ``/v1``).
        environment: What to set for ``sandbox/config/sources.yml``: base URLs and admin keys. The keys live as long
        as the servers.
        clock: The time that both providers take it to be.
        servers: The servers by provider, for tests: what they were asked, and their faults.
    """

    openai: str
    anthropic: str
    environment: dict[str, str] = field(repr=False)
    clock: Clock
    servers: dict[str, FakeServer] = field(repr=False)

    def set_faults(self, faults: Faults) -> None:
        """Both providers misbehave in this way from now on."""
        for server in self.servers.values():
            server.set_faults(faults)


@contextmanager
def serve(
    world: World, *, faults: Faults = EVERYDAY, clock: Clock | datetime | None = None, ports: tuple[int, int] = (0, 0)
) -> Iterator[ServerUrls]:
    """Serves the providers of ``world`` on this machine until the block ends.

    Args:
        clock: A clock, or the moment at which it stands; by default the morning after the company's last day.
        ports: Ports of OpenAI and Anthropic; 0 takes a free one.
    """
    if not isinstance(clock, Clock):
        clock = Clock(clock or world.default_clock)
    keys = (f"sk-admin-{secrets.token_urlsafe(32)}", f"sk-ant-admin01-{secrets.token_urlsafe(32)}")
    store = ProviderStore(world.providers, world.truth / "requests.parquet")
    try:
        openai = FakeServer(OpenAIApi(store, world.spec, clock, keys[0], faults), clock, ports[0])
        anthropic = FakeServer(AnthropicApi(store, world.spec, clock, keys[1], faults), clock, ports[1])
        with openai.running(), anthropic.running():
            urls = (f"{openai.url}/v1", anthropic.url)
            yield ServerUrls(
                *urls,
                environment=dict(zip(ENVIRONMENT_NAMES, (*urls, *keys, str(world.spec.start_date)), strict=True)),
                clock=clock,
                servers={"openai": openai, "anthropic": anthropic},
            )
    finally:
        store.close()
