"""Activity: the trail as a list; who did what to which thing, when, and in which request."""

import django_filters
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.utils.translation import gettext_lazy as _

from config.core.lists import ListPage
from config.core.models import TrailEvent
from returns import timeline, words_of_verbs
from returns.models import RMA
from returns.tables import ActivityTable


class ActivityFilters(django_filters.FilterSet):
    """The trail by person, verb, thing, case, day and request."""

    q = django_filters.CharFilter(method="by_case", label=_("RMA number"))
    who = django_filters.CharFilter(field_name="context__name", label=_("User name"))
    verb = django_filters.CharFilter(field_name="context__verb", label=_("Verb"))
    model = django_filters.ChoiceFilter(choices=list(timeline.THINGS.items()), label=_("Thing"))
    obj = django_filters.CharFilter(field_name="obj", label=_("Row id"))
    day = django_filters.DateFromToRangeFilter(field_name="at", label=_("Day"))
    request = django_filters.CharFilter(field_name="context__request_id", label=_("Request id"))

    class Meta:
        model = TrailEvent
        fields = ["q", "who", "verb", "model", "obj", "day", "request"]

    def by_case(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Everything that happened on one case, its refunds and documents too."""
        number = value.strip().upper()
        case = RMA.objects.filter(number=number).values_list("pk", flat=True).first()
        of_case = rows.filter(origin=number)
        return of_case | rows.filter(rma_id=case) if case else of_case


class Activity(ListPage):
    """Every change of every tracked row, newest first."""

    table_class = ActivityTable
    filterset_class = ActivityFilters
    row_template = "returns/activity_row.html"
    permission = "core.view_trailevent"
    title = _("Activity")
    empty_text = _("Every change appears here with who made it, why, and in which request.")
    search_placeholder = _("RMA number")
    default_sort = "-at"
    sorts = {"at": "at"}
    quick_filters = ("model",)
    file_name = "activity"

    def get_rows(self) -> QuerySet:
        """One row a change."""
        number = RMA.objects.filter(pk=OuterRef("rma_id")).values("number")
        return TrailEvent.objects.annotate(
            id=F("key"),
            who=KT("context__name"),
            verb=KT("context__verb"),
            reason=KT("context__reason"),
            request_id=KT("context__request_id"),
            number=Subquery(number),
        ).values(
            "id", "at", "model", "obj", "label", "rma_id", "origin",
            "who", "verb", "reason", "request_id", "number",
        )  # fmt: skip

    def get_csv_row(self, row: dict, columns: list[str]) -> list:
        """With the case's number and the verb in words."""
        case = row["number"] or row["origin"]
        said = {**row, "case": case, "verb": words_of_verbs.past(row["verb"] or "")}
        return super().get_csv_row(said, columns)
