"""Reactions to failure, written short and in full: what equals the layer beneath is left out, or laid in."""

from __future__ import annotations

from collections.abc import Mapping

from ..settings import REACTIONS, FailureClass, OnFailure, Reaction, merge_reactions

_KEYS = tuple(Reaction.model_fields)


def minimal(own: Mapping[FailureClass, Reaction], beneath: Mapping[FailureClass, Reaction] | None = None) -> OnFailure:
    """Return what ``own`` changes in the layers beneath it: the language's, then ``beneath``."""
    below = merge_reactions(REACTIONS, beneath or {})
    found: OnFailure = {name: _difference(own[name], below[name]) for name in REACTIONS if name in own}
    return {name: reaction for name, reaction in found.items() if reaction != Reaction()}


def _difference(own: Reaction, below: Reaction) -> Reaction:
    changed = {key: getattr(own, key) for key in _KEYS if getattr(own, key) != getattr(below, key)}
    return Reaction.model_construct(**changed)


def complete(own: Mapping[FailureClass, Reaction]) -> OnFailure:
    """Return the reactions of something that nothing lies beneath but the language, every class and key written out."""
    return merge_reactions(REACTIONS, own)
