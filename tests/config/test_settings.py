"""Settings come from the environment; what is missing or wrong is said in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DATABASE_URL": "postgres://app@localhost/retour",
    "DATABASE_OWNER_URL": "postgres://owner@localhost/retour",
    "SECRET_KEY": "kept-elsewhere-" + "y" * 50,
    "ALLOWED_HOSTS": "retour.example",
}


def ask(tmp_path: Path, expression: str, **given: str) -> subprocess.CompletedProcess:
    """Print one expression of the settings in a process with this environment only."""
    known = {"PATH": os.environ["PATH"], "RETOUR_RUN_DIR": str(tmp_path / "run")}
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings as s; print({expression})"],
        cwd=CHECKOUT,
        env=known | given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
        ({"DATABASE_OWNER_URL": ""}, "DATABASE_URL and DATABASE_OWNER_URL both"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "PostgreSQL 15 or newer only"),
    ],
)
def test_production_is_refused_without(tmp_path, change, sentence):
    refused = ask(tmp_path, "s.DEBUG", **(PRODUCTION | change))
    assert refused.returncode != 0
    assert sentence in refused.stderr.splitlines()[-1]


def test_production_is_strict(tmp_path):
    asked = (
        "s.DEBUG, s.RETOUR_DEMO, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_NAME, s.ALLOWED_HOSTS,"
        " 'smtp' in s.EMAIL_BACKEND, 'Manifest' in s.STORAGES['staticfiles']['BACKEND']"
    )
    said = ask(tmp_path, asked, **PRODUCTION).stdout.strip()
    assert said == "False False True __Host-session ['retour.example'] True True"


def test_no_url_means_demo_on_loopback(tmp_path):
    asked = "s.DEBUG, s.RETOUR_DEMO, s.ALLOWED_HOSTS, 'console' in s.EMAIL_BACKEND"
    said = ask(tmp_path, asked).stdout.strip()
    assert said == "False True ['127.0.0.1', 'localhost', '[::1]'] True"


def test_demo_key_is_made_once_and_closed(tmp_path):
    first, second = (ask(tmp_path, "s.SECRET_KEY").stdout.strip() for _ in range(2))
    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "run" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_log_lines_carry_no_personal_data(settings):
    from config.settings import _without_personal_data

    event = {"event": "mail_failed", "rma": "RMA-2026-000001", "email": "a@b.example", "Name": "A"}
    kept = _without_personal_data(None, "info", event)
    assert kept == {"event": "mail_failed", "rma": "RMA-2026-000001"}


def test_content_security_policy_allows_only_our_own(settings):
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert policy["script-src"] == policy["style-src"] == policy["default-src"] == ["'self'"]
    assert policy["object-src"] == policy["base-uri"] == ["'none'"]
