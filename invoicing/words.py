"""Stored codes in words, for the compiled row templates of this room."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from config.core import display, jinja
from config.core.reader import word_of
from invoicing import waiting
from invoicing.finance_forms import RESOLUTIONS
from invoicing.models import Account, BankFile, Journal, MoneyFact, Period, ReportRun
from invoicing.models.document import Issuer, Kind
from invoicing.models.match import Cause, Result
from invoicing.models.refund import Lane, Source
from invoicing.sending import needing
from invoicing.states import (
    AttemptState,
    Component,
    DocumentState,
    FeedState,
    Occasion,
    RefundState,
)

_SOME_KEY = "00000000-0000-0000-0000-000000000000"

_CHOICES = {
    "refund_state": RefundState.choices,
    "refund_source": Source.choices,
    "document_kind": Kind.choices,
    "document_state": DocumentState.choices,
    "document_issuer": Issuer.choices,
    "document_occasion": Occasion.choices,
    "lane": Lane.choices,
    "component": Component.choices,
    "attempt_state": AttemptState.choices,
    "feed_state": FeedState.choices,
    "bank_file_state": BankFile.State.choices,
    "match_cause": Cause.choices,
    "match_result": Result.choices,
    "resolution": RESOLUTIONS,
    "account": Account.choices,
    "journal_kind": Journal.Kind.choices,
    "period_state": Period.State.choices,
    "report_kind": ReportRun.Kind.choices,
    "money_source": MoneyFact.Source.choices,
    "money_bucket": MoneyFact.Bucket.choices,
}


def register() -> None:
    """Offer the filters to the row templates; called when the app is ready."""
    jinja.FILTERS.update({name: word_of(choices) for name, choices in _CHOICES.items()})
    jinja.FILTERS.update(
        draft_why=waiting.why,
        draft_more=waiting.more,
        draft_step=waiting.next_step,
        why_url=why_url,
        match_why=match_why,
        needs_why=needing.why,
        percent=display.percent,
    )


def why_url(key: UUID | str) -> str:
    """Where a refund's amount is explained: the room above has a page of its own for it."""
    return _why_pattern(settings.ROOT_URLCONF).replace(_SOME_KEY, str(key))


@cache
def _why_pattern(urlconf: str) -> str:
    try:
        return reverse("returns:why", args=[_SOME_KEY], urlconf=urlconf)
    except NoReverseMatch:
        return reverse("invoicing:refund", args=[_SOME_KEY], urlconf=urlconf)


def match_why(detail: Mapping[str, Any]) -> str:
    """The sentence of an exception in the reader's language, "" where there is none."""
    return waiting.in_words(detail) if detail.get("template") else ""
