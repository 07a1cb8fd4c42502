"""The public face."""

from __future__ import annotations

import darner


def test_the_face_offers_what_it_lists_and_nothing_is_lost() -> None:
    """Every name of ``__all__`` is there, sorted, and imports of users go on working."""
    assert sorted(darner.__all__) == list(darner.__all__)
    assert [name for name in darner.__all__ if not hasattr(darner, name)] == []
