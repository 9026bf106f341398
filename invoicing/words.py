"""Stored codes in words, for the compiled row templates of this room."""

from config.core import jinja
from config.core.reader import word_of
from invoicing import waiting
from invoicing.models.document import Issuer, Kind
from invoicing.models.refund import Source
from invoicing.states import DocumentState, Occasion, RefundState

_CHOICES = {
    "refund_state": RefundState.choices,
    "refund_source": Source.choices,
    "document_kind": Kind.choices,
    "document_state": DocumentState.choices,
    "document_issuer": Issuer.choices,
    "document_occasion": Occasion.choices,
}


def register() -> None:
    """Offer the filters to the row templates; called when the app is ready."""
    jinja.FILTERS.update({name: word_of(choices) for name, choices in _CHOICES.items()})
    jinja.FILTERS.update(
        draft_why=waiting.why, draft_more=waiting.more, draft_step=waiting.next_step
    )
