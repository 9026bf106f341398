"""Every URL of ours × every role: what a GET answers, and what strangers get. No browser needed."""

import pytest

from tests.e2e.world import addresses, furnish, names, posts

pytestmark = pytest.mark.django_db
ROLES = ("agent", "inspector", "lead", "finance", "auditor", "admin")
# What a GET answers to each role, in the order of ROLES.
TABLE = {
    "login": "302 302 302 302 302 302",
    "core:jobs": "200 200 200 200 200 200",
    "core:job": "200 200 200 200 200 200",
    "core:job-download": "403 403 403 200 403 200",  # its owner and admins
    "core:job-errors": "403 403 200 403 403 200",
    "core:healthz": "200 200 200 200 200 200",
    "core:readyz": "200 200 200 200 200 200",
    "orders:imports": "200 200 200 200 200 200",
    "orders:import-new": "403 403 200 200 403 200",
    "orders:import-job": "200 200 200 200 200 200",
    "orders:import": "200 200 200 200 200 200",
    "orders:import-problems": "200 200 200 200 200 200",
    "invoicing:refunds": "200 200 200 200 200 200",
    "invoicing:refund": "200 200 200 200 200 200",
    "invoicing:documents": "200 200 200 200 200 200",
    "invoicing:document": "200 200 200 200 200 200",
    "invoicing:document-file": "200 200 200 200 200 200",
    "invoicing:document-artifact": "200 200 200 200 200 200",
    "invoicing:document-xml": "200 200 200 200 200 200",
    "invoicing:tax-data": "200 200 200 200 200 200",
    "invoicing:drafts": "200 200 200 200 200 200",
    "invoicing:reports": "403 403 200 200 200 200",
    "invoicing:report-new": "403 403 403 200 200 200",
    "invoicing:report-job": "403 403 200 200 200 200",
    "invoicing:settlements": "200 200 200 200 200 200",
    "invoicing:settlement": "200 200 200 200 200 200",
    "invoicing:untied": "200 200 200 200 200 200",
    "invoicing:report-run": "403 403 200 200 200 200",
    "invoicing:report-file": "403 403 200 200 200 200",
    "invoicing:feeds": "403 403 200 200 200 200",
    "invoicing:feed": "403 403 200 200 200 200",
    "invoicing:bank-files": "403 403 200 200 200 200",
    "invoicing:bank-file": "403 403 200 200 200 200",
    "invoicing:exceptions": "403 403 200 200 200 200",
    "invoicing:exception": "403 403 200 200 200 200",
    "invoicing:ledger": "403 403 200 200 200 200",
    "invoicing:periods": "403 403 200 200 200 200",
    "invoicing:period": "403 403 200 200 200 200",
    "invoicing:rates": "403 403 200 200 200 200",
    "invoicing:bank-file-xml": "403 403 200 200 403 403",
    "invoicing:money": "200 200 200 200 200 200",
    "invoicing:rate-new": "403 403 403 200 403 200",
    "invoicing:opening-balance": "200 200 200 200 200 200",
    "returns:why": "200 200 200 200 200 200",
    "returns:charts": "200 200 200 200 200 200",
    "returns:today": "200 200 200 200 200 200",
    "returns:start": "302 302 302 302 302 302",
    "returns:queue": "200 200 200 200 200 200",
    "returns:new": "200 403 200 403 403 403",
    "returns:bulk": "200 403 200 403 403 403",
    "returns:inspect": "403 200 200 403 403 403",
    "returns:rma": "200 200 200 200 200 200",
    "returns:inspect-rma": "403 200 200 403 403 403",
    "returns:refund-preview": "200 200 200 200 200 200",
    "returns:evidence": "200 200 200 200 200 200",
    "returns:orders": "200 200 200 200 200 200",
    "returns:order": "200 200 200 200 200 200",
    "returns:identity": "403 403 200 200 403 200",
    "returns:waiting": "200 200 200 200 200 200",
    "returns:buyers": "200 200 200 200 200 200",
    "returns:buyer": "200 200 200 200 200 200",
    "returns:search": "200 200 200 200 200 200",
    "returns:activity": "403 403 200 200 200 200",
    "returns:hand-over": "403 403 200 403 403 200",
}
# What a POST without any data answers; where a page takes it: 302 after the verb said yes or no.
POSTS = {
    "logout": "302 302 302 302 302 302",
    "core:preferences": "302 302 302 302 302 302",
    "invoicing:refunds-approve": "403 403 302 302 403 403",
    "invoicing:bank-file-new": "403 403 302 302 403 403",
    "invoicing:bank-file-verb": "403 403 422 422 422 422",
    "invoicing:exceptions-verb": "403 403 403 302 403 403",
    "invoicing:exception-verb": "403 403 302 302 302 302",
    "invoicing:money-assign": "422 422 422 422 422 422",
    "invoicing:period-verb": "403 403 302 302 302 302",
    "invoicing:refund-verb": "302 302 302 302 302 302",
    "invoicing:document-verb": "302 302 302 302 302 302",
    "invoicing:drafts-try-again": "403 403 302 302 403 403",
    "invoicing:delivery-verb": "302 302 302 302 302 302",
    "returns:bulk-verb": "302 403 302 403 403 403",
    "returns:work-item-done": "302 302 302 302 302 302",
    "returns:verb": "302 302 302 302 302 302",
    "returns:order-verb": "302 302 302 302 302 302",
    "returns:identity-line": "302 302 302 302 302 302",
    "returns:buyer-verb": "302 422 302 302 422 302",
}
OPEN = {"login", "core:healthz", "core:readyz"}  # to everybody


@pytest.fixture
def world(tmp_path, broker):
    return furnish(tmp_path)


def ask(client, address: str):
    """A GET; a file is read to its end, which closes it."""
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def test_every_url_name_is_in_the_tables():
    ours = set(names())
    assert ours == set(TABLE) | set(POSTS)
    assert len(list(names())) == len(ours)


def test_every_page_answers_each_role_as_the_table_says(client, world):
    found = {}
    where = addresses(world)
    for name in TABLE:
        answers = []
        for role in ROLES:
            client.force_login(getattr(world.people, role))
            codes = {ask(client, address).status_code for address in where[name]}
            answers.append("/".join(map(str, sorted(codes))))
        found[name] = " ".join(answers)
    assert found == TABLE


def test_strangers_are_sent_to_the_log_in(client, world):
    for name, pages in {**addresses(world), **{k: [v] for k, v in posts(world).items()}}.items():
        for address in pages:
            answer = ask(client, address) if name in TABLE else client.post(address)
            expected = 200 if name in OPEN else 302
            assert (name, answer.status_code) == (name, expected)
            if name not in (*OPEN, "logout"):
                assert answer["Location"].startswith("/login/?next="), name


def test_a_verb_is_not_a_page(client, world):
    client.force_login(world.people.lead)
    for name, address in posts(world).items():
        assert (name, client.get(address).status_code) == (name, 405)


def test_verbs_answer_each_role_as_the_table_says(client, world):
    """A button of somebody who may not presses into a sentence or a 403, never into an error."""
    found = {}
    for name, address in posts(world).items():
        answers = []
        for role in ROLES:
            client.force_login(getattr(world.people, role))
            answers.append(str(client.post(address).status_code))
        found[name] = " ".join(answers)
    assert found == POSTS


def test_nobody_posts_without_the_pages_token(world):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people.lead)
    for name, address in posts(world).items():
        assert (name, client.post(address).status_code) == (name, 403)
