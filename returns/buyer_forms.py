"""The forms of the buyer page. They check shape only; rules live in the verbs."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from invoicing.einvoice import rulesets
from invoicing.einvoice.profiles import FACTURX, PROFILES
from orders.models import Buyer, BuyerAddress, BuyerTaxId


class _OfBuyer(forms.ModelForm):
    """A form about one buyer; its own row is never saved here."""

    def __init__(self, *args: Any, buyer: Buyer, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.buyer = buyer

    def _post_clean(self) -> None:
        """The row is checked by the verb and the database."""


class WatchForm(_OfBuyer):
    """Watched buyers are looked at by a person before anything is approved."""

    class Meta:
        model = Buyer
        fields = ["watched", "watch_reason"]
        labels = {"watched": _("On the watch list"), "watch_reason": _("Why")}

    def __init__(self, *args: Any, buyer: Buyer, **kwargs: Any):
        super().__init__(*args, buyer=buyer, instance=buyer, **kwargs)

    def clean(self):
        """Watching somebody needs a reason; not watching needs none."""
        data = super().clean()
        if data.get("watched") and not data.get("watch_reason"):
            self.add_error("watch_reason", _("Say why, so that colleagues understand."))
        if not data.get("watched"):
            data["watch_reason"] = ""
        return data


class DetailsForm(_OfBuyer):
    """What mails and documents need."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = Buyer
        fields = ["legal_name", "kind", "country", "language", "contact_name", "email", "phone"]
        labels = {
            "legal_name": _("Legal name"),
            "kind": _("Type"),
            "country": _("Country"),
            "contact_name": _("Contact"),
            "email": _("E-mail"),
            "phone": _("Phone"),
        }

    def __init__(self, *args: Any, buyer: Buyer, **kwargs: Any):
        super().__init__(*args, buyer=buyer, instance=buyer, **kwargs)


class EInvoiceForm(_OfBuyer):
    """The e-invoice a buyer takes besides the PDF, and the ids that bring it there."""

    invoice_profile = forms.ChoiceField(label=_("E-invoice besides the PDF"), required=False)

    class Meta:
        model = Buyer
        fields = [
            "invoice_profile", "buyer_reference", "endpoint", "endpoint_scheme", "legal_id",
            "legal_id_scheme",
        ]  # fmt: skip
        labels = {
            "buyer_reference": _("Buyer reference"),
            "endpoint": _("Electronic address"),
            "endpoint_scheme": _("Kind of address"),
            "legal_id": _("Register number"),
            "legal_id_scheme": _("Register"),
        }

    def __init__(self, *args: Any, buyer: Buyer, **kwargs: Any):
        super().__init__(*args, buyer=buyer, instance=buyer, **kwargs)
        field = self.fields["invoice_profile"]
        kinds = [one for one in PROFILES.values() if one.key != FACTURX]
        field.choices = [
            ("", _("None: the PDF carries Factur-X")),
            *((one.key, one.label) for one in kinds if not rulesets.missing(one.key)),
        ]
        refusals = filter(None, (rulesets.refusal(one.key) for one in kinds))
        language = get_language() or "en"
        field.help_text = " ".join(one.render(gettext, language) for one in refusals)


class TaxIdForm(_OfBuyer):
    """A tax id; its form is checked offline."""

    class Meta:
        model = BuyerTaxId
        fields = ["country", "scheme", "number"]
        labels = {"country": _("Country"), "scheme": _("Kind"), "number": _("Number")}


class AddressForm(_OfBuyer):
    """A billing or delivery address; one of each kind."""

    class Meta:
        model = BuyerAddress
        fields = [
            "kind", "name", "line1", "line2", "line3", "postal_code", "city", "state", "country",
        ]  # fmt: skip
        labels = {
            "kind": _("Kind"),
            "name": _("Name"),
            "line1": _("Address"),
            "line2": _("Address, line 2"),
            "line3": _("Address, line 3"),
            "postal_code": _("Postal code"),
            "city": _("City"),
            "state": _("State or region"),
            "country": _("Country"),
        }
