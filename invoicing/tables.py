"""Columns of the lists of money and papers; rows are drawn by templates/jinja/invoicing/."""

import django_tables2
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

NUM = {"th": {"class": "num"}}
OPT = {"th": {"class": "opt"}}


class RefundTable(django_tables2.Table):
    """The refund desk."""

    order = Column(verbose_name=_("Order and PO"), accessor="order__amazon_order_id")
    origin = Column(verbose_name=_("RMA"))
    buyer = Column(verbose_name=_("Buyer"), accessor="order__buyer__legal_name", attrs=OPT)
    state = Column(verbose_name=_("State"))
    lane = Column(verbose_name=_("Goes by"), attrs=OPT)
    gross = Column(verbose_name=_("Refund"), attrs=NUM)
    proposer = Column(verbose_name=_("Proposed by"), accessor="proposer__username", attrs=OPT)
    document = Column(verbose_name=_("Credit note"), accessor="document__number", attrs=OPT)
    proposed_at = Column(verbose_name=_("Age"), attrs=NUM)


class DocumentTable(django_tables2.Table):
    """Invoices and credit notes."""

    number = Column(verbose_name=_("Number"))
    kind = Column(verbose_name=_("Kind"))
    order = Column(verbose_name=_("Order"), accessor="order__amazon_order_id")
    buyer = Column(verbose_name=_("Buyer"), accessor="buyer__legal_name", attrs=OPT)
    state = Column(verbose_name=_("State"))
    issuer = Column(verbose_name=_("Issued by"), attrs=OPT)
    gross = Column(verbose_name=_("Gross"), attrs=NUM)
    issue_date = Column(verbose_name=_("Date"), attrs=NUM)


class DraftTable(django_tables2.Table):
    """What is not numbered yet, and why."""

    order = Column(verbose_name=_("Draft"), accessor="order__amazon_order_id")
    buyer = Column(verbose_name=_("Buyer"), accessor="buyer__legal_name", attrs=OPT)
    why = Column(verbose_name=_("Why it waits"), accessor="findings")
    step = Column(verbose_name=_("Next step"), accessor="due_at")
    gross = Column(verbose_name=_("Gross"), attrs=NUM)
    created_at = Column(verbose_name=_("Age"), attrs=NUM)


class RunTable(django_tables2.Table):
    """Stored runs of reports."""

    kind = Column(verbose_name=_("Report"))
    date_from = Column(verbose_name=_("Period"))
    scope = Column(verbose_name=_("Seller and marketplace"), accessor="seller__name")
    output_format = Column(verbose_name=_("Format"))
    rows = Column(verbose_name=_("Rows"), attrs=NUM)
    by = Column(verbose_name=_("Run by"), accessor="by__username", attrs=OPT)
    downloads = Column(verbose_name=_("Downloads"), accessor="downloaded", attrs=NUM)
    created_at = Column(verbose_name=_("Age"), attrs=NUM)


class UntiedTable(django_tables2.Table):
    """Refund money that no refund stands for yet."""

    amazon_order_id = Column(verbose_name=_("Order"))
    sku = Column(verbose_name=_("SKU"))
    amount_description = Column(verbose_name=_("What"))
    transaction_type = Column(verbose_name=_("Transaction"), attrs=OPT)
    why = Column(verbose_name=_("Why it waits"), accessor="order__facts_complete")
    amount = Column(verbose_name=_("Amazon amount"), attrs=NUM)
    settlement = Column(
        verbose_name=_("Settlement"), accessor="settlement__settlement_id", attrs=OPT
    )
    posted_on = Column(verbose_name=_("Posted"), attrs=NUM)
