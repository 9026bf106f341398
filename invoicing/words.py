"""Stored codes in words, for the compiled row templates of this room."""

from config.core import jinja
from invoicing.models.document import Issuer, Kind
from invoicing.models.refund import Source
from invoicing.states import DocumentState, RefundState

_LABELS = {
    "refund_state": dict(RefundState.choices),
    "refund_source": dict(Source.choices),
    "document_kind": dict(Kind.choices),
    "document_state": dict(DocumentState.choices),
    "document_issuer": dict(Issuer.choices),
}


def _label(kind: str):
    words = _LABELS[kind]
    return lambda code: str(words.get(code, code))


def register() -> None:
    """Offer the filters to the row templates; called when the app is ready."""
    jinja.FILTERS.update({name: _label(name) for name in _LABELS})
