"""Exchange rates: what is stored, one more by hand, and the file of the European Central Bank."""

import io

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.core.lists import HeaderAction, ListPage
from config.core.refused import Refused
from invoicing import fx
from invoicing.finance_filters import RateFilters
from invoicing.finance_forms import RateFileForm, RateForm
from invoicing.finance_tables import RateTable
from invoicing.models import FxRate

ADD = "invoicing.add_fxrate"


class RateList(ListPage):
    """Every stored rate, newest day first."""

    table_class = RateTable
    filterset_class = RateFilters
    row_template = "invoicing/rate_row.html"
    permission = "invoicing.view_fxrate"
    title = gettext_lazy("Exchange rates")
    empty_text = gettext_lazy("Read the euro reference rates of the European Central Bank.")
    search_placeholder = gettext_lazy("Currency, such as USD")
    default_sort = "-day"
    sorts = {"day": "day"}
    file_name = "exchange-rates"

    def get_rows(self) -> QuerySet:
        """One row a rate."""
        return FxRate.objects.values("id", "base", "quote", "day", "rate", "source")

    def get_header_actions(self) -> list[HeaderAction]:
        """More rates, for those who may."""
        if not self.request.user.has_perm(ADD):
            return []
        return [HeaderAction(_("Add rates"), reverse("invoicing:rate-new"), primary=True)]


@login_required
@permission_required(ADD, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET and POST /rates/new/: the bank's file, or one rate by hand."""
    one = "quote" in request.POST
    posted = request.method == "POST"
    file_form = RateFileForm(request.POST, request.FILES) if posted and not one else RateFileForm()
    form = RateForm(request.POST) if posted and one else RateForm()
    chosen = form if one else file_form
    if posted and chosen.is_valid():
        try:
            messages.success(request, _add(form, request) if one else _read(file_form, request))
            return redirect("invoicing:rates")
        except Refused as refused:
            messages.error(request, refused.sentence)
    status = 422 if posted else 200
    context = {"form": form, "file_form": file_form}
    return render(request, "invoicing/rate_new.html", context, status=status)


def _add(form: RateForm, request: HttpRequest) -> str:
    fx.add_rate(by=request.user, **form.cleaned_data)
    return _("The rate is stored.")


def _read(form: RateFileForm, request: HttpRequest) -> str:
    """Read the uploaded file from the chosen day on; another encoding is another file."""
    try:
        text = form.cleaned_data["file"].read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("rate_file", _("This is not the ECB's file: it is no UTF-8 text.")) from error
    since = form.cleaned_data["since"]
    count = fx.import_ecb(io.StringIO(text, newline=""), by=request.user, since=since)
    return ngettext("%(n)d rate stored.", "%(n)d rates stored.", count) % {"n": count}
