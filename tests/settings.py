"""The settings of a test run: the one settings file, with the environment a test run has."""

import os
import tempfile
from pathlib import Path

RUN = {
    "CELERY_TASK_ALWAYS_EAGER": "1",  # a task runs where it is sent from, unless a test says so
    "DATA_DIR": tempfile.mkdtemp(prefix="retour-tests-"),  # removed by conftest.py
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
