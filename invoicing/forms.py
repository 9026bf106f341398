"""The forms behind the buttons of refunds, documents and reports. Rules live in the verbs."""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invoicing.reports.kinds import Kind, Scope
from orders.models import Marketplace, Seller


def _day(label, **more) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


class ReasonForm(forms.Form):
    """Why; kept with the refund or document."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class HoldForm(forms.Form):
    """Why a document must stay whatever its age."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The dispute or audit it is kept for."),
    )


class SendForm(forms.Form):
    """Where a document goes by e-mail."""

    to = forms.EmailField(
        label=_("Another address"),
        required=False,
        help_text=_("Empty: the buyer's own."),
    )


class AcceptForm(forms.Form):
    """Which doubt about Amazon's figures is accepted, and why."""

    code = forms.ChoiceField(label=_("What is accepted"))
    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, choices=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].choices = choices


class SentForm(forms.Form):
    """What Seller Central showed after the refund."""

    sent_on = _day(_("Refunded on"))
    amount = forms.DecimalField(
        label=_("Total refunded"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal(0),
        help_text=_("The total Seller Central showed, tax included."),
    )
    amazon_refund_id = forms.CharField(
        label=_("Amazon's refund id"), max_length=60, required=False,
        help_text=_("If Seller Central shows one."),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["sent_on"].initial = timezone.localdate


class ResolveForm(forms.Form):
    """The end of a doubt: sent, with day and amount, or not."""

    outcome = forms.ChoiceField(
        label=_("What happened"),
        choices=[("sent", _("The money was sent")), ("failed", _("No money was sent"))],
        widget=forms.RadioSelect,
    )
    sent_on = _day(_("Refunded on"), required=False)
    amount = forms.DecimalField(
        label=_("Total refunded"), max_digits=14, decimal_places=2, required=False
    )
    amazon_refund_id = forms.CharField(label=_("Amazon's refund id"), max_length=60, required=False)
    reason = forms.CharField(
        label=_("How you know"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class NumberForm(forms.Form):
    """Number and date as printed on a document somebody else issued."""

    number = forms.CharField(label=_("Number on the document"), max_length=60)
    issue_date = _day(_("Date on the document"))


class ReportForm(forms.Form):
    """What a run of a report covers, and in which format; each kind adds its own choices."""

    date_from = _day(_("Posted from"))
    date_to = _day(_("Posted to"))
    seller = forms.ModelChoiceField(
        Seller.objects.all(), label=_("Seller"), required=False, empty_label=_("All sellers")
    )
    marketplace = forms.ModelChoiceField(
        Marketplace.objects.all(), label=_("Marketplace"), required=False,
        empty_label=_("All marketplaces"),
    )  # fmt: skip
    output_format = forms.ChoiceField(label=_("Format"))

    def __init__(self, *args, kind: Kind, **kwargs):
        super().__init__(*args, **kwargs)
        last = timezone.localdate().replace(day=1) - timedelta(days=1)
        self.fields["date_from"].initial = last.replace(day=1)
        self.fields["date_to"].initial = last
        self.fields["output_format"].choices = [(name, name.upper()) for name in kind.formats]
        if kind.needs_seller:
            self.fields["seller"].required = True
            self.fields["seller"].empty_label = None
        for choice in kind.choices:
            self.fields[choice.key] = forms.ChoiceField(
                label=choice.label, choices=choice.values, initial=choice.default
            )
        self._chosen = [choice.key for choice in kind.choices]

    def scope(self) -> Scope:
        """The chosen period and scope."""
        names = ("date_from", "date_to", "seller", "marketplace")
        chosen = {name: self.cleaned_data[name] for name in self._chosen}
        return Scope(*(self.cleaned_data[name] for name in names), chosen)
