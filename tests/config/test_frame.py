"""The frame of every page: navigation by permission, preferences, error pages, form fields."""

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory

from config.core.models import User
from config.core.trail import trail

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.list_page")]


@pytest.fixture
def person(client):
    somebody = User(username="frame-lead", role="lead")
    somebody.set_unusable_password()
    with trail("test", by=User.objects.system()):
        somebody.save()
    client.force_login(somebody)
    return somebody


def nav_item(person, permission, name="core:jobs"):
    template = Template(
        "{% load retour %}{% nav_item '" + name + "' 'Jobs' '" + permission + "' 'imports' %}"
    )
    return template.render(Context({"path": "/jobs/", "rights": person.get_all_permissions()}))


def navigation(user, path="/jobs/"):
    request = RequestFactory().get(path)
    request.user = user
    return Template("{% load retour %}{% navigation %}").render(Context({"request": request}))


def test_nav_item_needs_permission_and_page(person):
    assert 'aria-current="page"' in nav_item(person, "core.view_job")
    assert nav_item(person, "core.no_such_permission") == ""
    assert nav_item(person, "core.view_job", name="no:such-page") == ""


def test_navigation_follows_person_and_page(person):
    inspector = User(username="frame-inspector", role="inspector")
    for _twice in range(2):  # the second time as it was kept
        assert navigation(AnonymousUser()) == ""
        assert 'href="/activity/"' in navigation(person)
        assert 'href="/activity/"' not in navigation(inspector)
        assert 'data-go="orders" aria-current="page"' in navigation(person, "/orders/")
        assert 'data-go="orders" aria-current="true"' in navigation(person, "/orders/302-1/")
        assert 'data-go="orders">' in navigation(person, "/activity/")


def test_preferences_are_kept_and_shown(client, person):
    chosen = {"density": "compact", "keyboard": "off", "theme": "dark", "language": "de"}
    answer = client.post("/preferences/", {**chosen, "next": "/example/?state=requested"})
    assert answer["Location"] == "/example/?state=requested"
    person.refresh_from_db()
    assert person.language == "de"
    page = client.get("/example/").content.decode()
    assert '<html lang="de" data-density="compact" data-theme="dark">' in page
    assert 'data-keyboard="off"' in page


@pytest.mark.parametrize("given", [{"density": "huge"}, {"language": "xx"}, {"theme": "<script>"}])
def test_preferences_take_known_values_only(client, person, given):
    client.post("/preferences/", given)
    person.refresh_from_db()
    assert person.preferences == {}
    assert person.language == "en"


def test_preferences_do_not_lead_to_another_site(client, person):
    answer = client.post("/preferences/", {"next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_preferences_need_a_post(client, person):
    answer = client.get("/preferences/")
    assert answer.status_code == 405
    assert 'href="/">Back to the page</a>' in answer.content.decode()


def test_unknown_address_answers_with_our_page(client, person):
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_server_error_page_needs_nothing():
    assert "Something broke on our side" in render_to_string("500.html")


class Reason(forms.Form):
    """A form with help, an error and a group."""

    reason = forms.CharField(help_text="One sentence.")
    kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, required=False)


def test_form_ties_help_and_error_to_the_field():
    page = render_to_string("core/_form.html", {"form": Reason({"reason": ""})})
    assert 'aria-describedby="id_reason_help id_reason_error"' in page
    assert 'id="id_reason_error"' in page
    assert 'aria-invalid="true"' in page
    assert "data-focus" in page
    assert '<fieldset class="field group">' in page


def test_state_line_marks_current_and_skipped():
    states = [(s, s) for s in ("requested", "approved", "shipped", "refunded")]
    page = Template("{% load retour %}{% state_line states 'refunded' reached %}").render(
        Context({"states": states, "reached": {"requested": None, "approved": None}})
    )
    assert page.count('class="step done"') == 2
    assert page.count('class="step skipped"') == 1
    assert 'class="step current" aria-current="step"' in page
