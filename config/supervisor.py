"""What `make run` runs: the demo on one machine, stopped as one.

Embedded servers, migrations, demo data and static files first, then web, worker and beat as
children. A child that dies is started again; one Ctrl-C, or the end of this process, ends all.
Production uses a process manager instead and the same three commands.
"""

import contextlib
import ctypes
import hashlib
import http.client
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from config import embedded
from config.programs import CHECKOUT, HOME, RUN_DIR
from config.sharing import Unusable

HOST = "127.0.0.1"
PYTHON = sys.executable
GRACE = 20  # seconds a child may take to end by itself
RESTARTS = 5  # of one child; then something is wrong that a restart does not heal
QUEUES = "default,imports,documents,reports"
STATIC_SOURCES = ("static", "requirements.txt")


class Stopped(BaseException):
    """Somebody asked this process to end (Ctrl-C, SIGTERM or a closed terminal)."""


class Asked:
    """Whether somebody asked us to end. An exception raised from a signal can get lost in code
    that swallows it, so every loop and step looks here as well.
    """

    to_stop = False
    at_once = False  # only while preparing, which takes long and looks nowhere

    @classmethod
    def by_signal(cls, _number: int, _frame: object) -> None:
        """The handler of all signals that end us."""
        cls.to_stop = True
        if cls.at_once:
            raise Stopped

    @classmethod
    def check(cls) -> None:
        """Raise Stopped when asked."""
        if cls.to_stop:
            raise Stopped


# --- The children ------------------------------------------------------------------------------
def commands(port: int) -> dict[str, list[str]]:
    """The three processes of the desk; also what a production process manager would run."""
    web = ["--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--workers", "2"]
    web += ["--threads", "4", "--preload", "--graceful-timeout", "10", "--log-level", "warning"]
    queue = [PYTHON, "-m", "celery", "--app", "config", "--quiet"]
    worker = ["--queues", QUEUES, "--concurrency", "2", "--loglevel", "WARNING"]
    beat = ["--schedule", str(RUN_DIR / "beat"), "--pidfile=", "--loglevel", "WARNING"]
    return {
        "web": [PYTHON, "-m", "gunicorn", "config.wsgi", *web],
        "worker": [*queue, "worker", *worker, "--without-gossip", "--without-mingle"],
        "beat": [*queue, "beat", *beat],
    }


def _dies_with_us() -> None:
    """In the child: the kernel ends it when this process dies without a word."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Children:
    """Processes in groups of their own, so that Ctrl-C reaches only us and we end them in order."""

    def __init__(self, lines: dict[str, list[str]], prints: IO[bytes] | None = None) -> None:
        self.lines, self.prints = lines, prints
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.started = dict.fromkeys(lines, 0)

    def start(self, name: str) -> None:
        """Start one child."""
        self.started[name] += 1
        self.running[name] = subprocess.Popen(
            self.lines[name],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONWARNINGS": "ignore:You're running the worker"},
            stdin=subprocess.DEVNULL,
            stdout=self.prints,
            start_new_session=True,
            preexec_fn=_dies_with_us,  # noqa: PLW1509 no threads here yet
        )

    def watch(self) -> None:
        """Start dead children again until told to stop; raise when one cannot live."""
        while True:
            Asked.check()
            for name, process in self.running.items():
                if process.poll() is None:
                    continue
                if self.started[name] > RESTARTS:
                    raise SystemExit(f"{name} ended {RESTARTS} times; the reason is said above.")
                print(f"{name} ended ({process.returncode}); starting it again.", flush=True)
                self.start(name)
            time.sleep(0.2)

    def stop(self) -> None:
        """End all: asked first, killed with everything they started after the grace period."""
        for process in self.running.values():
            _signal_group(process, signal.SIGTERM, whole_group=False)
        until = time.monotonic() + GRACE
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, until - time.monotonic()))
            _signal_group(process, signal.SIGKILL, whole_group=True)
            process.wait()


def _signal_group(
    process: subprocess.Popen[bytes], sent: signal.Signals, *, whole_group: bool
) -> None:
    with contextlib.suppress(ProcessLookupError):
        if whole_group:
            os.killpg(process.pid, sent)
        elif process.poll() is None:
            process.send_signal(sent)


# --- Before they start -------------------------------------------------------------------------
def refuse_busy(port: int) -> None:
    """Exit with a sentence when the port is taken, before anything was started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SystemExit(
                f"Port {port} is in use. Stop what uses it, or choose another: "
                f"make run PORT={port + 1}"
            ) from None


