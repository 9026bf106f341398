"""The forms of the order page. They check shape only; rules live in the verbs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from invoicing.models.document import Issuer
from invoicing.states import Component
from orders import buyers
from orders.models import AmazonReturn, Buyer, Marketplace, OrderLine
from orders.models.buyer import match_key

ALIKE = 5


class _OfOrder(forms.Form):
    """A form about one order; ``lines`` are its lines, ``unsure`` its returns without a line."""

    def __init__(
        self,
        *args: Any,
        lines: list[OrderLine],
        unsure: Sequence[AmazonReturn] = (),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.lines, self.unsure = lines, unsure

    def _choose_line(self) -> None:
        self.fields["line"].choices = [
            (line.pk, f"{line.sku} ({line.occurrence}) · {line.title}"[:80]) for line in self.lines
        ]


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
            if c[0] in (Component.ITEM, Component.SHIPPING, Component.GIFT_WRAP, Component.GOODWILL)
        ],
    )
    gross = forms.DecimalField(
        label=_("Amount, gross"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
    )
    quantity = forms.IntegerField(
        label=_("Or pieces, at their share of what was paid"), min_value=1, required=False
    )
    note = forms.CharField(label=_("Why"), max_length=500)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._choose_line()


class MarketplaceForm(_OfOrder):
    """Which marketplace a stub is of."""

    marketplace = forms.ModelChoiceField(
        label=_("Marketplace"), queryset=Marketplace.objects.order_by("code")
    )


class ChooseLineForm(_OfOrder):
    """Which line an Amazon return means."""

    amazon_return = forms.TypedChoiceField(label=_("Amazon's return"), coerce=int)
    line = forms.TypedChoiceField(label=_("Line"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._choose_line()
        self.fields["amazon_return"].choices = [
            (row.pk, f"{row} · {row.sku} × {row.quantity}"[:80]) for row in self.unsure
        ]

    def chosen(self) -> tuple[AmazonReturn, OrderLine]:
        """The return and the line that were picked."""
        wanted = self.cleaned_data
        row = next(row for row in self.unsure if row.pk == wanted["amazon_return"])
        return row, next(line for line in self.lines if line.pk == wanted["line"])
