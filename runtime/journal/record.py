r"""Records: the framed, chained, checksummed Arrow segments that a journal is made of (format v1, docs/reference/journal.md).

::

    offset  bytes
         0      8   magic "darner\x01\n"
         8      8   sequence number, from 0, one counter for the run's whole life
        16      8   epoch: how often the run was taken up
        24      8   length of the payload
        32     16   nonce of the writer
        48     32   SHA-256 of the record before (zeros for the first)
        80     32   SHA-256 of bytes 0..80 and the payload: this record's hash
       112      4   CRC-32 of bytes 0..112, so that a damaged length is never taken for a torn end
       116      …   payload: an Arrow IPC stream, one row an event

Whole numbers are unsigned and little-endian.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Literal, TypeAlias

import pyarrow as pa
from pydantic import ValidationError
from pydantic_core import to_json

from ..events import EVENT, VERSION, CallFinished, CallStarted, Event
from ..failures import Corrupt
from ..ports import Json
from . import arrow, tearing

MAGIC = b"darner\x01\n"
_HEAD = struct.Struct("<8sQQQ16s32s")
_TAIL = struct.Struct("<32sI")
HEADER_SIZE = _HEAD.size + _TAIL.size
START = bytes(32)
"""What stands for the hash before the first record."""

_FIELDS: list[pa.Field[Any]] = [
    pa.field("version", pa.uint16(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("at", pa.float64(), nullable=False),
    pa.field("body", pa.string(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)
# An IPC stream is a schema, batches and an end. Only the batch differs.
_SCHEMA_BYTES = SCHEMA.serialize().to_pybytes()
_END_BYTES = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_APART = {"kind", "at"}
"""Fields of an event that are columns of their own."""
_AT_ONCE = 512
"""Records that are decoded together."""


Mark: TypeAlias = Literal["fence", "release"]
"""What a record without events says of its writer: it took the run over, or it gave the run up."""


@dataclass(frozen=True, slots=True)
class Record:
    """One group commit as it stands in a journal. ``offset`` is where its header starts."""

    seq: int
    epoch: int
    nonce: bytes
    before: bytes
    hash: bytes
    payload: bytes
    offset: int

    @property
    def end(self) -> int:
        """Where the next record starts."""
        return self.offset + HEADER_SIZE + len(self.payload)


def frame(payload: bytes, *, seq: int, epoch: int, nonce: bytes, before: bytes) -> tuple[bytes, bytes]:
    """Return a record's bytes, and its hash."""
    head = _HEAD.pack(MAGIC, seq, epoch, len(payload), nonce, before)
    digest = hashlib.sha256(head + payload).digest()
    unchecked = head + digest
    return b"".join((unchecked, zlib.crc32(unchecked).to_bytes(4, "little"), payload)), digest


Row: TypeAlias = tuple[str, float, str]
"""An event as it is written: its kind, when it happened, its other fields as JSON text."""


def encode(rows: Sequence[Row]) -> bytes:
    """Return events as the payload of one record."""
    if not rows:
        return _SCHEMA_BYTES + _END_BYTES
    if len(rows) == 1:
        batch = arrow.batch_of_one(VERSION, *rows[0])
    else:
        kinds, times, bodies = zip(*rows, strict=True)
        batch = arrow.batch(VERSION, kinds, times, bodies)
    return b"".join((_SCHEMA_BYTES, batch, _END_BYTES))


def encode_mark(word: Mark, text: str) -> bytes:
    """Return the payload of a record without events, which says something of its writer; ``text`` is for people."""
    return SCHEMA.with_metadata({word: text}).serialize().to_pybytes() + _END_BYTES


def mark(record: Record, word: Mark) -> str | None:
    """Return the text of a record that carries this mark, else None."""
    try:
        with pa.ipc.open_stream(record.payload) as stream:
            found = (stream.schema.metadata or {}).get(word.encode())
    except (pa.ArrowInvalid, OSError):
        return None  # whoever wants its events is told that they can't be read
    return None if found is None else found.decode(errors="replace")


