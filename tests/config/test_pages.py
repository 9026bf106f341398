"""Core's pages: log-in, jobs, preferences, health, the admin site."""

import json

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.core import health, views
from config.core.models import Job, TrailEvent, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    person = make_user("agent")
    client.force_login(person)
    return person


def make_job(owner, **fields):
    return Job.objects.create(
        kind="test", title=fields.pop("title", "Export"), owner=owner, **fields
    )


def make_result(owner, **fields):
    folder = settings.DATA_DIR / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.csv").write_text("a,b\n")
    return make_job(
        owner,
        status="done",
        result_name="result.csv",
        result_path="jobs/result.csv",
        errors=[{"line": 3, "problem": "=1+1"}],
        **fields,
    )


# --- Jobs ----------------------------------------------------------------------------------------
def test_jobs_cost_the_same_for_one_and_three(client, agent):
    def cost():
        client.get(reverse("core:jobs"))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(reverse("core:jobs")).status_code == 200
        return len(seen)

    make_job(agent)
    one = cost()
    make_job(agent)
    make_job(agent, status="running")
    assert (one, cost()) == (4, 4)


def test_empty_list_of_jobs_says_what_fills_it(client, agent):
    assert "appear here while they run" in client.get(reverse("core:jobs")).content.decode()


def test_running_job_asks_again_and_a_finished_one_does_not(client, agent):
    running = make_job(agent, status="running", done=3, total=10)
    page = client.get(running.get_absolute_url()).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert 'value="3" max="10"' in page
    done = client.get(make_job(agent, status="done").get_absolute_url()).content.decode()
    assert "every 2s" not in done


def test_progress_alone_is_answered_to_htmx(client, agent):
    job = make_job(agent, status="running")
    target = {"HX-Target": f"job-{job.pk}", "HX-Request": "true"}
    part = client.get(job.get_absolute_url(), headers=target).content.decode()
    assert part.strip().startswith("<section")


def test_result_goes_to_owner_and_admin_only(client, agent):
    job = make_result(agent)
    url = reverse("core:job-download", args=[job.pk])
    answer = client.get(url)
    assert b"".join(answer.streaming_content) == b"a,b\n"
    assert answer["Content-Disposition"] == 'attachment; filename="result.csv"'
    client.force_login(make_user("lead"))
    assert client.get(url).status_code == 403
    client.force_login(make_user("admin"))
    assert b"".join(client.get(url).streaming_content) == b"a,b\n"
    page = client.get(job.get_absolute_url()).content.decode()
    assert url in page


def test_result_outside_the_data_folder_is_never_sent(client, agent):
    job = make_job(agent, status="done", result_name="x", result_path="../../etc/passwd")
    assert client.get(reverse("core:job-download", args=[job.pk])).status_code == 404


def test_problems_leave_as_csv_without_formulas(client, agent):
    job = make_result(agent)
    answer = client.get(reverse("core:job-errors", args=[job.pk]))
    assert b"".join(answer.streaming_content).decode("utf-8-sig") == "line,problem\r\n3,'=1+1\r\n"


# --- Log-in --------------------------------------------------------------------------------------
def test_log_in_names_the_demos_people_who_exist(client, monkeypatch, settings):
    make_user("agent", username="demo-agent")
    people = [("Agent", "demo-agent", "only for the demo"), ("Lead", "nobody", "x")]
    monkeypatch.setattr(views, "demo_people", people)
    page = client.get("/login/").content.decode()
    assert "only for the demo" in page
    assert "nobody" not in page
    settings.RETOUR_DEMO = False
    assert "only for the demo" not in client.get("/login/").content.decode()


# --- Preferences ---------------------------------------------------------------------------------
def test_preferences_are_kept_and_lead_back(client, agent):
    form = {"density": "compact", "theme": "dark", "keyboard": "off", "next": "/jobs/"}
    assert client.post(reverse("core:preferences"), form)["Location"] == "/jobs/"
    agent.refresh_from_db()
    assert (agent.preferences["density"], agent.preferences["theme"]) == ("compact", "dark")
    page = client.get("/jobs/").content.decode()
    assert 'data-density="compact"' in page
    assert 'data-theme="dark"' in page


def test_preferences_never_lead_elsewhere(client, agent):
    form = {"next": "https://evil.example/"}
    assert client.post(reverse("core:preferences"), form)["Location"] == "/"


# --- Health --------------------------------------------------------------------------------------
def test_process_answers_without_asking_anybody(client):
    with CaptureQueriesContext(connection) as seen:
        answer = client.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert len(seen) == 0


def test_ready_names_its_parts_and_nobody(client, broker):
    answer = client.get("/readyz")
    parts = {"status", "database", "migrations", "broker", "disk"}
    assert (answer.status_code, set(answer.json())) == (200, parts)
    assert set(answer.json().values()) == {"ok"}


def test_a_part_that_fails_makes_it_unready(client, broker, monkeypatch):
    def away():
        raise OSError("host=secret.example password=x")

    monkeypatch.setitem(health.CHECKS, "broker", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["broker"] == "failed"
    assert "secret" not in json.dumps(answer.json())


# --- The admin site ------------------------------------------------------------------------------
@pytest.fixture
def admin(client):
    person = make_user("admin")
    client.force_login(person)
    return person


def test_admin_site_is_for_admins(client):
    for role, status in (("lead", 302), ("agent", 302), ("admin", 200)):
        client.force_login(make_user(role))
        assert client.get("/admin/").status_code == status


def test_changed_role_is_in_the_trail(client, admin):
    person = make_user("agent")
    form = {
        "username": person.username,
        "role": "finance",
        "is_active": "on",
        "language": "en",
        "time_zone": "UTC",
    }
    assert client.post(f"/admin/core/user/{person.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=person.pk).role == "finance"
    event = TrailEvent.objects.filter(model="core.user", label="update").get()
    assert event.context["verb"] == "admin.user"
    assert event.context["name"] == admin.username


@pytest.mark.parametrize("model", ["job", "counter", "trailevent"])
def test_admin_only_looks_at(client, admin, model):
    assert client.get(f"/admin/core/{model}/").status_code == 200
    assert client.get(f"/admin/core/{model}/add/").status_code == 403


def test_admin_searches_jobs_and_people(client, admin):
    make_job(admin, title="Rare export")
    assert "Rare export" in client.get("/admin/core/job/?q=rare").content.decode()
    assert admin.username in client.get(f"/admin/core/user/?q={admin.username}").content.decode()


def test_admin_list_of_jobs_costs_the_same_for_one_and_three(client, admin):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            client.get("/admin/core/job/")
        return len(seen)

    make_job(admin)
    one = cost()
    make_job(admin)
    make_job(make_user("lead"))
    assert cost() == one
