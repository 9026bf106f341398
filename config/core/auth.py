"""Permissions of a person: those of the group that carries the role's name.

A request reads the person and their permissions in one query.
"""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, Value
from django.db.models.functions import Concat

from config.core.models import User

NAMES = (
    Permission.objects.order_by()
    .annotate(
        full_name=Concat(
            "content_type__app_label", Value("."), "codename", output_field=CharField()
        )
    )
    .values_list("full_name", flat=True)
)
PEOPLE = User.objects.annotate(
    role_permissions=ArraySubquery(NAMES.filter(group__name=OuterRef("role")))
)


class RoleBackend(ModelBackend):
    """Django's password check with permissions from the user's one role."""

    def get_user(self, user_id):
        """The person of a session with their permissions, or None when they may not log in."""
        person = PEOPLE.filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None

    def get_all_permissions(self, user_obj, obj=None):
        """Names of all permissions (``app_label.codename``), kept on the user for the request."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_role_permissions"):
            user_obj._role_permissions = self._of_role(user_obj)
        return user_obj._role_permissions

    def _of_role(self, user_obj):
        if user_obj.is_superuser:
            return set(NAMES.all())
        if hasattr(user_obj, "role_permissions"):
            return set(user_obj.role_permissions)
        return set(NAMES.filter(group__name=user_obj.role))
