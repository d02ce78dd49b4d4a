"""test_settlement.py FOLDER: every FILE.json of the folder that has a FILE.result.json beside it
must come out as these very bytes."""

import json
import pathlib
import sys

from arithmetic import difference, result_bytes
from settlement import run

checked = 0
for expected in sorted(pathlib.Path(sys.argv[1]).glob("*.result.json")):
    scenario = json.loads(expected.with_name(expected.name.replace(".result", "")).read_bytes())
    result = run(scenario)
    if result_bytes(result) != expected.read_bytes():
        sys.exit(f"{expected}: {difference(result, json.loads(expected.read_bytes()))}")
    checked += 1
if checked < 2:
    sys.exit(f"{sys.argv[1]}: {checked} examples, expected at least 2")
print(f"{checked} worked settlements: equal")
