"""The upload form of the imports page."""

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.imports import registry
from orders.models import Marketplace, Seller

LARGEST = 300 * 1024 * 1024


class ImportForm(forms.Form):
    """A report file, and what the file itself may not say."""

    file = forms.FileField(
        label=_("Report file"), max_length=180, help_text=_("As Amazon wrote it.")
    )
    seller = forms.ModelChoiceField(Seller.objects.none(), label=_("Seller"))
    report_type = forms.ChoiceField(
        label=_("Report"), required=False, help_text=_("Usually recognised from the header.")
    )
    marketplace = forms.ModelChoiceField(
        Marketplace.objects.all(),
        label=_("Marketplace"),
        required=False,
        empty_label=_("As the file says"),
        help_text=_("Only when the file does not say it."),
    )
    skip_bad = forms.BooleanField(
        label=_("Leave bad lines out and import the rest"),
        required=False,
        help_text=_("Otherwise a file with a bad line imports nothing."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        sellers = Seller.objects.filter(active=True)
        self.fields["seller"].queryset = sellers
        only = list(sellers[:2])
        if len(only) == 1:
            self.fields["seller"].initial = only[0]
            self.fields["seller"].empty_label = None
        self.fields["report_type"].choices = [
            ("", _("Recognise it")),
            *((t.name, t.title) for t in registry.all_types()),
        ]

    def clean_file(self):
        """Refuse what no report can be before anything is stored."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(
                _("The file is larger than 300 MB. Ask for shorter periods, or use import_report.")
            )
        return file
