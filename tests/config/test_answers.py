"""What every answer and every request has in common: id, policy, no copies, plain text."""

import re

import pytest
from django.apps import apps
from django.urls import URLResolver, get_resolver

from config.core import csvfile
from config.core.models import User
from config.core.trail import trail
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PAGES = ("/", "/returns/", "/orders/", "/buyers/", "/imports/", "/jobs/", "/search/", "/admin/")


@pytest.mark.parametrize("path", [*PAGES, "/login/", "/nothing-here/"])
@pytest.mark.parametrize("role", ["admin", ""])
def test_no_page_is_kept_by_a_browser_and_each_has_a_policy(client, path, role):
    if role:
        client.force_login(make_user(role))
    response = client.get(path)
    assert response.status_code in (200, 302, 404)
    assert "no-store" in response["Cache-Control"]
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_list_as_csv_is_not_kept_either(client):
    client.force_login(make_user("lead"))
    assert "no-store" in client.get("/returns/?format=csv")["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["/search/?q=%00a1", "/returns/new/?order=%00", "/orders/X/?seller=%00", "/returns/R%00/"],
)
def test_nul_in_an_address_is_refused(client, path):
    client.force_login(make_user("lead"))
    assert client.get(path).status_code == 400


@pytest.mark.parametrize("given", ["short", "with space", "a" * 65, "abcdefgh\n", "<script>aaaa"])
def test_unsafe_request_id_is_replaced(client, given):
    answered = client.get("/healthz", headers={"x-request-id": given})["X-Request-Id"]
    assert answered != given
    assert len(answered) == 32


def test_safe_request_id_of_the_proxy_is_kept(client):
    answered = client.get("/healthz", headers={"x-request-id": "abc-12345678"})
    assert answered["X-Request-Id"] == "abc-12345678"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x"]
)
def test_no_cell_starts_a_formula(text):
    assert csvfile.safe(text) == f"'{text}"
    assert csvfile.safe([text]) == f"'{text}"


def test_change_of_language_is_in_the_trail(client):
    person = make_user("agent")
    client.force_login(person)
    client.post("/preferences/", {"language": "de", "density": "compact"})
    events = apps.get_model("core", "UserEvent").objects.filter(pgh_obj_id=person.pk)
    contexts = events.order_by("pgh_id").values_list("pgh_context", flat=True)
    assert [(one or {}).get("verb") for one in contexts][-1] == "change_language"
    assert None not in contexts


class Broken(Exception):
    """A verb that breaks half way."""


def _events(person):
    events = apps.get_model("core", "UserEvent").objects.filter(pgh_obj_id=person.pk)
    return [
        (context or {}).get("verb")
        for context in events.order_by("pgh_id").values_list("pgh_context", flat=True)
    ][1:]


def _write(person, language):
    User.objects.filter(pk=person.pk).update(language=language)


def _break(person):
    with trail("inner", by=person):
        _write(person, "de")
        raise Broken


def test_inner_trail_that_breaks_gives_the_verb_back_to_the_outer_one():
    person = make_user("agent")
    with trail("outer", by=person):
        with pytest.raises(Broken):
            _break(person)
        _write(person, "fr")
    assert _events(person) == ["outer"]


def test_trail_does_not_leak_to_writes_after_it():
    person = make_user("agent")
    with trail("verb", by=person):
        _write(person, "de")
    _write(person, "fr")
    assert _events(person) == ["verb", None]


OPEN_TO_ALL = {"/login/", "/healthz", "/readyz"}
SAMPLES = {"int": "1", "uuid": "00000000-0000-0000-0000-000000000000", "rma": "RMA-2026-000001"}


def _addresses(patterns, prefix="/"):
    for one in patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _addresses(one.url_patterns, path)
        elif not path.startswith("/admin"):
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES.get(m[1], "X"), path)


def test_every_address_but_three_asks_a_stranger_to_log_in(client):
    found = set(_addresses(get_resolver().url_patterns)) - OPEN_TO_ALL
    assert len(found) > 40
    for path in sorted(found):
        for answer in (client.get(path), client.post(path)):
            to_log_in = answer.status_code == 302 and answer.url.startswith("/login/")
            assert to_log_in or answer.status_code == 405, path
