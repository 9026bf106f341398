"""Writes the payload as XML in a profile: the same payload gives the same bytes.

Pure. What is written is decided in `terms.py`; here are only syntax and bytes.
"""

from invoicing.einvoice.profiles import FACTURX
from invoicing.payload import Payload


def write(payload: Payload, key: str) -> bytes:
    """The document as XML (UTF-8, with declaration) in profile `key` of `profiles.PROFILES`."""
    raise NotImplementedError


def files(payload: Payload) -> dict[str, bytes]:
    """Every file the document has, by profile: Factur-X always, then `payload.profiles`."""
    return {key: write(payload, key) for key in dict.fromkeys((FACTURX, *payload.profiles))}
