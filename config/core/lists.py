"""The one list page of the portal: columns, filters, keyset paging, bulk bar, CSV, htmx region.

How to make a list (everything else is inherited)::

    class OrderTable(django_tables2.Table):          # columns only; its own rendering is not used
        order_id = Column(verbose_name=_("Order"))   # name = key of the row dict and of the sort
        total = Column(verbose_name=_("Total"), attrs={"th": {"class": "num"}})   # right-aligned
        po = Column(verbose_name=_("PO"), attrs={"th": {"class": "opt"}})  # hidden on a phone
        buyer = Column(verbose_name=_("Buyer"), accessor="buyer__legal_name")  # key in the row

    class OrderList(ListPage):
        table_class = OrderTable
        filterset_class = OrderFilters               # a filter named ``q`` is the search box
        row_template = "orders/order_row.html"       # templates/jinja/orders/order_row.html
        permission = "orders.view_order"
        title, empty_text = _("Orders"), _("Import the all-orders report to fill this list.")
        default_sort, sorts = "-purchased_at", {"purchased_at": "purchased_at"}  # indexed columns
        scope_fields = ("seller__code", "marketplace__code")

        def get_rows(self):                          # values(): id, sort columns, template's keys
            return Order.objects.values("id", "order_id", "purchased_at", "total", …)

The row template draws the cells only, one for each column, the first as ``<th scope="row">`` with
the link that Enter opens (see templates/jinja/core/example_row.html); it gets ``row`` (dict) and
``columns`` (name → Column) and the filters money, age, date, state_badge, copy_id and ``url()``.
Each row's ``id`` is posted as ``ids`` by the bulk bar. Index each sort as (column, id).
Budget: session, person, rows, and one for the count and the tabs' = 4 queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View
from django_tables2 import Table

from config.core import csvfile, filterbar, keyset
from config.core.listquery import ListQuery
from config.core.reader import reading

REGION = "core/list_region.html"
BAR = "core/filter_bar.html"
TAB_CAP = 999


@dataclass
class Tab:
    """A saved view as a link: it sets ``params`` and clears those of its sister tabs. ``rows``
    are what the list shows there; they are counted, up to a cap.
    """

    label: str
    params: Mapping[str, str] = field(default_factory=dict)
    rows: QuerySet | None = None
    count: int | None = None
    url: str = ""
    active: bool = False


@dataclass(frozen=True)
class BulkAction:
    """A button over the chosen rows; posts their ``ids`` to ``url`` after the confirm sentence."""

    name: str
    label: str
    url: str
    permission: str = ""
    confirm: str = ""


@dataclass(frozen=True)
class HeaderAction:
    """A link in the page's header; at most one of a page is ``primary``."""

    label: str
    url: str
    primary: bool = False


@dataclass(frozen=True)
class Column:
    """A table head: ``css`` holds ``num`` and ``opt``; ``sort_url`` is empty if not sortable."""

    name: str
    label: str
    css: str = ""
    sort_url: str = ""
    aria_sort: str = ""


