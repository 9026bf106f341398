"""Columns of the room's lists; the cells are drawn by templates/jinja/orders."""

import django_tables2
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

NUMBER = {"th": {"class": "num"}}
OPTIONAL = {"th": {"class": "num opt"}}


class ImportTable(django_tables2.Table):
    """One row an import."""

    file_name = Column(verbose_name=_("File"))
    report_type = Column(verbose_name=_("Report"))
    status = Column(verbose_name=_("Outcome"))
    rows = Column(verbose_name=_("Rows"), attrs=NUMBER)
    inserted = Column(verbose_name=_("New"), attrs=NUMBER)
    updated = Column(verbose_name=_("Updated"), attrs=OPTIONAL)
    unchanged = Column(verbose_name=_("Unchanged"), attrs=OPTIONAL)
    bad = Column(verbose_name=_("Bad"), attrs=NUMBER)
    by = Column(verbose_name=_("By"), accessor="by__username", attrs={"th": {"class": "opt"}})
    created_at = Column(verbose_name=_("Age"), attrs=NUMBER)
