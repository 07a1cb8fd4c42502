"""Names of model servers become addresses through one small port, so that nothing but it knows how."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...ports import Resolver

if TYPE_CHECKING:
    import httpx2

TIMEOUT, CONNECT_TIMEOUT = 600.0, 10.0
"""Seconds until the next bytes of an answer, and until a connection stands; a step's `timeout` bounds the whole."""


class SystemResolver:
    """Asks the system: its hosts file, its name servers."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return a host's addresses in the order in which they are tried; `OSError` where it has none."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


def client_through(resolver: Resolver) -> httpx2.AsyncClient:
    """Return a client whose connections go to where ``resolver`` says. TLS still checks the name that was asked for."""
    import httpx2  # noqa: PLC0415 - only runs with agents pay for it

    client = httpx2.AsyncClient(timeout=httpx2.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT))
    # Neither a client nor its transport takes a network of ours; giving it a transport would turn the system's proxies off.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - see above
        if isinstance(transport, httpx2.AsyncHTTPTransport):
            transport._pool._network_backend = _network(resolver)  # noqa: SLF001 - see above
    return client


def _network(resolver: Resolver) -> Any:
    """Return a network of httpcore that resolves names by a port of ours, and connects to their addresses."""
    import httpcore2  # noqa: PLC0415 - only runs with agents pay for it

    system: Any = httpcore2.AnyIOBackend()

    class Network(httpcore2.AsyncNetworkBackend):
        """The names of its methods are httpcore's."""

        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> Any:
            try:
                async with asyncio.timeout(timeout):
                    addresses = await resolver.resolve(host, port)
            except TimeoutError as late:
                raise httpcore2.ConnectTimeout(f"nobody said within {timeout:g}s where {host} is") from late
            except OSError as error:
                raise httpcore2.ConnectError(f"the name {host} can't be resolved: {error}") from error
            failed: Exception = httpcore2.ConnectError(f"the name {host} has no address")
            for address in addresses:
                # One that doesn't answer leaves time for the next.
                share = None if timeout is None else timeout / len(addresses)
                try:
                    return await system.connect_tcp(address, port, share, local_address, socket_options)
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                    failed = error
            raise failed

        async def connect_unix_socket(self, *args: Any, **options: Any) -> Any:
            return await system.connect_unix_socket(*args, **options)

        async def sleep(self, seconds: float) -> None:
            await system.sleep(seconds)

    return Network()


def takes_client(made: Callable[..., Any]) -> bool:
    """Return whether a provider can be given a client."""
    return "http_client" in inspect.signature(made).parameters
