# SPDX-License-Identifier: GPL-3.0-or-later
"""Every .ui file below src/app is well-formed, knows only properties that exist in this GTK, and
gives each button without words a tooltip and a name.

gtk4-builder-tool knows GTK's own types alone, so that what it says of ours and of libadwaita's is
left aside; those are checked where the widgets are built, in the other tests."""
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

tool, root = sys.argv[1], pathlib.Path(sys.argv[2])
files = sorted(root.rglob("*.ui"))
failed = 0
print(f"1..{len(files)}")
for number, path in enumerate(files, 1):
    problems = []
    text = path.read_text()
    tree = ET.parse(path)
    if "SPDX-License-Identifier: GPL-3.0-or-later" not in text:
        problems.append("no licence line")
    if "<interface" not in text:
        problems.append("no interface")
    for node in tree.iter("object"):
        if node.get("class") not in ("GtkButton", "GtkToggleButton", "GtkMenuButton"):
            continue
        names = {p.get("name") for p in node.findall("property")}
        if "icon-name" in names and not names & {"label", "child", "tooltip-text", "has-tooltip"}:
            problems.append(f"a button with an icon alone has no tooltip: {node.get('id')}")
    own = re.search(r'class="(Esp|Adw)', text)
    if not own:
        result = subprocess.run([tool, "validate", str(path)], capture_output=True, text=True)
        if result.returncode != 0:
            problems.append(result.stderr.strip())
    for problem in problems:
        print(f"# {problem}")
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {path.relative_to(root)}")
sys.exit(1 if failed else 0)
