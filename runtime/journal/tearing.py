"""What a crash can leave of the record that was being written, told from damage.

An owner makes room ahead: behind its last record the file holds zeros, into which the next ones are written. A crash of
the machine may keep some sectors of a record and lose others, in any order; those that are lost hold zeros. A record's
own bytes never fill a sector, or the part of one that the record has, with zeros: it begins with its magic, its texts
hold none, it ends with an end marker. So zeros there, and room behind, mean that it never arrived whole, and was never
acknowledged. Bytes that are wrong otherwise are damage, and so is everything that another record follows.
"""

from __future__ import annotations

from collections.abc import Iterator

SECTOR = 512
"""The least that a disk writes at once."""
ROOM = 8
"""Zeros that are behind the last record, at least, as long as an owner writes; a record itself ends with four at most."""
_OWN = 4


def is_torn(rest: bytes, offset: int, header: int, length: int | None) -> bool:
    """Return whether a record that can't be right never arrived whole; that no other record follows is for the caller to know.

    Args:
        rest: the file from the record's first byte on, up to its end.
        offset: where in the file that is.
        header: the length of a record's header.
        length: the record's own, where its header is right.
    """
    has_room = rest.endswith(bytes(ROOM)) and (length is None or len(rest) >= length + ROOM)
    return has_room and any(not part.strip(b"\0") for part in _parts(rest, offset, header, length))


def _parts(rest: bytes, offset: int, header: int, length: int | None) -> Iterator[bytes]:
    """Yield what each sector holds of a record, or of its header with what follows, where that is all that is known of it."""
    start, end = 0, offset // SECTOR * SECTOR + SECTOR - offset
    while start < (header if length is None else length):
        if length is None or min(end, length) - start > _OWN:
            yield rest[start:end]
        start, end = end, end + SECTOR
