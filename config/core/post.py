"""Handing one mail to the mail server, and what its answer means: sent, refused, later, or away.

What a room keeps of that (states, problems, whose address is bad) stays in the room.
"""

import smtplib

import structlog
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)
SENT, REFUSED, LATER, AWAY = "sent", "refused", "later", "away"
PERMANENT = 500  # from here on a server's code means: never; below: try again (RFC 5321 §4.2.1)
CLOSING = 421  # the server says good-bye; it means no mail in particular
# The server has something against us, not against this mail: nothing can go out now.
OURS = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
)


def hand_over(mail: EmailMessage, **names) -> str:
    """Send one mail; returns SENT, REFUSED (for good), LATER (greylisting), or AWAY (no server).

    ``names`` say in the log which mail it was; never an address.
    """
    try:
        mail.send()
    except OURS as error:
        return _away(error)
    except smtplib.SMTPRecipientsRefused as error:
        return _not_taken(max(code for code, _text in error.recipients.values()), names)
    except smtplib.SMTPResponseException as error:
        return _away(error) if error.smtp_code == CLOSING else _not_taken(error.smtp_code, names)
    except (smtplib.SMTPException, OSError) as error:
        return _away(error)
    except ValueError as error:  # no mail can have such an address or header
        log.warning("mail_not_possible", error=type(error).__name__, **names)
        return REFUSED
    return SENT


def _away(error: Exception) -> str:
    log.warning("mail_server_away", error=type(error).__name__)
    return AWAY


def _not_taken(code: int, names: dict) -> str:
    """The server refused this one mail: for good, or for now (such as greylisting)."""
    if code < PERMANENT:
        log.info("mail_put_off", code=code, **names)
        return LATER
    log.warning("mail_refused", code=code, **names)
    return REFUSED
