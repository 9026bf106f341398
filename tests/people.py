"""The people of the tests, one a role; made in the database where a test asks for them."""

from types import SimpleNamespace

from tests.factories import make_user


def team() -> SimpleNamespace:
    """One person a role, and a second lead and finance clerk for what needs two."""
    people = {role: make_user(role) for role in ("agent", "inspector", "lead", "finance")}
    others = {role: make_user(role) for role in ("auditor", "admin")}
    return SimpleNamespace(
        **people, **others, lead2=make_user("lead"), finance2=make_user("finance")
    )
