"""What is wrong with a text that is to become a label, an id or a template."""

from __future__ import annotations


def find_defect(value: object) -> str | None:
    """What is wrong with a text, to follow "a subject that ..."; None where nothing is."""
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return "is no text"
    if not value.strip():
        return "is blank"
    if "\0" in value or "\ufffd" in value or not _encodable(value):
        return "has characters that a wrong encoding left behind"
    if _is_decoded_wrongly(value):
        return "was decoded with a wrong encoding"
    return None


def _encodable(value: str) -> bool:
    """False for half of a surrogate pair, which JSON can spell but no table can hold."""
    return value.isascii() or value.encode("utf-8", "ignore").decode() == value


def _is_decoded_wrongly(value: str) -> bool:
    """Whether a text is UTF-8 that was read as Windows-1252 or Latin-1, such as `ZÃ¼rich`."""
    return not value.isascii() and any(
        _is_utf8_read_as(encoding, value) for encoding in ("cp1252", "latin-1")
    )


def _is_utf8_read_as(encoding: str, value: str) -> bool:
    try:
        value.encode(encoding).decode("utf-8")
    except UnicodeError:
        return False
    return True
