"""Compiled rules find what Schematron says, and cut-down ones what the published ones find."""

import os
from collections import Counter

import pytest
from lxml import etree

from invoicing.einvoice import rulesets, saxon
from invoicing.einvoice.schematron import SCH, UnknownSchematron, compile_schematron
from invoicing.einvoice.skeleton import SVRL, read_skeleton
from invoicing.einvoice.writing import write
from tests.invoicing.papers_v2 import sample

DOCUMENT = b"<order><line price='5'>a</line><line price='-1'>b\n c</line><note/></order>"


def schema(tmp_path, body, name="rules.sch"):
    file = tmp_path / name
    file.write_text(f'<schema xmlns="{SCH}" queryBinding="xslt2">{body}</schema>')
    return file


def found(tmp_path, body, document=DOCUMENT):
    return saxon.find(document, [schema(tmp_path, body)])[0]


def test_an_assert_fires_when_its_test_fails_and_a_report_when_it_holds(tmp_path):
    hits = found(tmp_path, """<pattern><rule context="line">
        <assert id="A" test="@price &gt; 0">price</assert>
        <report id="R" flag="Warning" test=". = 'a'">letter</report>
        </rule></pattern>""")  # fmt: skip
    assert [(hit.rule, hit.flag) for hit in hits] == [("R", "warning"), ("A", "fatal")]
    assert hits[1].at.endswith("order[1]/Q{}line[2]")


def test_the_first_rule_that_matches_a_node_wins_in_its_pattern_only(tmp_path):
    hits = found(tmp_path, """
        <pattern><rule context="line[1]"><assert id="first" test="false()">1</assert></rule>
        <rule context="line"><assert id="other" test="false()">2</assert></rule></pattern>
        <pattern><rule context="line"><assert id="again" test="false()">3</assert></rule></pattern>
        """)  # fmt: skip
    assert Counter(hit.rule for hit in hits) == {"first": 1, "other": 1, "again": 2}


def test_words_carry_values_of_the_document_with_spaces_tidied(tmp_path):
    (hit,) = found(tmp_path, """<let name="limit" value="0"/><pattern><rule context="line">
        <let name="price" value="number(@price)"/>
        <assert id="A" test="$price &gt;= $limit">In <name/>: <value-of select="."/> costs
        <emph><value-of select="$price"/></emph>.</assert></rule></pattern>""")  # fmt: skip
    assert hit.text == "In line: b c costs -1."


def test_an_included_file_is_part_of_the_rules(tmp_path):
    schema(tmp_path, "", "unused.sch")
    part = '<pattern xmlns="%s"><rule context="note"><assert id="N" test=".!=\'\'">x</assert>'
    (tmp_path / "part.sch").write_text(part % SCH + "</rule></pattern>")
    assert [hit.rule for hit in found(tmp_path, '<include href="part.sch"/>')] == ["N"]


@pytest.mark.parametrize("body", [
    '<pattern abstract="true"/>',
    "<pattern><rule context='x'><extends rule='y'/></rule></pattern>",
    "<pattern><let name='x'/></pattern>",
    "<pattern><diagnostics/><param name='x'/></pattern>",
    "<properties/>",
])  # fmt: skip
def test_schematron_that_is_not_understood_is_refused_and_never_ignored(tmp_path, body):
    with pytest.raises(UnknownSchematron):
        compile_schematron(schema(tmp_path, body))


def test_a_rule_set_that_stops_half_way_is_an_error_and_no_clean_bill(tmp_path):
    broken = "<pattern><rule context='line'><assert id='A' test='xs:date(.) = 1'>x</assert>"
    with pytest.raises(Exception, match=r"(?i)date|half way"):
        found(tmp_path, f"{broken}</rule></pattern>")


# --- Rules that others compiled ----------------------------------------------------------------


def as_published(path, xml):
    """What the untouched stylesheet reports."""

    def work():
        processor, compiler = saxon._processor()
        sheet = compiler.compile_stylesheet(stylesheet_file=str(path))
        document = processor.parse_xml(xml_text=xml.decode().split("?>", 1)[1])
        return sheet.transform_to_string(xdm_node=document)

    report = etree.fromstring(saxon._on_its_thread(work).encode())
    return [
        " ".join("".join(hit.itertext()).split())
        for hit in report.iter(f"{{{SVRL}}}failed-assert", f"{{{SVRL}}}successful-report")
    ]


def broken(xml):
    """The document with much missing, so that many rules have something to say."""
    root = etree.fromstring(xml)
    for element in list(root.iter())[::7]:
        if element.getparent() is not None and len(element) < 3:
            element.getparent().remove(element)
    for element in root.iter("{*}ID", "{*}TypeCode", "{*}CategoryCode"):
        element.text, _ = "?", element.set("schemeID", "?")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@pytest.mark.parametrize("layer", ["facturx", "cen", "br-fr"])
@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_rules_cut_down_find_what_the_published_ones_find(settings, layer, syntax):
    settings.RULES_DIR = ""  # the packaged rules, whatever else is installed
    rules = rulesets._file(layer, syntax)
    if rules is None:
        assert (layer, syntax) in {("facturx", "ubl"), ("cen", "cii")}  # these no package brings
        return
    xml = write(sample("FR", "credit_note"), "facturx" if syntax == "cii" else "en16931-ubl")
    for document in (xml, broken(xml)):
        ours = saxon.find(document, [rules.path])[0]
        assert Counter(hit.text for hit in ours) == Counter(as_published(rules.path, document))
    assert len(ours) >= 5


def test_another_stylesheet_is_not_taken_for_rules(tmp_path):
    sheet = tmp_path / "other.xslt"
    sheet.write_text('<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>')
    with pytest.raises(UnknownSchematron):
        read_skeleton(sheet)


# --- The process -------------------------------------------------------------------------------


def test_a_fork_of_a_process_that_used_saxon_refuses_instead_of_hanging(tmp_path):
    file = schema(tmp_path, "")
    saxon.find(DOCUMENT, [file])
    child = os.fork()
    if not child:
        try:
            saxon.find(DOCUMENT, [file])
        except RuntimeError as error:
            os._exit(0 if "fork" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert saxon.find(DOCUMENT, [file]) == [[]]  # the parent goes on
