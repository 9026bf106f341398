"""The PostgreSQL and Valkey that start by themselves when no URL is given: demo, tests, trying out.

Everything they keep lies under the run folder (.run), or, for root, under /var/lib in a folder of
our own, because PostgreSQL refuses to run as root and the checkout may be closed to other users.
They listen on unix sockets in a folder that only their user (and root) can enter. Whoever uses a
server holds a shared lock; the last to leave stops it. Not for production. Knows no Django.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg

from config import sharing
from config.programs import HOME, NAME, RUN_DIR, as_server_user, binary, major_version, own
from config.sharing import Unusable, wait_until

DATABASE, OWNER, APP = "retour", "retour_owner", "retour_app"
NOBODY = "4194305"  # above the largest process id that Linux gives
SOCKET_PATH_LIMIT = 107  # bytes, sun_path on Linux
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
}


# --- Where things are --------------------------------------------------------------------------
def sockets() -> Path:
    """Folder of the sockets; a short one of this user's where the usual path is too long."""
    usual = HOME / "s"
    if len(str(usual / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
        return usual
    return Path("/tmp") / f"{NAME}-{os.getuid()}"  # noqa: S108 made 0700, owner checked


def connection(role: str) -> dict[str, str]:
    """Django's connection settings of one role to the embedded database."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": role,
        "HOST": str(sockets()),
    }


def broker_url() -> str:
    """Celery's address of the embedded Valkey (a unix socket)."""
    return f"redis+socket://{sockets()}/valkey.sock"


def _data() -> Path:
    return HOME / "postgres"


# --- PostgreSQL --------------------------------------------------------------------------------
def _postgres_pid() -> int | None:
    """Process id of our running PostgreSQL, None when the pid file is missing or stale."""
    try:
        pid = int((_data() / "postmaster.pid").read_text().split("\n", 1)[0])
        ours = str(_data()) in Path(f"/proc/{pid}/cmdline").read_text()
    except (OSError, ValueError):
        return None
    return pid if ours else None


def _pg_ctl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [str(binary("pg_ctl")), "-D", str(_data()), "-w", "-t", "60", *arguments]
    with (HOME / "pg_ctl.log").open("w") as log:
        return subprocess.run(command, stdout=log, stderr=log, check=False, **as_server_user())


def _refuse_other_version() -> None:
    written = (_data() / "PG_VERSION").read_text().strip()
    if written != major_version():
        raise Unusable(
            f"The demo data was written by PostgreSQL {written}, this checkout brings "
            f"{major_version()}. Run `make reset-demo` to start over with fresh demo data."
        )


def _initialise() -> None:
    """initdb, beside the final place first: a half-made cluster is never taken for one."""
    making = HOME / "postgres.new"
    shutil.rmtree(making, ignore_errors=True)
    command = [
        str(binary("initdb")),
        "-D",
        str(making),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--no-locale",
    ]
    if int(major_version()) >= 17:  # upper("ü") is "Ü" without any system locale
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(
        [*command, "--no-instructions"],
        capture_output=True,
        text=True,
        check=False,
        **as_server_user(),
    )
    if made.returncode:
        raise Unusable(f"initdb of the embedded PostgreSQL failed:\n{made.stdout}{made.stderr}")
    with (making / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    (HOME / "roles-made").unlink(missing_ok=True)
    making.rename(_data())


def _as_superuser() -> psycopg.Connection:
    return psycopg.connect(host=str(sockets()), user="postgres", dbname="postgres", autocommit=True)


def _create_roles() -> None:
    """The two roles and the database where they are missing; the app's role owns nothing."""
    with _as_superuser() as db:
        for role, rights in ((OWNER, "LOGIN CREATEDB"), (APP, "LOGIN")):
            if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                db.execute(f"CREATE ROLE {role} {rights}")
        known = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not known.fetchone():
            db.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0")


def empty_database() -> None:
    """Drop the database and make it anew; the server must run."""
    with _as_superuser() as db:
        db.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    _create_roles()


def _start_postgres() -> None:
    """Start PostgreSQL if it does not run; the caller holds the start lock."""
    if _postgres_pid():  # perhaps still starting: whoever started it was killed
        wait_until(
            _accepts, f"The embedded PostgreSQL does not answer; see {HOME}/postgres.log", 60
        )
        return
    if not _data().exists():
        _initialise()
    _refuse_other_version()
    _disown_pid_file()
    for left in own(sockets()).glob(".s.PGSQL.*"):
        left.unlink()
    _launch_postgres()
    if not (HOME / "roles-made").exists():
        _create_roles()
        (HOME / "roles-made").touch()


def _disown_pid_file() -> None:
    """Name nobody in the pid file of a crash: its number may meanwhile be somebody else's.

    Only the number: the rest lets PostgreSQL see whether children of the dead one still live.
    """
    with contextlib.suppress(FileNotFoundError):
        lines = (_data() / "postmaster.pid").read_text().split("\n")
        (_data() / "postmaster.pid").write_text("\n".join([NOBODY, *lines[1:]]))


def _launch_postgres() -> None:
    """pg_ctl start; children of a killed server get a few seconds to notice and leave."""
    log = HOME / "postgres.log"
    for _ in range(20):
        if _pg_ctl("-l", str(log), "-o", f"-k {sockets()}", "start").returncode == 0:
            return
        if "shared memory block" not in (said := log.read_text()[-2000:]):
            break
        time.sleep(0.5)
    raise Unusable(f"The embedded PostgreSQL did not start:\n{said}")


def _accepts() -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host=str(sockets()), user=OWNER, dbname="postgres").close()
        return True
    return False


def _stop_postgres() -> None:
    if _postgres_pid():
        _pg_ctl("-m", "fast", "stop")


# --- Valkey ------------------------------------------------------------------------------------
def _valkey_pid() -> int | None:
    """Process id of our running Valkey, None when the pid file is missing or stale."""
    try:
        pid = int((HOME / "valkey.pid").read_text())
        ours = "valkey" in Path(f"/proc/{pid}/cmdline").read_text()
    except (OSError, ValueError):
        return None
    return pid if ours else None


def _start_valkey() -> None:
    """Start Valkey if it does not run: a socket only, every write kept on disk."""
    if _valkey_pid():
        return
    own(sockets())
    path = sockets() / "valkey.sock"
    path.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "daemonize": "yes",
        "dir": str(own(HOME / "valkey")),
        "pidfile": str(HOME / "valkey.pid"),
        "logfile": str(HOME / "valkey.log"),
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    subprocess.run([binary("valkey-server"), *arguments], check=True, **as_server_user())
    wait_until(lambda: _answers(path), f"The embedded Valkey did not start; see {HOME}/valkey.log")


def _answers(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _stop_valkey() -> None:
    if pid := _valkey_pid():
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: _valkey_pid() is None, "The embedded Valkey did not stop.")


# --- Sharing -----------------------------------------------------------------------------------
def _kept() -> Path:
    return HOME / "kept"


def _unless_kept(stop: Callable[[], None]) -> Callable[[], None]:
    return lambda: None if _kept().exists() else stop()


def postgres() -> AbstractContextManager[None]:
    """Run a block with the embedded PostgreSQL, and leave it as it was found."""
    lock = own(HOME) / "postgres-lock"
    return sharing.in_use(lock, _start_postgres, _unless_kept(_stop_postgres))


def valkey() -> AbstractContextManager[None]:
    """Run a block with the embedded Valkey, and leave it as it was found."""
    lock = own(HOME) / "valkey-lock"
    return sharing.in_use(lock, _start_valkey, _unless_kept(_stop_valkey))


# --- By hand: python -m config.embedded start|stop|status|reset ---------------------------------
def start() -> None:
    """Start both and keep them until ``stop``."""
    with postgres(), valkey():
        _kept().touch()


def stop() -> None:
    """Stop both, whoever uses them."""
    own(HOME)
    _kept().unlink(missing_ok=True)
    for name, end in (("postgres", _stop_postgres), ("valkey", _stop_valkey)):
        with sharing.locked(HOME / f"{name}-lock.start"), sharing.undisturbed():
            end()


def status() -> str:
    """One line each: running (process id) or stopped, and where."""
    pids = {"PostgreSQL": _postgres_pid(), "Valkey": _valkey_pid()}
    lines = [f"{name}: {f'running ({pid})' if pid else 'stopped'}" for name, pid in pids.items()]
    return "\n".join([*lines, f"sockets: {sockets()}", f"data: {HOME}"])


def reset() -> str:
    """Forget all demo data, uploads and the demo's secret key.

    Servers that are kept running stay up: then only the database is dropped and made again.
    """
    if _kept().exists() and _postgres_pid():
        empty_database()
    else:
        stop()
        for gone in (HOME, sockets()):
            shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(RUN_DIR / "data", ignore_errors=True)
    (RUN_DIR / "secret-key").unlink(missing_ok=True)
    return "The demo data is gone. `make run` makes it anew."


def main(arguments: list[str]) -> None:
    """Command line: one word."""
    verbs = {"start": start, "stop": stop, "status": status, "reset": reset}
    if len(arguments) != 1 or arguments[0] not in verbs:
        sys.exit(f"usage: python -m config.embedded {'|'.join(verbs)}")
    try:
        said = verbs[arguments[0]]()
    except Unusable as unusable:
        sys.exit(str(unusable))
    print(said or status())


if __name__ == "__main__":
    main(sys.argv[1:])