def body(event: Event) -> str:
    """Return an event's fields as JSON text. Defaults are left out: within a format version they never change."""
    try:
        return event.__pydantic_serializer__.to_json(event, exclude_defaults=True, exclude=_APART).decode()
    except ValueError:  # see `as_text`
        return as_text(event.model_dump(exclude_defaults=True, exclude=_APART))


def made(start: CallStarted, end: CallFinished, body: str) -> Row:
    """Return a start and the end that follows it as one `CallMade`; ``body`` is the end's."""
    attempt = "" if start.attempt == 1 else f',"attempt":{start.attempt}'
    effects = "" if start.effects == "read" else f',"effects":"{start.effects}"'
    task = f',"task":{json.dumps(start.task)}' if start.task else ""
    return "call_made", end.at, f'{body[:-1]},"began":{start.at!r}{attempt}{effects}{task}}}'


def as_text(value: Json) -> str:
    """Return JSON text that reads back as exactly this value: NaN, infinities and lone surrogates too."""
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except ValueError:  # a lone surrogate: UTF-8 can't hold it, an escape can
        return json.dumps(value, default=str)


def decode(record: Record, where: str) -> list[Event]:
    """Return a record's events; `Corrupt` where a version, a kind or a field is unknown."""
    try:
        with pa.ipc.open_stream(record.payload) as stream:
            rows = stream.read_all().to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(where, record.offset, f"its events can't be read ({error})") from error
    return [_event(row, record, where) for row in rows]


def decode_all(records: Iterable[Record], where: str) -> Iterator[Event]:
    """Yield the events of many records; `Corrupt` as with `decode`, naming the record."""
    waiting = iter(records)
    while some := list(islice(waiting, _AT_ONCE)):
        try:
            found = _decode_together(some, where)
        except (pa.ArrowInvalid, OSError, ValidationError, ValueError):
            # Somewhere in there is what can't be read. One by one, what is before it is read, and the message has its place.
            found = (event for one in some for event in decode(one, where))
        yield from found


def _decode_together(records: Sequence[Record], where: str) -> Iterable[Event]:
    """Return the events of records whose streams differ in nothing but their batches, read as one stream: a third of the time."""
    batches = []
    for one in records:
        if one.payload.startswith(_SCHEMA_BYTES) and one.payload.endswith(_END_BYTES):
            batches.append(memoryview(one.payload)[len(_SCHEMA_BYTES) : -len(_END_BYTES)])
        elif decode(one, where):  # marks are of another schema, and have no events
            raise ValueError(one.seq)
    with pa.ipc.open_stream(b"".join((_SCHEMA_BYTES, *batches, _END_BYTES))) as stream:
        table = stream.read_all()
    if any(version != VERSION for version in table.column("version").to_pylist()):
        raise ValueError(VERSION)
    columns = (table.column(name).to_pylist() for name in ("kind", "at", "body"))
    return [EVENT.validate_json(_whole(kind, at, text)) for kind, at, text in zip(*columns, strict=True)]


def _whole(kind: str, at: float, text: str) -> str:
    """Return an event as one JSON text, which is read and checked in one go; what is too deep for that is read one by one."""
    if not text.startswith("{"):
        raise ValueError(text)
    return f'{{"kind":{json.dumps(kind)},"at":{at!r}{"," if text != "{}" else ""}{text[1:]}'


def _event(row: dict[str, Any], record: Record, where: str) -> Event:
    if row["version"] != VERSION:
        raise _unknown(where, record, f"events of version {row['version']}")
    try:
        return EVENT.validate_python({"kind": row["kind"], "at": row["at"], **json.loads(row["body"])})
    except (ValidationError, ValueError) as error:
        reason = (
            "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}" for one in error.errors())
            if isinstance(error, ValidationError)
            else error
        )
        raise _unknown(where, record, f"an event {row['kind']!r} that this darner doesn't know ({reason})") from error


