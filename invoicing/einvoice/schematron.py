"""Official rules as XSLT 3.0: compiles Schematron, and thins out what others compiled.

Pure text to text; running it is `saxon.py`, finding the files is `rulesets.py`. Only the
Schematron that the e-invoice rule sets use is known; anything else is an error, never ignored.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

SCH = "http://purl.oclc.org/dsdl/schematron"
XSL = "http://www.w3.org/1999/XSL/Transform"
FINDINGS = "urn:retour:findings"
CODES = "codes"  # the stylesheet parameter that takes the code lists of a thinned stylesheet

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_PROSE = {"title", "p", "phase", "diagnostics", "ns", ""}
_CODE_LIST = re.compile(r"document\('([^']+)'\)")
_FIRED = re.compile(r'<svrl:fired-rule(?:\s+[\w:]+="[^"]*")*\s*/>')  # a value may hold ">"
_FIRST_PARAM = re.compile(r"<xsl:(?:param|variable|output)\b")


class UnknownSchematron(ValueError):
    """The rule file uses a part of Schematron that is not understood here."""


def compile_schematron(path: Path) -> str:
    """Return the rules of a .sch file as an XSLT that answers `<all><hit id flag at>text</hit>…`.

    Semantics of ISO 19757-3: every pattern is active; in a pattern the first rule that matches a
    node wins; lets above the rules are global.
    """
    schema = _with_includes(path)
    sheet = etree.Element(f"{{{XSL}}}stylesheet", nsmap=_namespaces(schema), version="3.0")
    sheet.set("exclude-result-prefixes", "#all")
    _xsl(sheet, "output", method="xml", indent="no")
    answer = etree.SubElement(_xsl(sheet, "template", match="/"), f"{{{FINDINGS}}}all")
    for number, part in enumerate(schema):
        kind = _kind(part)
        if kind == "let":
            _let(sheet, part)
        elif kind == "pattern":
            _pattern(sheet, answer, part, f"P{number}")
        elif isinstance(part.tag, str) and etree.QName(part).namespace == XSL:
            sheet.append(part)
        elif kind not in _PROSE:
            raise UnknownSchematron(f"{path.name}: {kind}")
    return etree.tostring(sheet, encoding="unicode")


def thin(path: Path) -> tuple[str, Path | None]:
    """Return a compiled XSLT without its running commentary, and the code lists it looks up.

    The same rules find the same things at a third of the time: the report names no rule that
    found nothing, and `document(…)` becomes the parameter `CODES`, so the lists are read once
    a process and not once a document.
    """
    text = _FIRED.sub("", path.read_text(encoding="utf-8"))
    names = set(_CODE_LIST.findall(text))
    if len(names) != 1:  # none, or several: leave them to the stylesheet
        return text, None
    text = _CODE_LIST.sub(f"${CODES}", text)
    first = _FIRST_PARAM.search(text)
    if first is None:
        raise UnknownSchematron(f"{path.name}: no top-level declaration")
    declared = f'<xsl:param name="{CODES}"/>'
    return text[: first.start()] + declared + text[first.start() :], path.with_name(names.pop())


def _with_includes(path: Path) -> etree._Element:
    schema = etree.parse(path, _PARSER).getroot()
    for include in list(schema.iter(f"{{{SCH}}}include")):
        other = etree.parse(path.parent / include.get("href"), _PARSER).getroot()
        include.getparent().replace(include, other)
    return schema


def _namespaces(schema: etree._Element) -> dict[str, str]:
    declared = {prefix: uri for prefix, uri in schema.nsmap.items() if prefix}
    named = {ns.get("prefix"): ns.get("uri") for ns in schema.iter(f"{{{SCH}}}ns")}
    ours = {"xsl": XSL, "found": FINDINGS}
    return {"xs": "http://www.w3.org/2001/XMLSchema", **declared, **named, **ours}


def _pattern(
    sheet: etree._Element, answer: etree._Element, pattern: etree._Element, mode: str
) -> None:
    if pattern.get("abstract") or pattern.get("is-a"):
        raise UnknownSchematron("abstract pattern")
    _xsl(sheet, "mode", name=mode, **{"on-no-match": "shallow-skip"})
    _xsl(answer, "apply-templates", select=".", mode=mode)
    rules = [part for part in pattern if _kind(part) == "rule"]
    for part in pattern:
        if _kind(part) == "let":
            _let(sheet, part)
        elif _kind(part) not in _PROSE | {"rule"}:
            raise UnknownSchematron(f"{_kind(part)} in a pattern")
    for place, rule in enumerate(rules):
        _rule(sheet, rule, mode, priority=len(rules) - place)


def _rule(sheet: etree._Element, rule: etree._Element, mode: str, priority: int) -> None:
    template = _xsl(sheet, "template", match=rule.get("context"), mode=mode, priority=str(priority))
    for part in rule:
        kind = _kind(part)
        if kind == "let":
            _let(template, part)
        elif kind in ("assert", "report"):
            _check(template, part, kind)
        elif kind not in _PROSE:
            raise UnknownSchematron(f"{kind} in a rule")
    _xsl(template, "apply-templates", select="@*|node()", mode=mode)


def _check(template: etree._Element, check: etree._Element, kind: str) -> None:
    test = check.get("test")
    found = _xsl(template, "if", test=f"not({test})" if kind == "assert" else test)
    flag = check.get("flag") or check.get("role") or "fatal"
    hit = etree.SubElement(found, f"{{{FINDINGS}}}hit", id=check.get("id", ""), flag=flag)
    _xsl(_xsl(hit, "attribute", name="at"), "value-of", select="path()")
    for piece in _message(check):
        hit.append(piece)


def _message(check: etree._Element) -> Iterator[etree._Element]:
    """The words of a rule; `value-of` and `name` in them speak of the node that was tested."""
    yield _text(check.text)
    for part in check:
        kind = _kind(part)
        if kind == "value-of":
            yield etree.Element(f"{{{XSL}}}value-of", select=part.get("select"))
        elif kind == "name":
            yield etree.Element(f"{{{XSL}}}value-of", select=f"name({part.get('path', '.')})")
        elif kind:
            yield from _message(part)
        yield _text(part.tail)


def _text(words: str | None) -> etree._Element:
    element = etree.Element(f"{{{XSL}}}text")
    element.text = words or ""
    return element


def _let(parent: etree._Element, let: etree._Element) -> None:
    if let.get("value") is None:
        raise UnknownSchematron(f"let {let.get('name')} has no value")
    _xsl(parent, "variable", name=let.get("name"), select=let.get("value"))


def _xsl(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{XSL}}}{tag}", attributes)


def _kind(element: etree._Element) -> str:
    """Local name of a Schematron element; empty for comments and for everything else."""
    if not isinstance(element.tag, str) or etree.QName(element).namespace != SCH:
        return ""
    return etree.QName(element).localname
