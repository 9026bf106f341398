"""A leaver's cases and refunds in hand pass on, and the account is closed."""

import pytest

from config.core.refused import Refused
from invoicing import refunds
from returns import handover, refunding, workflow
from tests.factories import make_order, make_rma, make_user, record_invoice

pytestmark = pytest.mark.django_db


def test_open_cases_pass_on_and_closed_ones_stay():
    lead, ada, bo = make_user("lead"), make_user("agent"), make_user("agent")
    mine, done = (make_rma("requested", by=lead, owner=ada) for _ in range(2))
    workflow.decline(done.number, by=lead, reason="late")
    result = handover.hand_over(ada, bo, by=lead)
    assert (result.cases, result.refunds) == (1, 0)
    for rma, owner in ((mine, bo), (done, ada)):
        rma.refresh_from_db()
        assert rma.owner == owner
    ada.refresh_from_db()
    assert not ada.is_active


def test_refund_in_hand_passes_to_somebody_who_may():
    lead, leaver, finance = make_user("lead"), make_user("finance"), make_user("finance")
    order = make_order()
    record_invoice(order)
    rma = make_rma("inspected", by=lead, order=order)
    (refund,) = refunding.propose(rma.number, by=lead)
    refunds.approve(refund.key, by=leaver)
    refunds.start(refund.key, by=leaver)
    with pytest.raises(Refused) as refused:
        handover.hand_over(leaver, make_user("agent"), by=lead)
    assert refused.value.code == "role"
    leaver.refresh_from_db()
    assert leaver.is_active
    assert handover.hand_over(leaver, finance, by=lead).refunds == 1
    refund.refresh_from_db()
    assert refund.sender == finance


@pytest.mark.parametrize("role", ["agent", "inspector", "finance", "auditor"])
def test_only_leads_and_admins_hand_over(role):
    with pytest.raises(Refused) as refused:
        handover.hand_over(make_user(), make_user(), by=make_user(role))
    assert refused.value.code == "forbidden"


def test_nobody_hands_over_to_themselves_or_to_a_leaver():
    lead, gone = make_user("lead"), make_user("agent", is_active=False)
    for leaver, to in ((lead, lead), (lead, gone)):
        with pytest.raises(Refused) as refused:
            handover.hand_over(leaver, to, by=lead)
        assert refused.value.code == "people"


def test_lead_does_not_close_the_account_of_an_admin():
    lead, admin, other = make_user("lead"), make_user("admin"), make_user("admin")
    with pytest.raises(Refused) as refused:
        handover.hand_over(admin, lead, by=lead)
    assert refused.value.code == "forbidden"
    admin.refresh_from_db()
    assert admin.is_active
    handover.hand_over(admin, lead, by=other)
    admin.refresh_from_db()
    assert not admin.is_active


def test_page_says_what_passed_on(client):
    lead, ada, bo = make_user("lead"), make_user("agent"), make_user("agent")
    make_rma("requested", by=lead, owner=ada)
    client.force_login(lead)
    answer = client.post("/people/hand-over/", {"leaver": ada.pk, "to": bo.pk}, follow=True)
    assert "1 case, 0 refunds in hand" in answer.content.decode()
