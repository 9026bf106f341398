"""Columns and filters of the lists of settlements and of one settlement's rows.

Their pages are in ``views/settlements.py``; rows are drawn by templates/jinja/invoicing/.
"""

import django_filters
import django_tables2
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from invoicing.models import MoneyFact, Settlement
from invoicing.tables import NUM, OPT


class SettlementTable(django_tables2.Table):
    """One row a settlement."""

    settlement_id = Column(verbose_name=_("Settlement"))
    seller = Column(verbose_name=_("Seller"), accessor="seller__name")
    starts_at = Column(verbose_name=_("From"), attrs={"th": {"class": "num opt"}})
    ends_at = Column(verbose_name=_("To"), attrs={"th": {"class": "num opt"}})
    import_file = Column(
        verbose_name=_("Imported with"), accessor="import_file__file_name", attrs=OPT
    )
    total = Column(verbose_name=_("Total of the file"), attrs=NUM)
    currency = Column(verbose_name=_("Currency"), visible=False)
    deposited_at = Column(verbose_name=_("Deposited"), attrs=NUM)


class SettlementFilters(django_filters.FilterSet):
    """Settlements by number and day of the deposit."""

    q = django_filters.CharFilter(
        field_name="settlement_id", lookup_expr="startswith", label=_("Settlement")
    )
    deposited = django_filters.DateFromToRangeFilter(
        field_name="deposited_at", label=_("Deposited")
    )

    class Meta:
        model = Settlement
        fields = ["q", "deposited"]


class SettlementRowTable(django_tables2.Table):
    """One row an amount of the file."""

    amount_description = Column(verbose_name=_("What"))
    transaction_type = Column(verbose_name=_("Transaction"), visible=False)
    bucket = Column(verbose_name=_("Whose money"))
    order = Column(verbose_name=_("Order"), accessor="amazon_order_id")
    sku = Column(verbose_name=_("SKU"), attrs=OPT)
    refund = Column(verbose_name=_("Stands for"), accessor="refund__key")
    amount = Column(verbose_name=_("Amount"), attrs=NUM)
    currency = Column(verbose_name=_("Currency"), visible=False)
    posted_on = Column(verbose_name=_("Posted"), attrs=NUM)


class SettlementRowFilters(django_filters.FilterSet):
    """Rows of one settlement by whose money it is, transaction, order or SKU."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    bucket = django_filters.ChoiceFilter(choices=MoneyFact.Bucket.choices, label=_("Whose money"))
    transaction = django_filters.CharFilter(field_name="transaction_type", label=_("Transaction"))

    class Meta:
        model = MoneyFact
        fields = ["q", "bucket", "transaction"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, Amazon's refund id, or a SKU."""
        value = value.strip()
        return rows.filter(
            Q(amazon_order_id__startswith=value) | Q(adjustment_id=value) | Q(sku=value)
        )
