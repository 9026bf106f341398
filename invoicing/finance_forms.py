"""The forms of exceptions, bank files, periods, exchange rates and money without a refund.

Rules live in the verbs; the forms of refunds, documents and reports are in `forms.py`.
"""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.core.models import User
from config.core.money import format_money
from config.core.roles import FINANCE
from invoicing.matches import rules
from invoicing.models import Refund
from invoicing.models.refund import Lane, Source
from invoicing.sending import lanes
from invoicing.states import RefundState
from orders.models import OrderLine

PAID = (RefundState.SENDING, RefundState.UNKNOWN, RefundState.SENT, RefundState.CONFIRMED)
CHOICES_AT_MOST = 50
RATES_BACK = timedelta(days=400)
FILE_AT_MOST = 8 * 2**20  # the ECB's history since 1999 has 0.6 MB


def day_field(label, **more) -> forms.DateField:
    """A day, as browsers pick it."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


def _text(label, length: int = 500, **more) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=length, widget=forms.Textarea(attrs={"rows": 2}), **more
    )


class RateForm(forms.Form):
    """One published rate."""

    quote = forms.CharField(label=_("Currency"), min_length=3, max_length=3)
    day = day_field(_("Day"))
    rate = forms.DecimalField(
        label=_("Units for one euro"), max_digits=18, decimal_places=8, min_value=Decimal(0)
    )
    source = forms.CharField(
        label=_("Source"), max_length=80, help_text=_("Who published it, such as HMRC.")
    )

    def clean_quote(self) -> str:
        """Codes are written in capitals."""
        return self.cleaned_data["quote"].upper()


class RateFileForm(forms.Form):
    """The file of the European Central Bank."""

    file = forms.FileField(
        label=_("File"), help_text=_("eurofxref-hist.csv of the European Central Bank, unzipped.")
    )
    since = day_field(_("Read from"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["since"].initial = timezone.localdate() - RATES_BACK

    def clean_file(self):
        """A whole history is small; what is much bigger is another file."""
        file = self.cleaned_data["file"]
        if file.size > FILE_AT_MOST:
            raise forms.ValidationError(_("This file is too big to be the ECB's."))
        return file


class ExecutedForm(forms.Form):
    """The bank carried the file out."""

    on = day_field(_("Executed on"), help_text=_("The day on the bank statement."))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["on"].initial = timezone.localdate


class PaidForm(forms.Form):
    """The bank statement shows the transfer."""

    on = day_field(_("Booked on"))
    reference = forms.CharField(
        label=_("Reference"), max_length=140, help_text=_("As the bank statement names it.")
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["on"].initial = timezone.localdate


class LaneForm(forms.Form):
    """Another way for a refund; a bank transfer needs an account."""

    lane = forms.ChoiceField(label=_("Way"))
    name = forms.CharField(
        label=_("Account holder"), max_length=70, required=False,
        help_text=_("For a bank transfer only."),
    )  # fmt: skip
    iban = forms.CharField(label=_("IBAN"), max_length=42, required=False)
    bic = forms.CharField(label=_("BIC"), max_length=11, required=False)
    reason = _text(_("Reason"))

    def __init__(self, *args, refund: Refund, **kwargs):
        super().__init__(*args, **kwargs)
        now = lanes.basis_now(refund)
        self.fields["lane"].choices = [
            (lane.key, lane.label)
            for lane in lanes.lanes()
            if lane.key != refund.lane or not lane.by_amazon or lanes.other_basis(refund, now)
        ]

    def call(self) -> dict:
        """The keywords of ``refunds.change_lane``: an account where one was entered."""
        given = self.cleaned_data
        payee = {name: given[name] for name in ("name", "iban", "bic")}
        found = {"lane": given["lane"], "reason": given["reason"]}
        return found | ({"payee": payee} if payee["name"] or payee["iban"] else {})


class OwnerForm(forms.Form):
    """Who takes care of an exception."""

    owner = forms.ModelChoiceField(
        User.objects.filter(role=FINANCE, is_active=True).order_by("username"),
        label=_("Owner"),
    )


class NoteForm(forms.Form):
    """What is known so far; the exception stays open."""

    text = _text(_("Note"))


# The rules hold them as plain templates; pages translate.
RESOLUTIONS = [(key, _(text)) for key, text in rules.RESOLUTIONS.items()]


class ExplainForm(forms.Form):
    """Why an exception is none."""

    resolution = forms.ChoiceField(label=_("Resolution"), choices=RESOLUTIONS)
    reason = _text(
        _("Reason"), help_text=_("Kept with the exception; other figures open it again.")
    )


class AssignForm(forms.Form):
    """What a transaction of Amazon's means: money of a refund of ours, or of one order line."""

    means = forms.ChoiceField(label=_("What it means"), widget=forms.RadioSelect)
    reason = _text(_("How you know"))

    def __init__(self, *args, facts, **kwargs):
        super().__init__(*args, auto_id="assign_%s", **kwargs)
        orders = {fact.order_id for fact in facts if fact.order_id}
        self._refunds = Refund.objects.filter(order__in=orders, source=Source.RETOUR)
        self._refunds = self._refunds.exclude(lane=Lane.BANK)  # Amazon never shows those
        self._refunds = self._refunds.filter(state__in=PAID).order_by("-pk")[:CHOICES_AT_MOST]
        self._lines = OrderLine.objects.filter(order__in=orders).order_by("pk")[:CHOICES_AT_MOST]
        found = [(f"refund-{one.pk}", _refund(one)) for one in self._refunds]
        found += [(f"line-{one.pk}", _line(one)) for one in self._lines]
        self.fields["means"].choices = found
        if not found:
            self.fields["means"].help_text = _("Its order is not known yet: import its report.")

    def meaning(self) -> dict:
        """The keywords of ``matching.assign``."""
        kind, _dash, pk = self.cleaned_data["means"].partition("-")
        rows, name = (self._refunds, "refund") if kind == "refund" else (self._lines, "order_line")
        chosen = next(one for one in rows if one.pk == int(pk))
        return {name: chosen, "reason": self.cleaned_data["reason"]}


def _refund(refund: Refund) -> str:
    amount = format_money(refund.gross, refund.currency)
    return _("Our refund of %(amount)s, %(state)s") % {
        "amount": amount,
        "state": refund.get_state_display().lower(),
    }


def _line(line: OrderLine) -> str:
    return _("A refund Amazon made of %(sku)s, %(title)s") % {
        "sku": line.sku,
        "title": line.title[:60],
    }
