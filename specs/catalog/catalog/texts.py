"""Clean text, and which language it is in."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

_TAG = re.compile(r"<[^<>]{1,200}>")
_NOISE = re.compile(r"[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200b\ufeff]+")
_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_ENOUGH = 240
_WORD = re.compile(r"\w+")
_BRAND_ENDING = re.compile(r"[®™]|\s+(?:gmbh|ltd\.?|inc\.?|s\.a\.|sp\. z o\.o\.)\s*$", re.IGNORECASE)

_HINTS = {
    "de": "für mit und von der die das aus ab den eine mit farbe zoll gemacht aus ist leicht oder damen herren schwarz weiß",
    "fr": "pour avec et de en la les des dès une livré coloris pensé acier noir blanc homme femme sans",
    "es": "para con y de en el la los una sin entrega color este hombre mujer negro blanco acero",
    "pl": "dla z do i na w marki kolor od szt produkt czarny biały skóra stal cali",
    "en": "for with and the of in by made from is this ready to use black white inch set",
}
_LANGUAGE_OF: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, words in _HINTS.items() if word in words.split())
    for word in sorted({word for words in _HINTS.values() for word in words.split()})
}
_LETTERS = {
    "ą": "pl",
    "ę": "pl",
    "ł": "pl",
    "ż": "pl",
    "ś": "pl",
    "ć": "pl",
    "ß": "de",
    "ä": "de",
    "ö": "de",
    "ñ": "es",
    "ç": "fr",
    "è": "fr",
}


def clean(text: str | None) -> str:
    """Return text without markup, pictures and odd white space, in Unicode's NFKC form."""
    if not text:
        return ""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isascii():
        text = _NOISE.sub(" ", unicodedata.normalize("NFKC", text))
    return " ".join(text.split())


def calm(title: str) -> str:
    """Return a title that doesn't shout."""
    return title.title().replace("'S", "'s") if title.isupper() and len(title) > 8 else title


@lru_cache(maxsize=65_536)
def brand(name: str | None) -> str:
    """Return a brand as it is written everywhere in the index, whatever a merchant made of it."""
    plain = clean(name)
    if not plain:
        return ""
    plain = _BRAND_ENDING.sub("", _BRAND_ENDING.sub("", plain)).strip()
    return plain.title() if plain.isupper() or plain.islower() else plain


def language(text: str) -> str:
    """Return the likeliest of en, de, fr, es, pl, ja: letters first, then small words; English where nothing tells."""
    if not text.isascii():
        if _KANA.search(text):
            return "ja"
        for letter in text:
            if letter in _LETTERS:
                return _LETTERS[letter]
    counts = {"en": 0.5}
    for word in _WORD.findall(text[:_ENOUGH].lower()):
        if word in _LANGUAGE_OF:
            for found in _LANGUAGE_OF[word]:
                counts[found] = counts.get(found, 0.0) + 1.0
    return max(counts, key=lambda name: (counts[name], name))
