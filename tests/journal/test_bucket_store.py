"""A store in a bucket of a real S3 server keeps the same promises as a folder."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from darner.runtime.failures import Missing, Refused, StoreError
from darner.runtime.journal.buckets.cloud import Cloud
from darner.runtime.journal.buckets.store import BucketStore, probe
from darner.runtime.journal.store import open_store
from darner.runtime.ports import Store

from ..servers import BucketServer, S3Server, free_ports, loopback


@pytest.fixture(params=["s3", "gs", "az"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    server: S3Server | BucketServer = request.getfixturevalue(request.param)
    return open_store(server.url(tmp_path.name), server.options)


def test_an_object_is_read_back_replaced_listed_and_removed(store: Store) -> None:
    """Objects, names and folders are what was written, at once and without a cache."""
    store.put("jobs/a/1/x", b"one")
    store.put("jobs/a/1/x", b"two")
    store.put("jobs/b/y", b"three")
    assert store.get("jobs/a/1/x") == b"two"
    assert store.names("jobs") == ["jobs/a/1/x", "jobs/b/y"]
    assert store.folders("jobs") == ["a", "b"]
    assert store.exists("jobs/b/y")
    assert not store.exists("jobs/a")
    assert [store.size(name) for name in ("jobs", "jobs/a", "jobs/b/y", "job", "runs")] == [8, 3, 5, 0, 0]
    store.delete("jobs/a")
    store.delete("jobs/a")
    assert store.names("jobs/") == ["jobs/b/y"]
    assert store.folders("runs") == store.names("runs") == []
    with pytest.raises(Missing):
        store.get("jobs/a/1/x")


def test_of_racing_creates_exactly_one_wins(store: Store) -> None:
    """Four threads race for each of four names; one wins each time and its bytes are kept."""
    with ThreadPoolExecutor(4) as pool:
        for race in range(4):
            name = f"owners/{race}"
            won = list(pool.map(lambda number, name=name: store.create(name, str(number).encode()), range(4)))
            assert sum(won) == 1
            assert store.get(name) == str(won.index(True)).encode()


def test_a_large_object_appears_whole_or_not_at_all(store: Store) -> None:
    """A writer whose block fails leaves nothing; one that ends well leaves all of it, to be read from any place."""

    def fail_half_way() -> None:
        with store.writer("jobs/a/part") as file:
            file.write(b"half" * 100_000)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert store.names("jobs") == []
    with store.writer("jobs/a/part") as file:
        file.write(b"0123456789" * 100_000)
    with store.reader("jobs/a/part") as found:
        found.seek(999_995)
        assert found.read() == b"56789"


class LosesItsAnswer:
    """A connection whose conditional put succeeds once, loses the answer, asks again, and so loses against itself."""

    def __init__(self, real: Cloud) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Write twice, as a client does that got no answer."""
        self.real.create(key, content, mark)
        self.real.create(key, content, mark)


def test_a_lost_answer_is_not_a_lost_race(store: Store) -> None:
    """Whoever loses against its own earlier request has won; a real loser stays one."""
    assert isinstance(store, BucketStore)
    forgetful = BucketStore(store.root, cast("Cloud", LosesItsAnswer(store.cloud)))
    assert forgetful.create("owners/a", b"same")
    assert not store.create("owners/a", b"same")
    assert not forgetful.create("owners/a", b"same")


class IgnoresConditions:
    """A connection like that to some servers: a conditional put is a put."""

    def __init__(self, real: Cloud) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def create(self, key: str, content: bytes, mark: str) -> None:
        """Write, whatever is there."""
        del mark
        self.real.fs.pipe_file(key, content)


def test_a_server_that_ignores_conditional_writes_is_refused(store: Store) -> None:
    """The probe at start-up creates a key twice; a second success means that the store can't be trusted."""
    assert isinstance(store, BucketStore)
    with pytest.raises(StoreError, match="ignores conditional writes"):
        probe(BucketStore(store.root, cast("Cloud", IgnoresConditions(store.cloud))))
    assert store.names("probes") == []


@pytest.mark.parametrize("kind", ["gs", "az"])
def test_a_missing_bucket_says_so_wherever_it_is(request: pytest.FixtureRequest, kind: str) -> None:
    """Opening fails at once, and the message names the bucket."""
    server: BucketServer = request.getfixturevalue(kind)
    with pytest.raises(StoreError, match="bucket") as caught:
        open_store(f"{kind}://nowhere-here/x", server.options)
    assert "nowhere-here" in caught.value.message
    assert caught.value.help == "create the bucket first"


@pytest.mark.parametrize(("address", "option"), [("gs://darner/x", "endpont_url"), ("az://darner/x", "connection")])
def test_an_unknown_option_is_refused_for_every_kind_of_bucket(address: str, option: str) -> None:
    """Unknown is an error."""
    with pytest.raises(Refused, match=option):
        open_store(address, {option: "x"})


def test_a_missing_bucket_and_an_unreachable_server_say_so(s3: S3Server) -> None:
    """Opening fails at once with a reason and what to do."""
    with pytest.raises(StoreError, match="nowhere-here"):
        open_store("s3://nowhere-here/x", s3.options)
    unreachable = {**s3.options, "endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}"}
    with pytest.raises(StoreError, match="connect") as caught:
        open_store("s3://darner/x", unreachable)
    assert "endpoint" in str(caught.value.help)


class Denied(http.server.BaseHTTPRequestHandler):
    """A server that lets nobody in."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Answer 403 as S3 does."""
        self.close_connection = True
        body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        self.send_response(403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the standard library gives it
        """Stay quiet."""


@pytest.fixture
def denying_endpoint() -> Iterator[str]:
    with loopback(Denied) as endpoint:
        yield endpoint


def test_denied_access_names_the_keys_to_check(denying_endpoint: str) -> None:
    """A 403 is told as what it is."""
    with pytest.raises(StoreError, match="access is denied") as caught:
        open_store("s3://darner/x", {"endpoint_url": denying_endpoint, "key": "a", "secret": "b", "region": "us-east-1"})
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.help)


def test_an_unknown_option_and_an_address_without_a_bucket_are_refused(tmp_path: Path) -> None:
    """Unknown is an error, before anything is asked of a server."""
    with pytest.raises(Refused, match="endpont"):
        open_store("s3://darner/x", {"endpont": "y"})
    with pytest.raises(Refused, match="no bucket"):
        open_store("s3://", {})
