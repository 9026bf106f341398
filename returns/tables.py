"""Columns of the returns lists; rows are drawn by templates/jinja/returns/."""

import django_tables2
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

NUM = {"th": {"class": "num"}}
OPT = {"th": {"class": "opt"}}


class QueueTable(django_tables2.Table):
    """The returns queue."""

    number = Column(verbose_name=_("RMA"))
    buyer = Column(verbose_name=_("Buyer and PO"), accessor="buyer__legal_name")
    state = Column(verbose_name=_("State"))
    next_step = Column(verbose_name=_("Next step"))
    reason = Column(verbose_name=_("Reason"), attrs=OPT)
    value = Column(verbose_name=_("Value"), attrs=NUM)
    owner = Column(verbose_name=_("Owner"), accessor="owner__username", attrs=OPT)
    marketplace = Column(  # shown beside the buyer, a column of its own in the sheet
        verbose_name=_("Marketplace"), accessor="marketplace__code", visible=False
    )
    due_at = Column(verbose_name=_("Due"), attrs=NUM)
    opened_at = Column(verbose_name=_("Age"), attrs=NUM)


class BuyerTable(django_tables2.Table):
    """Buyers with their open returns and their return rate."""

    legal_name = Column(verbose_name=_("Buyer"))
    kind = Column(verbose_name=_("Type"), attrs=OPT)
    country = Column(verbose_name=_("Country"), attrs=OPT)
    ordered = Column(verbose_name=_("Ordered, 90 d"), attrs=NUM)
    returned = Column(verbose_name=_("Returned, 90 d"), attrs=NUM)
    rate = Column(verbose_name=_("Return rate"), attrs=NUM)
    watched = Column(verbose_name=_("Watch"))


class OrderTable(django_tables2.Table):
    """Orders as Amazon gave them, with what came back."""

    amazon_order_id = Column(verbose_name=_("Order"))
    buyer = Column(verbose_name=_("Buyer and PO"), accessor="buyer__legal_name")
    marketplace = Column(verbose_name=_("Marketplace"), accessor="marketplace__code", attrs=OPT)
    status = Column(verbose_name=_("Status"))
    channel = Column(verbose_name=_("Fulfilled by"), attrs=OPT)
    rmas = Column(verbose_name=_("Returns"))
    gross_total = Column(verbose_name=_("Paid"), attrs=NUM)
    purchased_at = Column(verbose_name=_("Ordered"), attrs=NUM)


class ActivityTable(django_tables2.Table):
    """The trail, one row a change."""

    at = Column(verbose_name=_("When"))
    who = Column(verbose_name=_("Who"))
    verb = Column(verbose_name=_("What happened"))
    model = Column(verbose_name=_("To what"))
    case = Column(verbose_name=_("Case"))
    reason = Column(verbose_name=_("Reason"), attrs=OPT)
    request_id = Column(verbose_name=_("Request"), attrs=OPT)


class IdentityTable(django_tables2.Table):
    """Order lines whose code a person has to decide, or has decided."""

    amazon_order_id = Column(verbose_name=_("Order"), accessor="order__amazon_order_id")
    sku = Column(verbose_name=_("Item"))
    quantity = Column(verbose_name=_("Units"), attrs=NUM)
    paid = Column(verbose_name=_("Item price"), attrs=NUM)
    order_item_id = Column(verbose_name=_("Item id"))
    codes = Column(verbose_name=_("Amazon's item ids and their money"))


class WaitingTable(django_tables2.Table):
    """Amazon's returns that are no RMA yet."""

    amazon_order_id = Column(verbose_name=_("Order"), accessor="order__amazon_order_id")
    sku = Column(verbose_name=_("Item"))
    quantity = Column(verbose_name=_("Units"), attrs=NUM)
    amazon_rma_id = Column(verbose_name=_("Amazon's RMA id"))
    since = Column(verbose_name=_("Since"))
    why = Column(verbose_name=_("What to do"))
