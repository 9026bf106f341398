"""People and the system actor. What a role may do is in ``roles.py``."""

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.core import roles
from config.core.trail import tracked

SYSTEM = "system"


class PeopleManager(UserManager):
    """Keeps the system actor at hand; it is looked up once a process."""

    def system(self) -> "User":
        """The actor of nightly rules, imports and sweepers."""
        return self.get(username=SYSTEM)


@tracked(
    exclude=("password", "last_login", "first_name", "last_name", "email", "preferences"),
)
class User(AbstractUser):
    """Somebody who works here. ``role`` decides the permissions; everyone sees all sellers."""

    role = models.CharField(max_length=16, choices=list(roles.ROLES.items()), default=roles.AGENT)
    is_system = models.BooleanField(default=False, editable=False)
    language = models.CharField(max_length=8, default="en")
    time_zone = models.CharField(max_length=40, default="UTC")
    preferences = models.JSONField(
        default=dict, blank=True, help_text=_("Remembered filters, density and keyboard switch.")
    )

    objects = PeopleManager()

    class Meta(AbstractUser.Meta):
        permissions = [("hand_over", "Pass on the work of somebody who leaves")]

    def __str__(self):
        return self.get_full_name() or self.username

    def save(self, *args, **kwargs):
        """The admin site is for admins; nobody else is staff."""
        self.is_staff = self.is_superuser or self.role == roles.ADMIN
        super().save(*args, **kwargs)


def ensure_system_actor(using: str) -> None:
    """Create the system actor; it cannot log in."""
    from config.core.trail import trail

    people = User.objects.using(using)
    if people.filter(username=SYSTEM).exists():
        return
    actor = User(username=SYSTEM, first_name="Retour", is_system=True, is_active=False)
    actor.set_unusable_password()
    with trail("migrate", by=actor, using=using):
        actor.save(using=using)
