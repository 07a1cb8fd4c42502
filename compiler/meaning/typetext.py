"""Types as a spec writes them (``list[shop.types:Finding]``), read as types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..signature import Signatures
from ..types import AnyType, ListType, ScalarType, Type

BUILT_IN: dict[str, Type] = {
    "str": ScalarType.model_construct(name="str"),
    "int": ScalarType.model_construct(name="int"),
    "float": ScalarType.model_construct(name="float"),
    "bool": ScalarType.model_construct(name="bool"),
}
_CALLABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def is_callable(text: str) -> bool:
    """Return whether a text is written like ``module.path:attr``."""
    return _CALLABLE.fullmatch(text) is not None


def innermost(text: str) -> tuple[str, int]:
    """Return what stands inside the ``list[…]`` of a type, and the offset where it starts."""
    start, end = 0, len(text)
    while text[start:end].startswith("list[") and text[:end].endswith("]"):
        start, end = start + 5, end - 1
    inner = text[start:end]
    return inner.strip(), start + len(inner) - len(inner.lstrip())


def refs(text: str) -> Iterator[str]:
    """Yield the names in a type that Python must be asked about."""
    inner, _ = innermost(text)
    if is_callable(inner):
        yield inner


def is_well_formed(text: str) -> bool:
    """Return whether a text is a type of the language."""
    inner, _ = innermost(text)
    return inner in BUILT_IN or is_callable(inner)


def read_type(text: str | None, signatures: Signatures) -> Type:
    """Return the type that a text means; what is wrong with it, or was not inspected, is ``Any``."""
    if text is None:
        return AnyType()
    if text.startswith("list[") and text.endswith("]"):
        return ListType(item=read_type(text[5:-1].strip(), signatures))
    if text in BUILT_IN:
        return BUILT_IN[text]
    signature = signatures.callables.get(text)
    return signature.type if signature is not None and signature.type is not None else AnyType()
