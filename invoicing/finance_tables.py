"""Columns of finance's lists: exceptions, ledger, feeds, bank files, periods, exchange rates.

Rows are drawn by templates/jinja/invoicing/; refunds and documents are in `tables.py`.
"""

import django_tables2
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from invoicing.tables import NUM, OPT


class ExceptionTable(django_tables2.Table):
    """What does not tie."""

    order = Column(verbose_name=_("Order"), accessor="order__amazon_order_id")
    cause = Column(verbose_name=_("Cause"))
    detail = Column(verbose_name=_("Why"), attrs=OPT, exclude_from_export=True)
    expected = Column(verbose_name=_("Expected"), attrs={"th": {"class": "num opt"}})
    seen = Column(verbose_name=_("At Amazon"), attrs={"th": {"class": "num opt"}})
    difference = Column(verbose_name=_("Difference"), attrs=NUM)
    owner = Column(verbose_name=_("Owner"), accessor="owner__username")
    since = Column(verbose_name=_("Age"), attrs=NUM)


class LedgerTable(django_tables2.Table):
    """Lines of journals."""

    refund = Column(verbose_name=_("Refund"), accessor="journal__refund__order__amazon_order_id")
    kind = Column(verbose_name=_("Booking"), accessor="journal__kind")
    account = Column(verbose_name=_("Account"))
    document = Column(
        verbose_name=_("Credit note"), accessor="journal__refund__document__number", attrs=OPT
    )
    debit = Column(verbose_name=_("Debit"), accessor="amount", attrs=NUM, exclude_from_export=True)
    credit = Column(
        verbose_name=_("Credit"), accessor="amount", attrs=NUM, exclude_from_export=True
    )
    amount = Column(verbose_name=_("Debit (credit negative)"), visible=False)
    currency = Column(verbose_name=_("Currency"), accessor="journal__currency", visible=False)
    period = Column(verbose_name=_("Period"), accessor="journal__period__month", attrs=OPT)
    posted_on = Column(verbose_name=_("Posted"), accessor="journal__posted_on", attrs=NUM)


class FeedTable(django_tables2.Table):
    """Files of refunds for Amazon."""

    feed_id = Column(verbose_name=_("Feed"))
    scope = Column(verbose_name=_("Seller and marketplace"), accessor="seller__name")
    state = Column(verbose_name=_("State"))
    refunds = Column(verbose_name=_("Refunds"), attrs=NUM)
    sentence = Column(verbose_name=_("What is known"), attrs=OPT)
    next_at = Column(verbose_name=_("Next look"), attrs={"th": {"class": "num opt"}})
    created_at = Column(verbose_name=_("Age"), attrs=NUM)


class BankFileTable(django_tables2.Table):
    """SEPA files."""

    message_id = Column(verbose_name=_("File"))
    seller = Column(verbose_name=_("Seller"), accessor="seller__name")
    state = Column(verbose_name=_("State"))
    count = Column(verbose_name=_("Refunds"), attrs=NUM)
    total = Column(verbose_name=_("Total"), attrs=NUM)
    made_by = Column(verbose_name=_("Made by"), accessor="made_by__username", attrs=OPT)
    executed_on = Column(verbose_name=_("Executed"), attrs={"th": {"class": "num opt"}})
    made_at = Column(verbose_name=_("Age"), attrs=NUM)


class PeriodTable(django_tables2.Table):
    """Months of sellers on marketplaces."""

    month = Column(verbose_name=_("Month"))
    seller = Column(verbose_name=_("Seller"), accessor="seller__name")
    marketplace = Column(verbose_name=_("Marketplace"), accessor="marketplace__name")
    state = Column(verbose_name=_("State"))
    journals = Column(verbose_name=_("Journals"), accessor="count", attrs=NUM)
    closed_by = Column(verbose_name=_("Closed by"), accessor="closed_by__username", attrs=OPT)
    closed_at = Column(verbose_name=_("Closed"), attrs={"th": {"class": "num opt"}})


class RateTable(django_tables2.Table):
    """Exchange rates by day."""

    pair = Column(verbose_name=_("Currencies"), accessor="quote")
    rate = Column(verbose_name=_("Rate"), attrs=NUM)
    source = Column(verbose_name=_("Source"))
    day = Column(verbose_name=_("Day"), attrs=NUM)
