"""Rules that others compiled (the ISO Schematron skeleton), cut down to the same short answer.

Pure text to text. The tests, their order and their words stay as published; what goes is the
report around them: a list of everything that found nothing, and one walk over the whole document
per pattern that only writes it. A third of the time and of the memory is left.
"""

import re
from pathlib import Path

from lxml import etree

from invoicing.einvoice.schematron import XSL, Check, Rules, UnknownSchematron, failed, frame

SVRL = "http://purl.oclc.org/dsdl/svrl"
COUNTED = "FX-SCH"  # how ids begin that only count
CODES = "codes"  # the stylesheet parameter that takes the code lists

_SAFE = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
_CODE_LIST = re.compile(r"document\('([^']+)'\)")
_NAMED = re.compile(r"\s*\[([^\]]+)\]")
_FAILED = (f"{{{SVRL}}}failed-assert", f"{{{SVRL}}}successful-report")


def read_skeleton(path: Path) -> Rules:
    """Return the rules of a compiled .xslt; `codes` is the code list file it looks up, if any."""
    sheet = etree.parse(path, _SAFE).getroot()
    main = sheet.find(f"{{{XSL}}}template[@match='/']/{{{SVRL}}}schematron-output/..")
    if main is None:
        raise UnknownSchematron(f"{path.name}: not compiled by the ISO skeleton")
    modes = [one.get("mode") for one in main.iter(f"{{{XSL}}}apply-templates") if one.get("mode")]
    for needless in (main, *sheet.iterfind(f"{{{XSL}}}output")):
        sheet.remove(needless)
    for fired in list(sheet.iter(f"{{{SVRL}}}fired-rule")):
        fired.getparent().remove(fired)
    checks: list[Check] = []
    for found in list(sheet.iter(*_FAILED)):
        place = found.getparent()
        place.remove(found)
        failed(place, *_check(found), checks)
    codes = _take_code_lists(sheet, path)
    frame(sheet, modes)
    return Rules(etree.tostring(sheet, encoding="unicode"), tuple(checks), codes)


def _check(found: etree._Element) -> tuple[Check, list[str]]:
    """The check behind a report element, and the XPath of the values in its words."""
    given = {part.get("name"): part.text for part in found.iterfind(f"{{{XSL}}}attribute")}
    message = found.find(f"{{{SVRL}}}text")
    words: list[str | None] = [message.text or ""]
    values = []
    for part in message:
        if part.tag == f"{{{XSL}}}value-of":
            words.append(None)
            values.append(part.get("select"))
        else:
            words.append(part.text or "")
        words.append(part.tail if (part.tail or "").strip() else "")  # as XSLT reads a stylesheet
    rule = _rule_id(given.get("id") or "", words[0] or "")
    return Check(rule, (given.get("flag") or "fatal").lower(), tuple(words)), values


def _rule_id(given: str, words: str) -> str:
    """The id, or the EN 16931 id in the words: Factur-X counts its own ids in their place.

    Its rules on what must not be used have none at all.
    """
    if given and not given.startswith(COUNTED):
        return given
    named = _NAMED.match(words)
    return named[1] if named else given or COUNTED


def _take_code_lists(sheet: etree._Element, path: Path) -> Path | None:
    """Replace `document('file')` by a parameter: read once a process, not once a document."""
    places = [
        (element, name)
        for element in sheet.iter(f"{{{XSL}}}*")
        for name, value in element.items()
        if _CODE_LIST.search(value)
    ]
    files = {file for place, name in places for file in _CODE_LIST.findall(place.get(name))}
    if not files:
        return None
    if len(files) > 1:
        raise UnknownSchematron(f"{path.name}: several code lists")
    for element, name in places:
        element.set(name, _CODE_LIST.sub(f"${CODES}", element.get(name)))
    sheet.insert(0, etree.Element(f"{{{XSL}}}param", name=CODES))
    return path.with_name(files.pop())