def prepare() -> None:
    """Migrate, collect static files where they changed, and seed an empty database."""
    import django
    from django.core.management import CommandError, call_command

    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.db import connections

    embedded_database = not settings.DATABASE_URL
    if embedded_database and _seeding().exists():
        print("The last start was stopped while it made demo data; starting over.", flush=True)
        embedded.empty_database()
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except CommandError as refused:
        raise SystemExit(str(refused)) from None
    _collect_static(settings.STATIC_ROOT)
    empty = not apps.get_model("orders", "Seller").objects.exists()
    connections.close_all()
    if empty and embedded_database:
        _seed(os.environ.get("RETOUR_DEMO_RMAS", "2000"))


def _seeding() -> Path:
    """Exists while demo data is half made."""
    return HOME / "seeding"


def _seed(rmas: str) -> None:
    if rmas == "0":
        return
    print(f"Making demo data: {rmas} returns through the real steps.", flush=True)
    _seeding().touch()
    seed = [PYTHON, "manage.py", "seed_demo", "--rmas", rmas, "--seed", "1"]
    if subprocess.run(seed, cwd=CHECKOUT, check=False).returncode:
        raise SystemExit("The demo data could not be made; the reason is said above.")
    _seeding().unlink()


def _collect_static(root: Path) -> None:
    from django.core.management import call_command

    stamp, now = root.with_name(root.name + ".stamp"), _static_fingerprint()
    if root.exists() and stamp.exists() and stamp.read_text() == now:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(now)


def _static_fingerprint() -> str:
    sources = [CHECKOUT / name for name in STATIC_SOURCES]
    files = sorted(file for source in sources for file in [source, *source.rglob("*")])
    seen = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


# --- Ready -------------------------------------------------------------------------------------
def wait_until_ready(children: Children, port: int, seconds: float = 90) -> None:
    """Return once the web answers; this first answer also warms it up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        Asked.check()
        if children.running["web"].poll() is not None:
            raise SystemExit("The web process did not start; the reason is said above.")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(HOST, port, timeout=20)
            connection.request("GET", "/login/")
            if connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR:
                return
        time.sleep(0.1)
    raise SystemExit("The web process did not answer; the reason may be said above.")


def _mail_log() -> Path:
    """What the children print: the demo's mails. Warnings and errors go to the terminal."""
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    return RUN_DIR / "mail.log"


def announce(port: int) -> None:
    """Say where, who may come in, and that this is no place for real data."""
    print(f"\nReady: http://{HOST}:{port}")
    if not os.environ.get("DATABASE_URL"):
        print(*demo_logins(), sep="\n  ")
    print(f"Mail to buyers is not sent but written to {_mail_log()}")
    print("This is a demo on this machine only, not for production. Ctrl-C stops everything.")
    sys.stdout.flush()


def demo_logins() -> list[str]:
    """The demo's people as lines of text: user name, role, password."""
    demo = importlib.import_module("returns.demo.catalogue")
    lines = [f"{username:<10} {name}" for username, _role, name in demo.PEOPLE]
    return [f"Everybody's password is {demo.PASSWORD}", *lines]


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the signals that end us into one exception; a second one while ending is ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, Asked.by_signal)
    try:
        yield
    except Stopped:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def servers(stack: contextlib.ExitStack) -> None:
    """The embedded servers where no URL names others; they stop when the stack is left."""
    if not os.environ.get("DATABASE_URL"):
        stack.enter_context(embedded.postgres())
    if not os.environ.get("CELERY_BROKER_URL"):
        stack.enter_context(embedded.valkey())


def run(port: int) -> None:
    """Everything, until somebody stops it."""
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: print("Stopped.", flush=True))
        with _stoppable():
            servers(stack)
            children = Children(commands(port), stack.enter_context(_mail_log().open("ab")))
            stack.callback(children.stop)
            Asked.check()
            Asked.at_once = True
            prepare()
            Asked.at_once = False
            Asked.check()
            for name in children.lines:
                children.start(name)
            wait_until_ready(children, port)
            announce(port)
            children.watch()
        print("\nStopping…", flush=True)


def main() -> int:
    """`python -m config.supervisor`, with PORT in the environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("RETOUR_DEMO", "1")
    os.chdir(CHECKOUT)
    os.umask(0o077)  # what we write is for this user only
    port = int(os.environ.get("PORT") or 8000)
    refuse_busy(port)
    try:
        run(port)
    except Unusable as unusable:
        print(unusable, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
