"""The forms behind the buttons of an RMA. They check shape only; rules live in the verbs."""

from decimal import Decimal

from django import forms
from django.core.validators import MaxValueValidator
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from config.core.models import User
from config.core.roles import AGENT, INSPECTOR, LEAD
from returns.goods import InspectionResult
from returns.models import Evidence, Parcel
from returns.owed import Wishes
from returns.states import Condition, Disposition, Liability

_MONEY = {"max_digits": 14, "decimal_places": 2, "min_value": Decimal(0), "required": False}


class ReasonForm(forms.Form):
    """A sentence that the buyer or the next colleague will read."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "reason" in self.fields:
            self.fields["reason"].widget.attrs["rows"] = 2


class ShipForm(forms.Form):
    """A parcel on its way back."""

    carrier = forms.CharField(label=_("Carrier"), max_length=60, required=False)
    tracking = forms.CharField(label=_("Tracking number"), max_length=60, required=False)
    label_type = forms.ChoiceField(
        label=_("Label"), choices=[("", "–"), *Parcel.LabelType.choices], required=False
    )
    label_payer = forms.ChoiceField(
        label=_("Label paid by"), choices=[("", "–"), *Parcel.Payer.choices], required=False
    )
    label_cost = forms.DecimalField(label=_("Label cost"), **_MONEY)


class ExtendForm(ReasonForm):
    """More time to send the goods back."""

    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ["until", "reason"]


class NoteForm(forms.Form):
    """A note for colleagues."""

    text = forms.CharField(
        label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class AssignForm(forms.Form):
    """Who looks after the case."""

    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, role__in=(AGENT, INSPECTOR, LEAD))
        self.fields["owner"].queryset = people.order_by("username")


class LiabilityForm(forms.Form):
    """Who is answerable for one line."""

    line_id = forms.IntegerField(widget=forms.HiddenInput)
    liability = forms.ChoiceField(label=_("Liability"), choices=Liability.choices)


class EvidenceForm(forms.Form):
    """A photo or paper for the file."""

    upload = forms.FileField(label=_("File (photo or PDF)"))
    kind = forms.ChoiceField(label=_("Kind"), choices=Evidence.Kind.choices)


class ProposeForm(forms.Form):
    """What an agent may change about the calculated refund."""

    refund_shipping = forms.NullBooleanField(
        label=_("Refund outbound shipping"),
        required=False,
        widget=forms.Select(
            choices=[("", _("As the policy says")), ("true", _("Yes")), ("false", _("No"))]
        ),
    )
    restocking_percent = forms.DecimalField(
        label=_("Restocking fee in percent"),
        help_text=_("Empty: as the policy says. Never where we or the carrier are liable."),
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        required=False,
    )
    goodwill = forms.DecimalField(label=_("Goodwill, gross"), **_MONEY)

    def __init__(self, *args, preview_url: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        if (
            preview_url
        ):  # the figures follow while somebody types; without scripts the page has them
            for field in self.fields.values():
                field.widget.attrs |= {
                    "hx-get": preview_url,
                    "hx-target": "#quotes",
                    "hx-include": "closest form",
                    "hx-params": ",".join(self.fields),
                    "hx-trigger": "change, input changed delay:400ms",
                }

    def wishes(self, *, early: bool) -> Wishes:
        """What was typed, as the calculation takes it."""
        return Wishes(**self.cleaned_data, early=early)


class QuantitiesForm(forms.Form):
    """A number of units for each line; made from the lines that still have any."""

    def __init__(self, *args, lines=(), **kwargs):
        super().__init__(*args, **kwargs)
        for line, available in lines:
            self.fields[f"line_{line.pk}"] = forms.IntegerField(
                label=f"{line.order_line.sku} · {line.order_line.title}"[:120],
                min_value=0,
                max_value=available,
                initial=available,
                help_text=_("At most %(n)d") % {"n": available},
            )

    def quantities(self) -> dict[int, int]:
        """Line id → units, without the zeros."""
        return {
            int(name.removeprefix("line_")): value
            for name, value in self.cleaned_data.items()
            if name.startswith("line_") and value
        }


class SuggestedInput(forms.TextInput):
    """A line of text with what others entered to choose from."""

    suggestions: list[str]

    def render(self, name, value, attrs=None, renderer=None):
        """The input and its list."""
        key = f"{(attrs or {}).get('id', name)}-known"
        box = super().render(name, value, {**(attrs or {}), "list": key}, renderer)
        options = format_html_join("", '<option value="{}">', ((one,) for one in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', box, key, options)


class SiteForm(forms.Form):
    """Which warehouse the goods arrived at; the person's last one stands there already."""

    site = forms.CharField(
        label=_("Warehouse"), max_length=60, required=False, widget=SuggestedInput
    )

    def __init__(self, *args, sites=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].widget.suggestions = list(sites)
        self.fields["site"].initial = next(iter(sites), "")


class ReceiveForm(QuantitiesForm, SiteForm):
    """Units that arrived, and where."""


class MissingForm(QuantitiesForm):
    """Units given up as never arrived."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


class PhotosInput(forms.ClearableFileInput):
    """Several photos at once, straight from the camera where there is one."""

    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """A list of uploads; empty when there is none."""

    widget = PhotosInput(attrs={"accept": "image/*", "capture": "environment"})

    def clean(self, data, initial=None):
        """Check each upload on its own."""
        given = data if isinstance(data, list | tuple) else [data]
        return [super(PhotosField, self).clean(one, initial) for one in given if one]


class InspectionForm(forms.Form):
    """What the inspector saw on some units of one line. A row without a choice counts as empty."""

    quantity = forms.IntegerField(label=_("Units"), min_value=0)
    condition = forms.ChoiceField(
        label=_("Condition"), choices=Condition.choices, widget=forms.RadioSelect, required=False
    )
    disposition = forms.ChoiceField(
        label=_("Goes to"),
        choices=[c for c in Disposition.choices if c[0] != Disposition.MISSING],
        widget=forms.RadioSelect,
        required=False,
    )
    note = forms.CharField(label=_("Note"), max_length=500, required=False)
    photos = PhotosField(label=_("Photos"), required=False)

    def __init__(self, *args, most: int = 0, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["quantity"].validators.append(MaxValueValidator(most))
        self.fields["quantity"].widget.attrs |= {"max": most, "inputmode": "numeric"}

    def clean(self):
        """Condition and destination come together, and say something about at least one unit."""
        data = super().clean()
        condition, disposition = data.get("condition"), data.get("disposition")
        if condition and not disposition:
            self.add_error("disposition", _("Say where the goods go."))
        if disposition and not condition:
            self.add_error("condition", _("Say what you see."))
        if disposition and data.get("quantity") == 0:
            self.add_error("quantity", _("How many units?"))
        if data.get("note") and not (condition or disposition):
            self.add_error("condition", _("The note needs a condition and a destination."))
        return data

    def result(self, line_id: int) -> InspectionResult:
        """The row as the verb takes it."""
        data = self.cleaned_data
        return InspectionResult(
            line_id, data["quantity"], data["condition"], data["disposition"], data["note"]
        )
