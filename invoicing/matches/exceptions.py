"""The verbs of people on exceptions: take, hand over, note, explain, reopen.

Every verb runs in one transaction under the match's lock (its refund's first, in the house's
order) and compares the rows again before it decides: nobody explains what stands no more. An
explanation holds for the figures it was given for; other figures open the exception again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from config.core.models import User
from config.core.refused import Refused
from config.core.roles import may, require
from config.core.trail import trail
from invoicing import refund_row
from invoicing.matches import rules
from invoicing.matches.refresh import refresh_refunds
from invoicing.models import Match
from invoicing.models.match import Cause, Kind, Result
from invoicing.models.refund import Source
from invoicing.states import RefundState

PERMISSION = "invoicing.resolve_match"


@dataclass(frozen=True)
class BulkExplained:
    """What a bulk did: the matches it explained, and why it left others, by id."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)


def take(match: Match | int, *, by) -> Match:
    """Make an exception one's own. Refused: "not_found", "state", "forbidden"."""
    return hand_to(match, by, by=by)


def hand_to(match: Match | int, owner: User | None, *, by) -> Match:
    """Hand an exception to somebody who may resolve it, or back to nobody. Refused: "owner" too."""
    require(by, PERMISSION)
    if owner is not None and not (owner.is_active and may(owner, PERMISSION)):
        raise Refused("owner", _("%(name)s may not resolve exceptions.") % {"name": owner})
    with _changing("hand_over_match", match, by=by) as row:
        row.owner = owner
    return row


def note(match: Match | int, *, by, text: str) -> Match:
    """Write down what is known about an exception; an empty text takes the note away."""
    with _changing("note_match", match, by=by, states=(Result.OPEN, Result.EXPLAINED)) as row:
        row.note = text.strip()[:500]
    return row


def explain(match: Match | int, *, by, resolution: str, reason: str) -> Match:
    """Say why something does not tie; it leaves the list as long as its figures stay.

    Accepting another amount on a sent refund of ours confirms the refund with what was seen
    (``refunds.accept_difference``, which asks for its own permission). Refused: "resolution",
    "reason", "state", "changed" and what accepting refuses.
    """
    reason = _need_reason(reason)
    if resolution not in rules.RESOLUTIONS:
        raise Refused("resolution", _("Choose from the list what became of it."))
    with _changing("explain_match", match, by=by, reason=reason) as row:
        if resolution == rules.TIMING and row.cause not in rules.MAY_BE_TIMING:
            raise Refused("resolution", _("This does not end by waiting. Choose another answer."))
        if resolution == rules.ACCEPTED and _accepts_amount(row):
            _accept(row, by, reason)
        row.result, row.resolution, row.note = Result.EXPLAINED, resolution, reason[:500]
        row.resolved_by, row.resolved_at = by, timezone.now()
        row.explained_hash = row.figures_hash
        row.owner = row.owner or (None if by.is_system else by)
    return row


def explain_many(matches: Iterable[int], *, by, resolution: str, reason: str) -> BulkExplained:
    """Explain several exceptions of one cause alike, each in a transaction of its own.

    Refused: "cause" when they have different ones; what one of them refuses is in the result.
    """
    require(by, PERMISSION)
    ids = sorted(set(matches))
    if len(set(Match.objects.filter(pk__in=ids).values_list("cause", flat=True))) > 1:
        raise Refused("cause", _("Explain exceptions of one cause together, not of several."))
    done = BulkExplained()
    for pk in ids:
        try:
            explain(pk, by=by, resolution=resolution, reason=reason)
            done.done.append(pk)
        except Refused as no:
            done.refused[pk] = no
    return done


def reopen(match: Match | int, *, by, reason: str) -> Match:
    """Take an explanation back: the exception is open again. Refused: "reason", "state"."""
    reason = _need_reason(reason)
    with _changing("reopen_match", match, by=by, reason=reason, states=(Result.EXPLAINED,)) as row:
        row.result, row.resolution, row.explained_hash = Result.OPEN, "", ""
        row.resolved_by = row.resolved_at = None
        row.note, row.since = reason[:500], timezone.now()
    return row


# --- Parts ---------------------------------------------------------------------------------------


@contextmanager
def _changing(
    verb: str, match: Match | int, *, by, reason: str = "", states=(Result.OPEN,)
) -> Iterator[Match]:
    """Permission, transaction, locks, a fresh comparison, state; then save."""
    require(by, PERMISSION)
    pk = match if isinstance(match, int) else match.pk
    seen = match.figures_hash if isinstance(match, Match) else None
    with trail(verb, by=by, reason=reason):
        row = _locked(pk)
        if row.result not in states:
            raise _elsewhere(row)
        if seen is not None and seen != row.figures_hash:
            raise Refused("changed", _("The figures changed meanwhile. Look again, then decide."))
        yield row
        row.version += 1
        row.save()


def _locked(pk: int) -> Match:
    """The row as it stands now, locked: its refund first, as every verb does."""
    known = Match.objects.select_related("refund").filter(pk=pk).first()
    if known is None:
        raise Refused("not_found", _("This exception does not exist."))
    if known.refund:
        refund_row.one(known.refund.key)
        refresh_refunds([known.refund_id])
    return Match.objects.select_for_update(of=("self",)).select_related("refund").get(pk=pk)


def _elsewhere(row: Match) -> Refused:
    if row.result == Result.MATCHED:
        return Refused("state", _("It ties by now: nothing is left to do."))
    if row.result == Result.EXPLAINED:
        name = row.resolved_by
        return Refused("state", _("%(name)s explained it already: %(note)s")
                       % {"name": name, "note": row.note})  # fmt: skip
    return Refused("state", _("It is open already."))


def _accepts_amount(row: Match) -> bool:
    """Whether accepting means: our sent refund is confirmed with the amount Amazon shows."""
    refund = row.refund
    return (
        row.kind == Kind.RETURN
        and row.cause in (Cause.AMOUNT, Cause.VAT)
        and refund.source == Source.RETOUR
        and refund.state == RefundState.SENT
        and row.seen is not None
        and row.difference != 0
    )


def _accept(row: Match, by, reason: str) -> None:
    """Confirm the refund with what was seen; the row takes over what that makes of it."""
    from invoicing import refunds

    refunds.accept_difference(row.refund.key, by=by, reason=reason)
    row.refresh_from_db()


def _need_reason(reason: str) -> str:
    if not reason.strip():
        raise Refused("reason", _("Say why in a few words; the reason is kept with the exception."))
    return reason.strip()
