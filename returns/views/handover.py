"""A leaver's work passes on: open cases, open decisions, then the account is closed."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from config.core.models import User
from config.core.refused import Refused
from returns import handover


class HandOverForm(forms.Form):
    """Who leaves and who takes over."""

    leaver = forms.ModelChoiceField(label=_("Who leaves"), queryset=User.objects.none())
    to = forms.ModelChoiceField(label=_("Who takes over"), queryset=User.objects.none())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_system=False).order_by("username")
        self.fields["leaver"].queryset = people
        self.fields["to"].queryset = people.filter(is_active=True)

    def clean(self):
        """Two different people."""
        data = super().clean()
        if data.get("leaver") and data.get("leaver") == data.get("to"):
            self.add_error("to", _("Choose somebody else: this person leaves."))
        return data


@login_required
@permission_required("core.hand_over", raise_exception=True)
def hand_over(request: HttpRequest) -> HttpResponse:
    """GET /people/hand-over/; POST passes the work on."""
    form = HandOverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = handover.hand_over(
                form.cleaned_data["leaver"], form.cleaned_data["to"], by=request.user
            )
        except Refused as refused:
            form.add_error(None, refused.sentence)
        else:
            messages.success(request, _said(form, done))
            return redirect("returns:hand-over")
    status = 422 if form.errors else 200
    return render(request, "returns/hand_over.html", {"form": form}, status=status)


def _said(form: HandOverForm, done: handover.HandedOver) -> str:
    text = _("The work of %(leaver)s passed to %(to)s.") % form.cleaned_data
    return f"{text} ({done})"
