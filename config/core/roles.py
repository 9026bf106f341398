"""Roles and what each may do; every room registers its own table, core only keeps the list.

The groups in the database are synchronised from these tables after each migrate.
"""

from collections import defaultdict
from typing import Any

from config.core.refused import Refused

AGENT, INSPECTOR, LEAD, FINANCE, AUDITOR, ADMIN = (
    "agent",
    "inspector",
    "lead",
    "finance",
    "auditor",
    "admin",
)
ROLES = {
    AGENT: "Agent",
    INSPECTOR: "Inspector",
    LEAD: "Team lead",
    FINANCE: "Finance",
    AUDITOR: "Auditor",
    ADMIN: "Admin",
}
EVERYONE = tuple(ROLES)

_table: dict[str, set[str]] = defaultdict(set)


def register(permissions: dict[str, tuple[str, ...]]) -> None:
    """Add a room's table: ``{"returns.approve_rma": (LEAD, AGENT), …}``."""
    for permission, roles in permissions.items():
        for role in roles:
            _table[role].add(permission)


def permissions_of(role: str) -> frozenset[str]:
    """The permissions a role has, as ``app_label.codename``."""
    return frozenset(_table[role])


def may(user: Any, permission: str) -> bool:
    """Whether a person may do this; the system actor may run every verb."""
    return user.is_system or user.has_perm(permission)


def require(user: Any, permission: str) -> None:
    """Raise ``Refused`` when the person's role does not hold the permission."""
    if not may(user, permission):
        verb = permission.partition(".")[2].replace("_", " ")
        raise Refused("forbidden", f"Your role may not {verb}. Ask a lead or an admin.")


def sync_groups(using: str) -> None:
    """Make the groups and their permissions equal the registered tables."""
    from django.contrib.auth.models import Group, Permission

    held = Group.permissions.through.objects.using(using)
    ids = {
        f"{app}.{code}": pk
        for pk, app, code in Permission.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for role in ROLES:
        group, _ = Group.objects.using(using).get_or_create(name=role)
        wanted = {ids[name] for name in _table[role] if name in ids}
        held.filter(group_id=group.pk).exclude(permission_id__in=wanted).delete()
        have = set(held.filter(group_id=group.pk).values_list("permission_id", flat=True))
        held.bulk_create(
            held.model(group_id=group.pk, permission_id=pk) for pk in sorted(wanted - have)
        )
