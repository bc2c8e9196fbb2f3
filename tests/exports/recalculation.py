"""LibreOffice as an auditor's spreadsheet: opens files, works every formula out anew, saves what they come to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""


def recalculated(soffice: str, files: Iterable[Path], folder: Path) -> dict[str, Path]:
    """Open each file with recalculation forced and save it under the same name in another folder, in one start."""
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(PROFILE, encoding="utf-8")
    target = folder / "recalculated"
    sources = sorted(files)
    command = [
        soffice,
        f"-env:UserInstallation={profile.as_uri()}",
        "--headless",
        "--norestore",
        "--convert-to",
        "xlsx:Calc MS Excel 2007 XML",
        "--outdir",
        str(target),
        *map(str, sources),
    ]
    environment = os.environ | {"HOME": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    subprocess.run(command, check=True, timeout=300, capture_output=True, env=environment)
    return {file.name: target / file.name for file in sources}
