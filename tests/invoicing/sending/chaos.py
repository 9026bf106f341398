"""A house of its own to break: PostgreSQL, Valkey and a Celery worker in a temporary folder, each
killed without a word and started again, while `clerk.py` works in it. Harms nobody else's servers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections

from config import programs

CHECKOUT = settings.BASE_DIR
PYTHON = sys.executable
TIMES = {"SENDING_HOLD": 0, "SENDING_WINDOW": 1, "SENDING_LEASE": 4, "SENDING_POLL": 1}
OVER = ("sent", "confirmed", "failed", "unknown")


class House:
    """The servers, the worker and what they keep."""

    def __init__(self, folder: Path, amazon: dict[str, str]) -> None:
        known = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        self.folder = folder
        self.env = known | {
            "RETOUR_RUN_DIR": str(folder / "run"),
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": "only-for-tests-" + "x" * 50,
            "LOG_LEVEL": "ERROR",
            "AMAZON_TIMEOUT": "2",
            **{name: str(seconds) for name, seconds in TIMES.items()},
            **amazon,
        }
        self.worker: subprocess.Popen | None = None
        self.killed = {"worker": 0, "broker": 0, "postgres": 0}

    def __enter__(self) -> "House":
        try:
            where = self._servers("start")
            self.home = Path(where.rpartition("data: ")[2].strip())
            self.sockets = where.rpartition("sockets: ")[2].partition("\n")[0].strip()
            self._copy_database()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *args) -> None:
        if self.worker:
            self._kill_worker()
        self._servers("stop")
        self._servers("reset")

    # --- Running ----------------------------------------------------------------------------
    def run(self, *command: str) -> str:
        """Run a program of this house to its end; what it printed."""
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    def clerk(self, *arguments: str) -> str:
        return self.run(PYTHON, "-m", "tests.invoicing.sending.clerk", *arguments)

    def clerk_at_work(self, *arguments: str) -> subprocess.Popen:
        """The same, in the background."""
        command = [PYTHON, "-m", "tests.invoicing.sending.clerk", *arguments]
        return self._begin("clerk", command)

    def start_worker(self) -> None:
        command = [
            PYTHON, "-m", "celery", "--app", "tests.invoicing.sending.chaos_app", "--quiet",
            "worker", "--beat", "--schedule", str(self.folder / "beat"), "--concurrency", "2",
            "--queues", "default", "--loglevel", "ERROR", "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        self.worker = self._begin("worker", command)

    def _begin(self, name: str, command: list[str]) -> subprocess.Popen:
        with (self.folder / f"{name}.log").open("a") as log:
            return subprocess.Popen(
                command, cwd=CHECKOUT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    # --- Killing ----------------------------------------------------------------------------
    def kill(self, what: str, pause: float) -> None:
        """SIGKILL one of them, wait, and start it again."""
        steps: dict[str, tuple[Callable, Callable]] = {
            "worker": (self._kill_worker, self.start_worker),
            "broker": (self._kill_broker, lambda: self._servers("start")),
            "postgres": (self._kill_postgres, lambda: self._servers("start")),
        }
        end, start = steps[what]
        end()
        self.killed[what] += 1
        time.sleep(pause)
        start()

    def _kill_worker(self) -> None:
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()

    def _kill_broker(self) -> None:
        os.kill(int((self.home / "valkey.pid").read_text()), signal.SIGKILL)

    def _kill_postgres(self) -> None:
        first = (self.home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]
        os.kill(int(first), signal.SIGKILL)

    # --- Asking -----------------------------------------------------------------------------
    def quiet(self) -> bool:
        """Whether every refund is over, or unknown, and no file waits to be handed over or read."""
        with psycopg.connect(host=self.sockets, user="retour_app", dbname="retour") as db:
            over = ", ".join(f"'{state}'" for state in OVER)
            row = db.execute(
                f"SELECT (SELECT count(*) FROM invoicing_refund WHERE state NOT IN ({over})),"
                " (SELECT count(*) FROM invoicing_feed"
                "  WHERE state IN ('prepared', 'creating', 'submitted'))"
            ).fetchone()
        return row == (0, 0)

    def judge(self) -> dict:
        return json.loads(self.clerk("judge").splitlines()[-1])

    # --- Servers ----------------------------------------------------------------------------
    def _servers(self, verb: str) -> str:
        return self.run(PYTHON, "-m", "config.embedded", verb)

    def _copy_database(self) -> None:
        """The test's fresh database, for migrating another one takes a minute."""
        source, dump = connections["owner"].settings_dict, self.folder / "dump"
        asked = ["-h", source["HOST"], "-U", source["USER"], "-Fc", "--no-owner", "-f", str(dump)]
        name = settings.DATABASES["default"]["NAME"]
        self.run(str(programs.binary("pg_dump")), *asked, name)
        into = ["-h", self.sockets, "-U", "retour_owner", "-d", "retour", "--no-owner"]
        self.run(str(programs.binary("pg_restore")), *into, "--exit-on-error", str(dump))
