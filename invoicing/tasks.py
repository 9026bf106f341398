"""What invoicing does in the background. The rows hold the truth; a lost task is found again."""

import structlog
from celery import shared_task

log = structlog.get_logger(__name__)


@shared_task(name="invoicing.tasks.issue_document")
def issue_document(document_id: int) -> bool:
    """Gate, number and render one document."""
    from invoicing.documents import issue_due

    return issue_due(document_id)


@shared_task(name="invoicing.tasks.finish_documents")
def finish_documents() -> int:
    """Issue what is due or numbered and still waits (beat, every minute), and end the exceptions
    that waited for it.
    """
    from invoicing.documents import finish_documents as finish
    from invoicing.matches.refresh import refresh_issued

    done = finish()
    refresh_issued()
    return done


@shared_task(name="invoicing.tasks.send_deliveries")
def send_deliveries() -> int:
    """Prepare deliveries that were left out and send mails that wait (beat, every minute)."""
    from invoicing.delivery import prepare_missing
    from invoicing.delivery_mail import send_prepared

    return prepare_missing() + send_prepared()


@shared_task(name="invoicing.tasks.match_refunds")
def match_refunds(seller_ids: list[int] | None = None) -> int:
    """Tie settlement money to refunds (beat; imports do it at once); returns the rows tied."""
    from invoicing.matches.refresh import refresh
    from invoicing.matching import match_refunds as match

    matched = match(seller_ids)
    if matched.rows:
        refresh(seller_ids)
    return matched.rows


@shared_task(name="invoicing.tasks.refresh_matches")
def refresh_matches() -> int:
    """Compare everything again (beat, hourly): days pass, papers and goods come."""
    from invoicing.matches.refresh import refresh

    return refresh().written


@shared_task(name="invoicing.tasks.follow_supplies")
def follow_supplies() -> int:
    """Do what Amazon's tax rows still ask for (beat; imports do it at once)."""
    from invoicing.supplies import follow

    done = follow()
    return len(done.drafted) + len(done.recorded) + len(done.tied)


@shared_task(name="invoicing.tasks.send_feed")
def send_feed(feed_id: int) -> str:
    """Hand one prepared feed of refunds over to Amazon; returns its state."""
    from invoicing.sending.feeds import hand_over

    feed = hand_over(feed_id)
    return feed.state if feed else ""


@shared_task(name="invoicing.tasks.sweep_refunds")
def sweep_refunds() -> int:
    """Carry refunds of the feed lane on (beat, every 30 seconds); returns the feeds touched."""
    from invoicing.sending.sweeper import sweep

    return sum(len(ids) for ids in sweep().done.values())


@shared_task(name="invoicing.tasks.pull_finances")
def pull_finances() -> int:
    """Fetch the accounts' transactions from Amazon (beat, daily); returns the files imported.

    What one run had no time for is fetched by the next one, sent at once.
    """
    from invoicing.finances_pull import pull_all

    pulled = pull_all()
    files = sum(len(one.files) for one in pulled)
    if files and any(one.more for one in pulled):
        publish(pull_finances)
    return files


@shared_task(name="invoicing.tasks.post_ledger")
def post_ledger() -> int:
    """Post what no verb posted: exchange rates that came later, refunds from before the ledger."""
    from invoicing.ledger.posting import catch_up

    return catch_up()


def publish(task, *args) -> None:
    """Send a task; a broker that is away costs delay, the sweeper does the work later."""
    try:
        task.delay(*args)
    except Exception as error:  # noqa: BLE001 any broker failure means: later
        log.warning("task_not_published", task=task.name, error=type(error).__name__)
