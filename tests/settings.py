"""The settings of a test run: the one settings file, with the environment a test run has."""

import os
import tempfile
from pathlib import Path


def _data_folder() -> str:
    """Of this process: two workers in one folder would count each other's files."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:  # what it starts finds the same folder by the same name
        run = os.environ["PYTEST_XDIST_TESTRUNUID"]
        folder = Path(tempfile.gettempdir(), f"retour-tests-{run}-{worker}")
        folder.mkdir(mode=0o700, exist_ok=True)
        return str(folder)
    given = os.environ.get("DATA_DIR", "")  # only our own: a run removes it at its end
    ours = Path(given).name.startswith("retour-tests-")
    return given if ours else tempfile.mkdtemp(prefix="retour-tests-")


os.environ["DATA_DIR"] = _data_folder()  # removed by conftest.py
RUN = {
    "CELERY_TASK_ALWAYS_EAGER": "1",  # a task runs where it is sent from, unless a test says so
    "LOG_LEVEL": "WARNING",
    "RETOUR_DEMO": "1",
    "RETOUR_STATIC": "finders",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
}
RULES = Path(__file__).resolve().parents[2] / "shared" / "einvoice"
if RULES.is_dir():  # rules beside the checkout; without them only the packaged ones are tested
    RUN["RULES_DIR"] = str(RULES)
for name, value in RUN.items():
    os.environ.setdefault(name, value)

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# What retention may and the app may not: triggers let the owner's role pass with this setting.
DATABASES["owner"]["OPTIONS"]["options"] += " -c retour.maintenance=on"  # noqa: F405
