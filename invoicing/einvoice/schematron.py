"""Compiles the official rules (Schematron) to an XSLT 3.0 that only says which checks failed.

Pure text to text; running it is `saxon.py`, finding the files is `rulesets.py`, rules that others
compiled are `skeleton.py`. Ids and words of the checks stay here in Python: carried in the
stylesheet they would cost three times the memory. Only the Schematron that the e-invoice rule
sets use is known; anything else is an error, never ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

SCH = "http://purl.oclc.org/dsdl/schematron"
XSL = "http://www.w3.org/1999/XSL/Transform"
FOUND = "urn:retour:found"
END = "."  # the last line of an answer: without it the stylesheet stopped half way

_SAFE = etree.XMLParser(resolve_entities=False, no_network=True)
_PROSE = {"title", "p", "phase", "diagnostics", "ns", ""}
# One line per failed check: its number, where, and the values that its words speak of.
_HIT = f"""<xsl:function xmlns:xsl="{XSL}" xmlns:found="{FOUND}" name="found:hit">
<xsl:param name="number"/><xsl:param name="node"/><xsl:param name="values"/>
<xsl:sequence select="string-join(
  (string($number), path($node), for $value in $values return normalize-space($value)), '&#9;')"/>
</xsl:function>"""


class UnknownSchematron(ValueError):
    """The rule file uses a part of Schematron that is not understood here."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its rule id, flag (fatal, warning, information) and its words; None stands where
    a value of the document is filled in.
    """

    rule: str
    flag: str
    words: tuple[str | None, ...]

    def text(self, values: list[str]) -> str:
        """The words with their values, spaces tidied."""
        given = iter(values)
        parts = [next(given, "") if part is None else part for part in self.words]
        return " ".join("".join(parts).split())


@dataclass(frozen=True, slots=True)
class Rules:
    """A stylesheet that answers with numbers of `checks`; `codes` are the code lists it takes as
    its parameter of that name, if any.
    """

    xslt: str
    checks: tuple[Check, ...]
    codes: Path | None = None


def compile_schematron(path: Path) -> Rules:
    """Return the rules of a .sch file.

    Semantics of ISO 19757-3: every pattern is active; in a pattern the first rule that matches a
    node wins; lets above the rules are global.
    """
    schema = _with_includes(path)
    sheet = etree.Element(f"{{{XSL}}}stylesheet", nsmap=_namespaces(schema), version="3.0")
    checks: list[Check] = []
    modes: list[str] = []
    for part in schema:
        kind = _kind(part)
        if kind == "let":
            _let(sheet, part)
        elif kind == "pattern":
            modes.append(f"P{len(modes)}")
            _pattern(sheet, part, modes[-1], checks)
        elif isinstance(part.tag, str) and etree.QName(part).namespace == XSL:
            sheet.append(part)
        elif kind not in _PROSE:
            raise UnknownSchematron(f"{path.name}: {kind}")
    frame(sheet, modes)
    return Rules(etree.tostring(sheet, encoding="unicode"), tuple(checks))


def frame(sheet: etree._Element, modes: list[str]) -> None:
    """Add what runs the patterns of a stylesheet (one mode each) and writes the answer."""
    xsl(sheet, "output", **{"method": "text", "item-separator": "\n", "build-tree": "no"})
    sheet.append(etree.fromstring(_HIT))
    main = xsl(sheet, "template", match="/")
    for mode in modes:
        xsl(main, "apply-templates", select="/", mode=mode)
    xsl(main, "sequence", select=f"'{END}'")


def failed(place: etree._Element, check: Check, values: list[str], checks: list[Check]) -> None:
    """Add to `place` that a check failed at the current node; `values` are XPath expressions."""
    shown = ", ".join(f"string-join(({value}), ' ')" for value in values)
    # The namespace is declared here too: rules that others compiled do not know it.
    hit = etree.SubElement(place, f"{{{XSL}}}sequence", nsmap={"found": FOUND})
    hit.set("select", f"found:hit({len(checks)}, ., ({shown}))")
    checks.append(check)


def xsl(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    """Append an XSLT instruction."""
    return etree.SubElement(parent, f"{{{XSL}}}{tag}", attributes)


def _with_includes(path: Path) -> etree._Element:
    schema = etree.parse(path, _SAFE).getroot()
    for include in list(schema.iter(f"{{{SCH}}}include")):
        other = etree.parse(path.parent / include.get("href"), _SAFE).getroot()
        include.getparent().replace(include, other)
    return schema


def _namespaces(schema: etree._Element) -> dict[str, str]:
    declared = {prefix: uri for prefix, uri in schema.nsmap.items() if prefix}
    named = {ns.get("prefix"): ns.get("uri") for ns in schema.iter(f"{{{SCH}}}ns")}
    return {"xs": "http://www.w3.org/2001/XMLSchema", **declared, **named, "xsl": XSL}


def _pattern(
    sheet: etree._Element, pattern: etree._Element, mode: str, checks: list[Check]
) -> None:
    if pattern.get("abstract") or pattern.get("is-a"):
        raise UnknownSchematron("abstract pattern")
    xsl(sheet, "mode", name=mode, **{"on-no-match": "shallow-skip"})
    rules = [part for part in pattern if _kind(part) == "rule"]
    for part in pattern:
        if _kind(part) == "let":
            _let(sheet, part)
        elif _kind(part) not in _PROSE | {"rule"}:
            raise UnknownSchematron(f"{_kind(part)} in a pattern")
    for place, rule in enumerate(rules):
        priority = str(len(rules) - place)
        template = xsl(sheet, "template", match=rule.get("context"), mode=mode, priority=priority)
        _rule(template, rule, checks)
        xsl(template, "apply-templates", select="@*|node()", mode=mode)


def _rule(template: etree._Element, rule: etree._Element, checks: list[Check]) -> None:
    for part in rule:
        kind = _kind(part)
        if kind == "let":
            _let(template, part)
        elif kind in ("assert", "report"):
            _check(template, part, kind, checks)
        elif kind not in _PROSE:
            raise UnknownSchematron(f"{kind} in a rule")


def _check(template: etree._Element, check: etree._Element, kind: str, checks: list[Check]) -> None:
    test = check.get("test")
    place = xsl(template, "if", test=f"not({test})" if kind == "assert" else test)
    flag = check.get("flag") or check.get("role") or "fatal"
    words: list[str | None] = []
    values: list[str] = []
    for said, value in _message(check):
        words.append(None if value else said)
        values += [value] if value else []
    failed(place, Check(check.get("id", ""), flag.lower(), tuple(words)), values, checks)


def _message(check: etree._Element) -> Iterator[tuple[str, str]]:
    """The words of a check in order: (text, "") or ("", XPath of a value)."""
    yield check.text or "", ""
    for part in check:
        kind = _kind(part)
        if kind == "value-of":
            yield "", part.get("select")
        elif kind == "name":
            yield "", f"name({part.get('path', '.')})"
        elif kind:
            yield from _message(part)
        yield part.tail or "", ""


def _let(parent: etree._Element, let: etree._Element) -> None:
    if let.get("value") is None:
        raise UnknownSchematron(f"let {let.get('name')} has no value")
    xsl(parent, "variable", name=let.get("name"), select=let.get("value"))


def _kind(element: etree._Element) -> str:
    """Local name of a Schematron element; empty for comments and for everything else."""
    if not isinstance(element.tag, str) or etree.QName(element).namespace != SCH:
        return ""
    return str(etree.QName(element).localname)
