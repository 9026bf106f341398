"""Filters of the imports list; they live in the address."""

import django_filters
from django.utils.translation import gettext_lazy as _

from orders.imports import registry
from orders.models import ImportFile


def _types() -> list[tuple[str, str]]:
    return [(t.name, t.title) for t in registry.all_types()]


class ImportFilters(django_filters.FilterSet):
    """Imports by file name, report and outcome."""

    q = django_filters.CharFilter(
        field_name="file_name", lookup_expr="icontains", label=_("File name")
    )
    status = django_filters.ChoiceFilter(choices=ImportFile.Status.choices, label=_("Outcome"))
    report = django_filters.ChoiceFilter(
        field_name="report_type", choices=_types, label=_("Report")
    )

    class Meta:
        model = ImportFile
        fields = ["q", "status", "report"]
