"""A test that commits leaves nothing behind, and takes nothing that migrations put there."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from tests import database

pytestmark = pytest.mark.django_db(transaction=True)


def test_restore_brings_back_deleted_reference_rows(settings):
    before = set(Permission.objects.values_list("pk", "codename"))
    Group.objects.all().delete()
    Permission.objects.filter(codename__startswith="add").delete()
    database.restore(settings.DATABASES["default"]["NAME"])
    assert set(Permission.objects.values_list("pk", "codename")) == before
    assert Group.objects.filter(permissions__isnull=False).exists()


def test_restore_empties_tables_and_their_trail(settings, django_user_model):
    events = apps.get_model("core", "UserEvent").objects
    people, changes = django_user_model.objects.count(), events.count()
    django_user_model.objects.create_user("committed", password="a long enough password")
    assert events.count() == changes + 1
    database.restore(settings.DATABASES["default"]["NAME"])
    assert django_user_model.objects.count() == people
    assert events.count() == changes
