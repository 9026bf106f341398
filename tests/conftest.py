"""What every test stands on: real PostgreSQL in two roles, no other machine, clean files."""

import ipaddress
import os
import shutil
import socket
from contextlib import ExitStack

import pytest
from django.conf import settings as django_settings
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from config import embedded
from config.core import filterbar
from tests import database
from tests.amazon.fixtures import fake_amazon  # noqa: F401 a fixture
from tests.soak import EXAMPLES, FULL

# A failure prints the blob that reproduces it, and make soak the seed of the whole run.
settings.register_profile(
    "soak",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # two workers and a server share two cores
)
if FULL:
    settings.load_profile("soak")


def pytest_report_header(config):
    """Which official e-invoice rules this run proves: those that are installed."""
    from invoicing.einvoice import rulesets  # settings are ready only now

    installed = rulesets.versions().items()
    found = [f"{name} {file['version']}".strip() for name, file in installed]
    lacking = [f"{key} ({', '.join(rulesets.missing(key))})" for key in rulesets.unusable()]
    return [f"e-invoice rules: {'; '.join(found)}", f"not provable here: {lacking or 'nothing'}"]


def pytest_collection_modifyitems(items):
    """What hypothesis drives is a property, wherever it stands."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.property)


def pytest_generate_tests(metafunc):
    """At full size a race is run as often as it says: what is rare must have its chance."""
    marker = metafunc.definition.get_closest_marker("full_size")
    if FULL and marker and marker.kwargs.get("times", 1) > 1:
        metafunc.fixturenames.append("again")
        metafunc.parametrize("again", range(marker.kwargs["times"]))


@pytest.fixture(scope="session")
def database_server():
    """The PostgreSQL of DATABASE_URL, or the embedded one, left as it was found."""
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            stack.enter_context(embedded.postgres())
        yield


@pytest.fixture(scope="session")
def broker():
    """The broker of CELERY_BROKER_URL, or the embedded Valkey, left as it was found."""
    with ExitStack() as stack:
        if not os.environ.get("CELERY_BROKER_URL"):
            stack.enter_context(embedded.valkey())
        yield django_settings.CELERY_BROKER_URL


@pytest.fixture(scope="session")
def django_db_setup(request, django_test_environment, django_db_blocker, database_server):
    """One database per worker, copied from a template that was migrated once."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    name = "_".join(filter(None, [django_settings.TEST_DATABASE_NAME, worker]))
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(database.copied_database(name))
        yield
        with django_db_blocker.unblock():
            stack.close()


@pytest.fixture(scope="session", autouse=True)
def _restore_after_commit():
    """A test that commits leaves the database as the migrations made it (in the owner's role)."""
    patch = pytest.MonkeyPatch()
    patch.setattr(
        TransactionTestCase,
        "_fixture_teardown",
        lambda self: database.restore(django_settings.DATABASES["default"]["NAME"]),
    )
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_kept_choices():
    """What a process keeps of sellers and marketplaces is not what the last test had."""
    filterbar.forget()


def pytest_sessionfinish():
    """Files that tests store go with the run."""
    shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _no_other_machine():
    """Connections leave this process only to this machine."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded(self, address):
        if self.family != socket.AF_UNIX and not _is_here(address[0]):
            raise RuntimeError(f"A test tried to reach {address}: only this machine is allowed.")
        return connect(self, address)

    def guarded_look_up(host, *args, **kwargs):
        if host is not None and not _is_here(host):
            raise RuntimeError(f"A test tried to look up {host}: only this machine is allowed.")
        return look_up(host, *args, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


def _is_here(host) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in {"localhost", "", socket.gethostname()}
