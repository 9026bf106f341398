"""Filters of the lists of money and papers; they live in the address."""

import uuid
from contextlib import suppress

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from invoicing.corrections import to_take_back
from invoicing.delivery import with_problems
from invoicing.einvoice.profiles import PROFILES
from invoicing.models import (
    Artifact,
    Delivery,
    Document,
    IssuingMode,
    LegalHold,
    MoneyFact,
    NumberSeries,
    Refund,
    ReportRun,
)
from invoicing.models.document import Issuer, Kind
from invoicing.models.refund import Lane, Source
from invoicing.payload import EU
from invoicing.sending.needing import needing, needs_person
from invoicing.states import MONEY_LEFT, DocumentState, Occasion, RefundState

_ALIASES = {"GB": ("UK",), "GR": ("EL",)}


class RefundFilters(django_filters.FilterSet):
    """Refunds by order, RMA or Amazon's id, and where they stand."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    state = django_filters.ChoiceFilter(choices=RefundState.choices, label=_("State"))
    second = django_filters.BooleanFilter(
        field_name="needs_second", label=_("Needs a second person")
    )
    source = django_filters.ChoiceFilter(choices=Source.choices, label=_("Decided by"))
    lane = django_filters.ChoiceFilter(choices=Lane.choices, label=_("Goes by"))
    needs = django_filters.BooleanFilter(method="only_needing", label=_("Needs somebody"))
    undocumented = django_filters.BooleanFilter(
        field_name="document", lookup_expr="isnull", label=_("Without a credit note")
    )
    proposed = django_filters.DateFromToRangeFilter(field_name="proposed_at", label=_("Proposed"))

    class Meta:
        model = Refund
        fields = ["q", "state", "second", "source", "lane", "needs", "undocumented", "proposed"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id, an RMA number, a PO number, Amazon's refund id, or the
        refund's key as reports write it.
        """
        value = value.strip()
        with suppress(ValueError):
            return rows.filter(key=uuid.UUID(value))
        return rows.filter(
            Q(order__amazon_order_id__startswith=value)
            | Q(origin__iexact=value)
            | Q(order__po_number__iexact=value)
            | Q(amazon_refund_id=value)
        )

    def only_needing(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Refunds a person must look after, as Today counts them; or all others."""
        return rows.filter(needing()) if value else rows.exclude(pk__in=needs_person().values("pk"))


def _countries() -> list[tuple[str, str]]:
    return [(code, code) for code in sorted(EU | {"GB", "US", "CA", "JP"})]


class DocumentFilters(django_filters.FilterSet):
    """Documents by number, order or RMA; by what they are, where they go and what stops them."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"))
    state = django_filters.ChoiceFilter(choices=DocumentState.choices, label=_("State"))
    occasion = django_filters.ChoiceFilter(choices=Occasion.choices, label=_("Occasion"))
    series = django_filters.ModelChoiceFilter(
        queryset=NumberSeries.objects.order_by("pattern"), label=_("Number series")
    )
    country = django_filters.ChoiceFilter(
        choices=_countries, method="only_country", label=_("Delivered to")
    )
    profile = django_filters.ChoiceFilter(
        choices=[(one.key, one.label) for one in PROFILES.values()],
        method="only_profile",
        label=_("E-invoice"),
    )
    issuer = django_filters.ChoiceFilter(choices=Issuer.choices, label=_("Issued by"))
    mode = django_filters.ChoiceFilter(
        choices=IssuingMode.Issuer.choices[1:], label=_("Figures from")
    )
    blocked = django_filters.BooleanFilter(method="only_blocked", label=_("With findings"))
    delivery = django_filters.ChoiceFilter(
        choices=Delivery.State.choices, method="only_delivery", label=_("Delivery")
    )
    needs = django_filters.ChoiceFilter(
        choices=[
            ("delivery", _("Delivery in trouble")),
            ("reversal", _("Credit note to reverse")),
        ],
        method="only_needing",
        label=_("Needs somebody"),
    )
    held = django_filters.BooleanFilter(method="only_held", label=_("On legal hold"))
    issued = django_filters.DateFromToRangeFilter(field_name="issue_date", label=_("Date"))

    class Meta:
        model = Document
        fields = ["q", "kind", "state", "occasion", "series", "country", "profile", "issuer",
                  "mode", "blocked", "delivery", "needs", "held", "issued"]  # fmt: skip

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of a number or an order id, or an RMA number."""
        value = value.strip()
        return rows.filter(
            Q(number__istartswith=value)
            | Q(order__amazon_order_id__startswith=value)
            | Q(origin__iexact=value)
        )

    def only_blocked(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Drafts the gate found something on."""
        drafts = rows.filter(state=DocumentState.DRAFT)
        return drafts.exclude(findings=[]) if value else rows.filter(findings=[])

    def only_country(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The country the goods went to, however Amazon writes it."""
        return rows.filter(order__ship_country__in=[value, *_ALIASES.get(value, ())])

    def only_profile(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Documents of which this kind of file is stored."""
        files = Artifact.objects.filter(document=OuterRef("pk"), kind=value)
        return rows.filter(Exists(files))

    def only_delivery(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Documents with a hand-over in this state."""
        return rows.filter(Exists(Delivery.objects.filter(document=OuterRef("pk"), state=value)))

    def only_needing(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Issued documents that somebody must do something about."""
        if value == "delivery":
            return rows.filter(Exists(with_problems().filter(document=OuterRef("pk")).order_by()))
        return rows.filter(pk__in=to_take_back().order_by().values("pk"))

    def only_held(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Documents that must stay whatever their age."""
        held = Exists(LegalHold.objects.filter(document=OuterRef("pk"), lifted_at=None))
        return rows.filter(held if value else ~held)


class DraftFilters(django_filters.FilterSet):
    """Drafts by order or RMA, kind, and what stops them."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"))
    occasion = django_filters.ChoiceFilter(choices=Occasion.choices, label=_("Occasion"))
    waits = django_filters.ChoiceFilter(
        choices=[
            ("findings", _("Something is missing")),
            ("due", _("In line")),
            ("refund", _("Its refund")),
            ("nobody", _("Nobody asked yet")),
        ],
        method="only_waiting",
        label=_("Waits for"),
    )
    rule = django_filters.CharFilter(method="only_rule", label=_("Rule"))

    class Meta:
        model = Document
        fields = ["q", "kind", "occasion", "waits", "rule"]

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The beginning of an order id or a buyer's name, or an RMA number."""
        value = value.strip()
        return rows.filter(
            Q(order__amazon_order_id__startswith=value)
            | Q(buyer__legal_name__istartswith=value)
            | Q(origin__iexact=value)
        )

    def only_waiting(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """What a draft waits for, in the order of `waiting.why`."""
        return waiting_for(rows, value)

    def only_rule(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Drafts stopped by the rule of this id."""
        return rows.filter(findings__contains=[{"code": value.strip()}])


def waiting_for(rows: QuerySet, what: str) -> QuerySet:
    """Drafts that wait for findings to be cleared, their turn, their refund, or somebody."""
    if what == "findings":
        return rows.exclude(findings=[])
    clean = rows.filter(findings=[])
    unsent = Q(kind=Kind.CREDIT_NOTE, refund__isnull=False) & ~Q(refund__state__in=MONEY_LEFT)
    unsent |= Q(occasion=Occasion.FEE, due_at=None)
    if what == "refund":
        return clean.filter(unsent)
    return clean.exclude(unsent).filter(due_at__isnull=what == "nobody")


class RunFilters(django_filters.FilterSet):
    """Runs by kind, file name and format."""

    q = django_filters.CharFilter(
        field_name="file_name", lookup_expr="icontains", label=_("File name")
    )
    kind = django_filters.ChoiceFilter(choices=ReportRun.Kind.choices, label=_("Report"))
    output_format = django_filters.ChoiceFilter(
        choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pdf", "PDF")], label=_("Format")
    )

    class Meta:
        model = ReportRun
        fields = ["q", "kind", "output_format"]


class UntiedFilters(django_filters.FilterSet):
    """Untied money by order and source."""

    q = django_filters.CharFilter(
        field_name="amazon_order_id", lookup_expr="startswith", label=_("Order id")
    )
    source = django_filters.ChoiceFilter(choices=MoneyFact.Source.choices, label=_("Source"))

    class Meta:
        model = MoneyFact
        fields = ["q", "source"]
