"""Refunds that were carried out before attempts were written down get the one they had."""

from django.db import migrations

FILL = """
DO $$
DECLARE actor record;
BEGIN
    SELECT id, username INTO actor FROM core_user WHERE username = 'system';
    IF actor.id IS NULL THEN
        RETURN;  -- nobody has worked here yet
    END IF;
    PERFORM set_config('pghistory.context_id', gen_random_uuid()::text, true),
        set_config('pghistory.context_metadata', jsonb_build_object(
            'verb', 'migrate', 'by', actor.id, 'name', actor.username, 'request_id', '',
            'reason', 'Attempts of refunds that were carried out before')::text, true);
    INSERT INTO invoicing_refundattempt (refund_id, number, key, lane, state, request, request_hash,
        by_id, started_at, ended_at, outcome, sentence, evidence)
    SELECT r.id, 1, gen_random_uuid(), r.lane,
        CASE WHEN r.state IN ('sending', 'unknown') THEN r.state ELSE 'sent' END,
        '{}', encode(sha256('{}'), 'hex'), coalesce(r.sender_id, r.approver_id, r.proposer_id),
        coalesce(r.sending_at, r.sent_at, r.confirmed_at, r.proposed_at),
        CASE WHEN r.state NOT IN ('sending', 'unknown') THEN greatest(r.sent_at, r.confirmed_at,
            r.sending_at, r.proposed_at) END,
        'before', '', '{}'
    FROM invoicing_refund r
    WHERE r.source = 'retour'
      AND r.state IN ('sending', 'unknown', 'sent', 'confirmed', 'reversed')
      AND NOT EXISTS (SELECT FROM invoicing_refundattempt a WHERE a.refund_id = r.id);
    PERFORM set_config('pghistory.context_id', '', true),
        set_config('pghistory.context_metadata', '', true);
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0014_waiting_refunds")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
