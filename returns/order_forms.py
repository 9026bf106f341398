"""The forms of the order page. They check shape only; rules live in the verbs."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from invoicing.models.document import Issuer
from invoicing.states import Component
from orders import buyers
from orders.models import Buyer, OrderLine
from orders.models.buyer import match_key

ALIKE = 5


class _OfOrder(forms.Form):
    """A form about one order; ``lines`` are its lines."""

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.lines = lines


class RecordInvoiceForm(_OfOrder):
    """The invoice that Amazon or an earlier system issued."""

    number = forms.CharField(label=_("Invoice number"), max_length=60)
    issue_date = forms.DateField(
        label=_("Invoice date"), widget=forms.DateInput(attrs={"type": "date"})
    )
    issuer = forms.ChoiceField(
        label=_("Issued by"),
        choices=[c for c in Issuer.choices if c[0] != Issuer.RETOUR],
    )


class BuyerForm(_OfOrder):
    """Which buyer an order belongs to, by company name."""

    legal_name = forms.CharField(label=_("Company name"), max_length=200)
    create = forms.BooleanField(label=_("Add this buyer if the name is new"), required=False)

    def clean(self):
        """Find the buyer; say who is alike where the name is not known."""
        data = super().clean()
        name = data.get("legal_name", "")
        self._found = Buyer.objects.filter(match_key=match_key(name)).first() if name else None
        if name and not self._found and not data.get("create"):
            alike = Buyer.objects.filter(legal_name__icontains=name.split()[0])
            names = ", ".join(alike.values_list("legal_name", flat=True)[:ALIKE])
            self.add_error("legal_name", _("No buyer has this name."))
            if names:
                self.add_error("legal_name", _("Alike: %(names)s.") % {"names": names})
        return data

    def buyer(self, *, by: Any) -> Buyer:
        """The buyer found, else a new one."""
        name = self.cleaned_data["legal_name"]
        return self._found or buyers.save_buyer(by=by, legal_name=name)


class OrderRefundForm(_OfOrder):
    """Money back on one line although nothing comes back: a price credit or goodwill."""

    line = forms.TypedChoiceField(label=_("Line"), coerce=int)
    component = forms.ChoiceField(
        label=_("For"),
        choices=[
            c
            for c in Component.choices
            if c[0] in (Component.ITEM, Component.SHIPPING, Component.GOODWILL)
        ],
    )
    gross = forms.DecimalField(
        label=_("Amount, gross"), max_digits=14, decimal_places=2, min_value=Decimal("0.01")
    )
    note = forms.CharField(label=_("Why"), max_length=500)

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any):
        super().__init__(*args, lines=lines, **kwargs)
        self.fields["line"].choices = [
            (line.pk, f"{line.sku} · {line.title}"[:80]) for line in lines
        ]
