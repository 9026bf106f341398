"""A new RMA: find the order, choose lines and quantities, say why."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.validators import MaxValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.core.refused import Refused
from orders.models import Order, OrderLine
from returns import quantities, verdicts, workflow
from returns.models import RMA, RMALine
from returns.reasons import REASONS
from returns.workflow import LineRequest


def reason_choices() -> list[tuple[str, str]]:
    """Reason codes by their words, each word once, in the reader's alphabet."""
    by_label: dict[str, str] = {}
    for code, reason in REASONS.items():
        by_label.setdefault(gettext(reason.label), code)
    return [("", "–"), *sorted(((code, label) for label, code in by_label.items()), key=_label)]


def _label(choice: tuple[str, str]) -> str:
    return choice[1].casefold()


class LineForm(forms.Form):
    """Units of one order line that come back, and why."""

    order_line_id = forms.IntegerField(widget=forms.HiddenInput)
    quantity = forms.IntegerField(label=_("Units"), min_value=0, initial=0)
    reason_code = forms.ChoiceField(label=_("Reason"), required=False)
    reason_text = forms.CharField(label=_("In the buyer's words"), max_length=500, required=False)
    opened = forms.BooleanField(label=_("Package opened"), required=False)

    def __init__(self, *args, available: int = 0, line=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.line, self.available = line, available
        self.fields["quantity"].widget.attrs["max"] = available
        self.fields["quantity"].validators.append(MaxValueValidator(available))
        self.fields["reason_code"].choices = reason_choices()
        # needed as soon as units come back; a line that stays has none
        self.fields["reason_code"].required = not self.is_bound

    def clean(self):
        """Units and reason come together."""
        data = super().clean()
        if data.get("quantity") and not data.get("reason_code"):
            self.add_error("reason_code", _("Say why these units come back."))
        if data.get("reason_code") and not data.get("quantity"):
            self.add_error("quantity", _("How many units come back?"))
        return data

    def wanted(self) -> LineRequest | None:
        """The request of this line, or None when no unit comes back."""
        data = self.cleaned_data
        if not data["quantity"]:
            return None
        return LineRequest(
            order_line_id=data["order_line_id"],
            quantity=data["quantity"],
            reason_code=data["reason_code"],
            reason_text=data["reason_text"],
            opened=data["opened"],
        )


class HeadForm(forms.Form):
    """What belongs to the whole return."""

    buyer_reference = forms.CharField(label=_("Buyer's reference"), max_length=80, required=False)


@login_required
@permission_required("returns.request_rma", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET /returns/new/?order=…&order=…: choose; POST: request the RMA, or with ``check`` only
    say what the policy thinks (htmx asks for that part alone, while somebody chooses).
    """
    ids = list(dict.fromkeys(p.strip() for p in request.GET.getlist("order") if p.strip()))
    orders = list(
        Order.objects.filter(amazon_order_id__in=ids).select_related(
            "buyer", "marketplace", "seller"
        )
    )
    unknown = sorted(set(ids) - {order.amazon_order_id for order in orders})
    head, lines = HeadForm(request.POST or None), _line_forms(request, orders)
    context = {"orders": orders, "unknown": unknown, "lines": lines, "head": head, "ids": ids}
    if request.method != "POST":
        return render(request, "returns/new.html", context)
    if "check" in request.POST:
        context["verdict"] = _verdict(lines)
        alone = "HX-Request" in request.headers
        return render(request, "returns/_verdict.html" if alone else "returns/new.html", context)
    if done := _request(request, head, lines):
        return redirect("returns:rma", done.number)
    return render(request, "returns/new.html", context, status=422)


def _verdict(forms_: list[LineForm]) -> dict | None:
    """The policy's verdict on what is chosen so far; None while nothing right is chosen."""
    wanted = [(f.wanted(), f.line) for f in forms_ if f.is_valid() and f.wanted()]
    if not wanted or wanted[0][1].order.marketplace is None:
        return None
    order = wanted[0][1].order
    rma = RMA(
        marketplace=order.marketplace,
        buyer=order.buyer,
        currency=order.currency,
        opened_at=timezone.now(),
    )
    lines = [
        RMALine(
            order_line=line,
            position=position,
            requested=one.quantity,
            reason_code=one.reason_code,
            opened=one.opened,
            liability=verdicts.liability_of(one.reason_code),
        )
        for position, (one, line) in enumerate(wanted, start=1)
    ]
    return verdicts.preview(rma, lines).to_json()


def _line_forms(request: HttpRequest, orders: list[Order]) -> list[LineForm]:
    lines = list(
        OrderLine.objects.filter(order__in=orders)
        .select_related("order__marketplace", "order__buyer", "product")
        .order_by("order", "pk")
    )
    left = quantities.returnable_of([line.pk for line in lines])
    return [
        LineForm(
            request.POST or None,
            prefix=f"l{line.pk}",
            initial={"order_line_id": line.pk},
            available=left.get(line.pk, 0),
            line=line,
            use_required_attribute=False,
        )
        for line in lines
    ]


def _all_valid(forms_: list[LineForm]) -> bool:
    """Check every form, so that all errors show at once."""
    return sum(not form.is_valid() for form in forms_) == 0


def _request(request: HttpRequest, head: HeadForm, lines: list[LineForm]):
    if not (head.is_valid() and _all_valid(lines)):
        return None
    wanted = [one for one in (form.wanted() for form in lines) if one]
    if not wanted:
        head.add_error(None, _("Say of at least one line how many units come back."))
        return None
    try:
        rma = workflow.request(
            by=request.user, lines=wanted, buyer_reference=head.cleaned_data["buyer_reference"]
        )
    except Refused as refused:
        head.add_error(None, refused.sentence)
        return None
    messages.success(request, _("%(number)s requested.") % {"number": rma.number})
    return rma
