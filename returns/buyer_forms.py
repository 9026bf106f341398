"""The forms of the buyer page. They check shape only; rules live in the verbs."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

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
