"""A small S3 server that is real, and ignores ``If-None-Match`` as some do."""

from __future__ import annotations

import http.server
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from ..servers import loopback

DAY = "2026-01-02T03:04:05.000Z"
HTTP_DAY = "Fri, 02 Jan 2026 03:04:05 GMT"


class Forgetful(http.server.BaseHTTPRequestHandler):
    """Puts, gets, lists and deletes; a condition is nothing to it."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, tuple[bytes, dict[str, str]]]

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def _body(self) -> bytes:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "chunked" not in self.headers.get("content-encoding", ""):
            return content
        parts, rest = [], content
        while (size := int((head := rest.partition(b"\r\n")[0]).partition(b";")[0], 16)) > 0:
            start = len(head) + 2
            parts.append(rest[start : start + size])
            rest = rest[start + size + 2 :]
        return b"".join(parts)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self) -> None:
        """Write, whatever is there and whatever is asked."""
        marks = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
        self.objects[self._key()] = (self._body(), marks)
        self._answer(200, etag='"x"')

    def do_GET(self) -> None:
        """Return an object, or a listing."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
        if "list-type" in asked:
            self._list(asked.get("prefix", ""), asked.get("delimiter", ""))
            return
        found = self.objects.get(self._key())
        if found is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
            return
        self._answer(200, found[0], etag='"x"', last_modified=HTTP_DAY, **found[1])

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library looks for

    def _list(self, prefix: str, delimiter: str) -> None:
        bucket = self._key().rstrip("/")
        names = sorted(name.removeprefix(f"{bucket}/") for name in list(self.objects) if name.startswith(f"{bucket}/{prefix}"))
        folders = {
            prefix + rest.partition("/")[0] + "/" for rest in (one.removeprefix(prefix) for one in names) if delimiter and "/" in rest
        }
        files = [one for one in names if not (delimiter and "/" in one.removeprefix(prefix))]
        told = "".join(
            f"<Contents><Key>{escape(one)}</Key><Size>{len(self.objects[f'{bucket}/{one}'][0])}</Size><LastModified>{DAY}</LastModified></Contents>"
            for one in files
        ) + "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
        self._answer(200, f"<ListBucketResult><KeyCount>{len(files) + len(folders)}</KeyCount>{told}</ListBucketResult>".encode())

    def do_POST(self) -> None:
        """Delete many."""
        bucket = self._key().rstrip("/")
        for name in re.findall(r"<Key>(.*?)</Key>", self._body().decode()):
            self.objects.pop(f"{bucket}/{name}", None)
        self._answer(200, b"<DeleteResult></DeleteResult>")

    def do_DELETE(self) -> None:
        """Delete one."""
        self.objects.pop(self._key(), None)
        self._answer(204)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the standard library gives it
        """Stay quiet."""


@contextmanager
def forgetful() -> Iterator[str]:
    """Run the server, and yield its endpoint; a bucket is there as soon as it is named."""
    kind = type("Forgetful", (Forgetful,), {"objects": {}})
    with loopback(kind) as endpoint:
        yield endpoint