def _unknown(where: str, record: Record, what: str) -> Corrupt:
    help_text = "it was written by another version of darner: use that one, or a newer one"
    return Corrupt(f"{where}: record {record.seq} at byte {record.offset} holds {what}", help=help_text)


def _damaged(where: str, offset: int, what: str) -> Corrupt:
    help_text = "the disk or a copy changed it: bring the run's folder back from a backup, or start a new run"
    return Corrupt(f"{where}: the record at byte {offset} is damaged: {what}", help=help_text)


def single(content: bytes, where: str) -> Record:
    """Return the one record that an object holds, verified against its checksum; `Corrupt` where it is anything else."""
    found = _read(io.BytesIO(content), 0, len(content), where)
    if found is None:
        raise _damaged(where, 0, "it is cut off")
    if found.end != len(content):
        raise _damaged(where, found.end, "something follows the one record")
    return found


def framed(record: Record) -> bytes:
    """Return a record's bytes."""
    return frame(record.payload, seq=record.seq, epoch=record.epoch, nonce=record.nonce, before=record.before)[0]


def refuse_stranger(record: Record, seq: int, before: bytes, where: str) -> None:
    """Raise `Corrupt` where a record isn't the one of that number that follows the one with that hash."""
    if (record.before, record.seq) != (before, seq):
        raise _damaged(where, record.offset, f"it is record {record.seq} of another history, not {seq} of this one")


def scan(  # noqa: PLR0913 - what is read, and from where on
    file: BinaryIO, size: int, where: str, *, seq: int = 0, before: bytes = START, offset: int = 0
) -> Iterator[Record]:
    """Yield the records of a journal file, each verified against its checksum and the record before.

    ``seq``, ``before`` and ``offset`` are the first record's number, the hash of the one before it, and where it starts.

    The scan ends before a torn last record: one that the end of the file cuts off, or of which not every sector arrived;
    and before the room that an owner made ahead. Anything else that isn't right is `Corrupt`.
    """
    while offset < size:
        record = _read(file, offset, size, where)
        if record is None:
            return
        refuse_stranger(record, seq, before, where)
        yield record
        offset, before, seq = record.end, record.hash, seq + 1


def _read(file: BinaryIO, offset: int, size: int, where: str) -> Record | None:
    file.seek(offset)
    header = file.read(HEADER_SIZE)
    if len(header) < HEADER_SIZE:
        return None
    if int.from_bytes(header[-4:], "little") != zlib.crc32(header[:-4]) or not header.startswith(MAGIC):
        if _is_torn(file, offset, None):
            return None
        raise _damaged(where, offset, "its header is not what was written")
    _, seq, epoch, length, nonce, before = _HEAD.unpack_from(header)
    if offset + HEADER_SIZE + length > size:
        return None
    payload = file.read(length)
    digest = hashlib.sha256(header[: _HEAD.size] + payload).digest()
    if digest != header[_HEAD.size : _HEAD.size + 32]:
        if _is_torn(file, offset, HEADER_SIZE + length):
            return None
        raise _damaged(where, offset, "its checksum doesn't fit its bytes")
    return Record(seq, epoch, nonce, before, digest, payload, offset)


def _is_torn(file: BinaryIO, offset: int, length: int | None) -> bool:
    """Return whether what is wrong here never arrived whole; ``length`` is the record's, None where its header is wrong."""
    file.seek(offset)
    rest = file.read()
    if not rest.strip(b"\0"):
        return True
    is_followed = _holds_header(rest) if length is None else bool(rest[length:].strip(b"\0"))
    return not is_followed and tearing.is_torn(rest, offset, HEADER_SIZE, length)


def _holds_header(rest: bytes) -> bool:
    """Return whether a record begins somewhere behind a first byte. No text of a record holds the magic: JSON escapes its end."""
    at = rest.find(MAGIC, 1)
    while at >= 0:
        header = rest[at : at + HEADER_SIZE]
        if len(header) == HEADER_SIZE and int.from_bytes(header[-4:], "little") == zlib.crc32(header[:-4]):
            return True
        at = rest.find(MAGIC, at + 1)
    return False
