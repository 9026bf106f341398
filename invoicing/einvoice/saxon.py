"""The one Saxon processor of a process: compiled rules kept warm, run one at a time.

The processor is made by the first question and never before a fork: a child cannot use its
parent's. It lives on a thread of its own, for it must not change threads; everybody else waits
for the answer. What the rules mean is not known here.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from invoicing.einvoice.schematron import END, Check, compile_schematron
from invoicing.einvoice.skeleton import CODES, read_skeleton

_SAFE = etree.XMLParser(resolve_entities=False, no_network=True)


class Hit(NamedTuple):
    """One thing a rule found: its id, fatal | warning | information, where (XPath), its text."""

    rule: str
    flag: str
    at: str
    text: str


def find(xml: bytes, rules: Sequence[Path]) -> list[list[Hit]]:
    """Return what each rule file (.sch, .xslt) finds in `xml`, in the order of `rules`.

    Raises RuntimeError when a rule file cannot be compiled or stops at this document.
    """
    tree = etree.fromstring(xml, _SAFE)
    found: list[list[Hit]] = _on_its_thread(
        _find, etree.tostring(tree, encoding="unicode"), tuple(rules)
    )
    return found


def warm(rules: Sequence[Path]) -> None:
    """Compile rule files now, so that the first document does not wait for it."""
    _on_its_thread(_compile_all, tuple(rules))


# --- The thread --------------------------------------------------------------------------------

_lock = threading.Lock()
_thread: ThreadPoolExecutor | None = None


def _on_its_thread(work: Any, *values: Any) -> Any:
    global _thread  # noqa: PLW0603 - one a process is the point
    with _lock:
        if _thread is None:
            _refuse_in_a_fork()
            _thread = ThreadPoolExecutor(1, thread_name_prefix="saxon")
        answer: Future[Any] = _thread.submit(work, *values)
    return answer.result()


_owner: int | None = None  # the process that made the processor


def _refuse_in_a_fork() -> None:
    global _owner  # noqa: PLW0603
    if _owner not in (None, os.getpid()):
        raise RuntimeError("Saxon was used before this process was forked: use it only after.")
    _owner = os.getpid()


def _forget_in_child() -> None:
    global _thread, _lock
    _thread, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_in_child)


# --- On the thread -----------------------------------------------------------------------------


@cache
def _processor() -> tuple[Any, Any]:
    from saxonche import PySaxonProcessor  # 50 MB and a runtime of its own: only where it is used

    processor = PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor()


@cache
def _compiled(path: Path) -> tuple[Any, tuple[Check, ...]]:
    processor, compiler = _processor()
    rules = compile_schematron(path) if path.suffix == ".sch" else read_skeleton(path)
    sheet = compiler.compile_stylesheet(stylesheet_text=rules.xslt)
    if rules.codes is not None:
        sheet.set_parameter(CODES, processor.parse_xml(xml_file_name=str(rules.codes)))
    return sheet, rules.checks


def _compile_all(rules: Sequence[Path]) -> None:
    for path in rules:
        _compiled(path)


def _find(xml: str, rules: Sequence[Path]) -> list[list[Hit]]:
    processor, _ = _processor()
    document = processor.parse_xml(xml_text=xml)
    return [_ask(path, document) for path in rules]


def _ask(path: Path, document: Any) -> list[Hit]:
    sheet, checks = _compiled(path)
    *lines, end = (sheet.transform_to_string(xdm_node=document) or "").split("\n")
    if end != END:
        raise RuntimeError(f"{path.name} stopped half way")
    return [_hit(checks, *line.split("\t")) for line in lines]


def _hit(checks: Sequence[Check], number: str, at: str, *values: str) -> Hit:
    check = checks[int(number)]
    return Hit(check.rule, check.flag, at, check.text(list(values)))
