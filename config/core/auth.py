"""Permissions of a person: those of the group that carries the role's name, in one query."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class RoleBackend(ModelBackend):
    """Django's password check with permissions from the user's one role."""

    def get_all_permissions(self, user_obj, obj=None):
        """Names of all permissions (``app_label.codename``), kept on the user for the request."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_role_permissions"):
            user_obj._role_permissions = self._of_role(user_obj)
        return user_obj._role_permissions

    def _of_role(self, user_obj):
        permissions = Permission.objects.order_by()
        if not user_obj.is_superuser:
            permissions = permissions.filter(group__name=user_obj.role)
        rows = permissions.values_list("content_type__app_label", "codename")
        return {f"{app}.{code}" for app, code in rows}