class ListPage(LoginRequiredMixin, PermissionRequiredMixin, View):
    """A list of rows. Subclasses declare; see the module's text."""

    table_class: type[Table]
    filterset_class: type | None = None
    row_template: str
    template_name = "core/list.html"
    permission: str
    title: Any = ""
    empty_text: Any = ""
    search_placeholder: Any = _("Search")
    default_sort = "-id"
    sorts: Mapping[str, str] = {}
    scope_fields: tuple[str, ...] = ()
    quick_filters: tuple[str, ...] = ()
    file_name = "list"
    page_size = keyset.SIZE

    def get_rows(self) -> QuerySet:
        """The base queryset as ``.values(...)``; never model instances."""
        raise NotImplementedError

    def get_tabs(self) -> list[Tab] | None:
        """Saved views above the table."""
        return None

    def get_bulk_actions(self) -> list[BulkAction]:
        """Buttons of the bulk bar; those without permission are left out."""
        return []

    def get_header_actions(self) -> list[HeaderAction]:
        """Links beside the title."""
        return []

    def get_csv_row(self, row: dict, columns: list[str]) -> list[Any]:
        """The cells of one CSV line: the row's values by each column's accessor, else its name."""
        return [row[name] for name in columns]

    def get_context(self, **extra: Any) -> dict[str, Any]:
        """The context of ``template_name``; ``region`` and ``filter_bar`` are drawn already."""
        return {
            "title": self.title,
            "header_actions": self.get_header_actions(),
            "filter_bar": self._draw(BAR, self._bar()),
            **self.get_region(),
            **extra,
        }

    def get_permission_required(self) -> tuple[str, ...]:
        """Django's mixin asks here."""
        return (self.permission,)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, its table region alone (htmx), or the whole filtered list as CSV."""
        self._rows = self.get_rows()
        self.query = ListQuery(
            request,
            model=self._rows.model,
            filterset=self.filterset_class,
            scope_fields=self.scope_fields,
            sorts=self.sorts,
            default_sort=self.default_sort,
        )
        if request.GET.get("export") == "csv":
            return self._csv()
        if self._only_region:
            response = HttpResponse(self.get_region()["region"])
        else:
            response = render(request, self.template_name, self.get_context())
        patch_vary_headers(response, ("HX-Request", "HX-Target"))
        return response

    @property
    def _only_region(self) -> bool:
        headers = self.request.headers
        return headers.get("HX-Target") == "list" and "HX-History-Restore-Request" not in headers

    def get_region(self) -> dict[str, Any]:
        """The swapped part of the page: tabs, pills, status, table, pager, bulk bar."""
        rows, query, given = self.filtered_rows(), self.query, self.request.GET
        page = keyset.page(
            rows, query.sort_column, given.get("after", ""), given.get("before", ""), self.page_size
        )
        self._require_columns(page.rows)
        tabs = self._tabs()
        count = self._count(rows, page, tabs)
        context = {
            "rows": page.rows,
            "columns": {column.name: column for column in self._columns()},
            "row_template": self.row_template,
            "title": self.title,
            "empty_text": self.empty_text,
            "status": count_text(count),
            "tabs": tabs,
            "pills": self._pills(),
            "problems": self._problems(),
            "sort": query.sort if query.sort != query.default_sort else "",
            "bulk_actions": [a for a in self.get_bulk_actions() if self._may(a.permission)],
            "next_url": page.next and query.link(after=page.next),
            "previous_url": page.previous and query.link(before=page.previous),
            "first_url": page.previous and query.link(),
            "clear_url": query.cleared(),
            "csv_url": query.link(export="csv"),
            "is_region": self._only_region,
        }
        return {"region": self._draw(REGION, context), "status": context["status"]}

    def filtered_rows(self) -> QuerySet:
        """``get_rows`` with the scope and the filters of the address applied; unsorted."""
        rows, query = self._rows, self.query
        for name, path in query.scopes.items():
            if name in query.params:
                rows = rows.filter(**{path: query.params[name][0]})
        self._filterset = None
        if self.filterset_class and query.is_filtered:
            data = self.request.GET.copy()
            for name in query.scopes:
                data.pop(name, None)
            self._filterset = self.filterset_class(data, queryset=rows, request=self.request)
            rows = self._filterset.qs
        return rows

    def _columns(self) -> list[Column]:
        shown, query = [], self.query
        for name, column in self.table_class.base_columns.items():
            if not column.visible:
                continue
            css = column.attrs.get("th", {}).get("class", "")
            url = aria = ""
            if name in self.sorts:
                is_current, descending = query.sort.lstrip("-") == name, query.sort.startswith("-")
                aria = ("descending" if descending else "ascending") if is_current else "none"
                url = query.link(sort=name if is_current and descending else f"-{name}")
            label = name if column.verbose_name is None else str(column.verbose_name)
            shown.append(Column(name, label, css, url, aria))
        return shown

    def _tabs(self) -> list[Tab]:
        tabs, query = self.get_tabs() or [], self.query
        keys = {key for tab in tabs for key in tab.params}
        for tab in tabs:
            wanted = {key: [str(tab.params[key])] if key in tab.params else [] for key in keys}
            tab.active = all(query.params.get(key, []) == wanted[key] for key in keys)
            tab.url = query.link(drop=keys, **tab.params)
        return tabs

    def _pills(self) -> list[filterbar.Pill]:
        return [
            filterbar.Pill(one.label, one.word(value), self.query.without(one.name, value))
            for one in self.query.fields
            for value in self.query.params.get(one.name, [])
        ]

    def _problems(self) -> list[str]:
        """What is wrong with a filter's value, as sentences; such a filter is not applied."""
        if self._filterset is None or not self._filterset.errors:
            return []
        return [
            f"{filterbar.label_of(self.filterset_class, name)}: {' '.join(map(str, errors))}"
            for name, errors in self._filterset.errors.items()
        ]

    def _bar(self) -> dict[str, Any]:
        fields = self.query.fields
        for one in fields:
            one.values = self.query.params.get(one.name, [])
            one.quick = one.quick or one.name in self.quick_filters
        more = [one for one in fields if not one.quick and one.kind != "search"]
        return {
            "title": self.title,
            "search": next((one for one in fields if one.kind == "search"), None),
            "quick": [one for one in fields if one.quick],
            "more": more,
            "active_more": sum(bool(one.values) for one in more),
            "placeholder": self.search_placeholder,
            "scopes": self.query.scopes,
            "path": self.request.path,
        }

    def _count(self, rows: QuerySet, page: keyset.Page, tabs: list[Tab]) -> int:
        """Count the list, unless it is all on this page, and the tabs' rows: in one query."""
        shown = [tab for tab in tabs if tab.rows is not None]
        asked = [keyset.countable(tab.rows, TAB_CAP) for tab in shown]
        in_full = not page.next and not page.previous
        counts = count_each(asked if in_full else [*asked, keyset.countable(rows)])
        for tab, count in zip(shown, counts, strict=False):
            tab.count = count
        return len(page.rows) if in_full else counts[-1]

    def _require_columns(self, rows: list[dict]) -> None:
        if rows and not {"id", self.query.sort_column.lstrip("-")} <= rows[0].keys():
            raise ImproperlyConfigured(
                f"{type(self).__name__}.get_rows() must name id and the column of each sort."
            )

    def _may(self, permission: str) -> bool:
        return not permission or self.request.user.has_perm(permission)

    def _draw(self, template: str, context: dict[str, Any]) -> str:
        with reading():
            return engines["jinja2"].get_template(template).render(context, self.request)

    def _csv(self) -> HttpResponse:
        columns = {
            str(column.accessor or name): str(column.verbose_name or name)
            for name, column in self.table_class.base_columns.items()
            if not column.exclude_from_export
        }
        rows = keyset.ordered(self.filtered_rows(), self.query.sort_column)
        names = list(columns)
        return csvfile.response(
            f"{self.file_name}.csv",
            columns.values(),
            (self.get_csv_row(row, names) for row in rows.iterator(chunk_size=csvfile.CHUNK)),
        )


def count_text(count: int) -> str:
    """The number of results as a sentence; above the cap "10,000+ results"."""
    if count > keyset.COUNT_CAP:
        return gettext("%(count)s+ results") % {"count": f"{keyset.COUNT_CAP:,}"}
    if count == 1:
        return gettext("1 result")
    return gettext("%(count)s results") % {"count": f"{count:,}"}


def capped_counts(querysets: Mapping[Any, QuerySet], cap: int = TAB_CAP) -> dict[Any, int]:
    """Counts of several querysets in one query, each at most ``cap`` + 1."""
    counts = count_each([keyset.countable(rows, cap) for rows in querysets.values()])
    return dict(zip(querysets, counts, strict=True))


def count_each(querysets: Sequence[QuerySet]) -> Sequence[int]:
    """The number of rows of each queryset, asked in one query."""
    if not querysets:
        return []
    connection = connections[querysets[0].db]
    parts, params = [], []
    for rows in querysets:
        compiler = rows.query.get_compiler(connection=connection, elide_empty=False)
        sql, values = compiler.as_sql()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")
        params += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        return cursor.fetchone()
