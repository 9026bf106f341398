"""Bank files: the SEPA transfers that pay refunds outside Amazon, made, handed over, ended."""

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.lists import ListPage, Tab
from invoicing import timeline
from invoicing.finance_filters import BankFileFilters
from invoicing.finance_tables import BankFileTable
from invoicing.models import BankFile

VIEW = "invoicing.view_bankfile"
State = BankFile.State


class BankFileList(ListPage):
    """Every bank file, newest first."""

    table_class = BankFileTable
    filterset_class = BankFileFilters
    row_template = "invoicing/bank_file_row.html"
    permission = VIEW
    title = gettext_lazy("Bank files")
    empty_text = gettext_lazy(
        "Choose approved bank refunds on the refund desk and make a file of them for the bank."
    )
    search_placeholder = gettext_lazy("File or order")
    scope_fields = ("seller__code",)
    file_name = "bank-files"

    def get_rows(self) -> QuerySet:
        """One row a file."""
        return BankFile.objects.values(
            "id", "key", "message_id", "state", "count", "total", "currency", "made_at",
            "executed_on", "seller__name", "made_by__username",
        )  # fmt: skip

    def get_tabs(self) -> list[Tab]:
        """Those the bank has not carried out yet."""
        made = BankFile.objects.order_by().filter(state=State.MADE)
        return [Tab(_("All")), Tab(_("To hand over"), {"state": State.MADE.value}, made)]


@login_required
@permission_required(VIEW, raise_exception=True)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """GET /bank-files/<key>/"""
    return page(request, key)


def page(request: HttpRequest, key, bound: dict | None = None, status: int = 200) -> HttpResponse:
    """Draw the file; ``bound`` is the form of a verb that was posted with errors."""
    related = BankFile.objects.select_related("seller", "made_by", "ended_by").defer("content")
    file = get_object_or_404(related, key=key)
    attempts = file.attempts.select_related("refund__order", "refund__payee").order_by("pk")
    context = {
        "file": file,
        "attempts": attempts,
        "events": timeline.of("invoicing.bankfile", file.pk),
    }
    return render(request, "invoicing/bank_file.html", context, status=status)
