"""A connection that asks a model's server over real HTTP, with nothing around it: a hundred a second take no machine away."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit


class Wire:
    """One connection, kept."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        body = json.dumps({"messages": [{"role": "user", "content": "hello"}]})
        head = f"POST {self._url.path}/chat/completions HTTP/1.1\r\nHost: {self._url.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._sent = (head + body).encode()

    async def post(self) -> tuple[int, dict[str, str]]:
        """Return an answer's status and its headers, names in lower case."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._url.hostname, self._url.port)
        reader, writer = self._streams
        writer.write(self._sent)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        await reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
