"""periods.py FENRUN URL KEYS: goes on with a served demo ledger by the program's command line.

Two more pools with every step that a command can state, derived contributions, claims that both
pools recover, and three periods each: one of them stops with a deficit, and what is carried, the
profit layers and the rest of the claims go from one settlement into the next."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from arithmetic import allot, canonical

FENRUN, URL, KEYS = sys.argv[1:]
POLICY = {
    "name": "mixed",
    "time_zone": "Asia/Shanghai",
    "objection_days": 0,
    "operator_fee": {"bps": 777, "flat": 13, "cap": 4000},
    "regulated_ceiling": {"maximum_revenue": 90000},
    "cost_recovery": {"tier_cap_bps": 3000, "classes": ["labelling", "direct"]},
    "public_interest": {"bps": 333},
    "floor": {"budget_bps": 500, "amount": 2000, "min_weight": 1},
    "owner_cap_bps": 4000,
    "offset_max_bps": 2500,
    "reserve": {"bps": 250},
    "minimum_payout": 20000,
}
PERIODS = {
    "2026-10": ("1300.33 CNY", "200.00 CNY"),
    "2026-11": ("5.00 CNY", "999.99 CNY"),
    "2026-12": ("2000.01 CNY", "77.00 CNY"),
}


def fenrun(party, *arguments):
    own = {"FENRUN_PARTY": party, "FENRUN_KEY": f"{KEYS}/{party}.pem", "FENRUN_SERVER": URL}
    ran = subprocess.run(
        [FENRUN, *arguments, "--output", "json"],
        capture_output=True,
        text=True,
        env={**os.environ, **own},
    )
    if ran.returncode:
        sys.exit(f"fenrun {' '.join(arguments)}: {ran.stderr}")
    return json.loads(ran.stdout)


def written(folder, name, data):
    path = Path(folder, name)
    path.write_bytes(data)
    return str(path)


def value_table(pool, period, values):
    """Values by contribution and owner; the weights follow from them."""
    weights = allot(10**12, {owner: max(0, value) for _, owner, value in values})[0]
    lines = [
        {
            "contribution": contribution,
            "copies": 0,
            "owner": owner,
            "rows": 1,
            "value": str(value),
            "weight": weights[owner],
        }
        for contribution, owner, value in sorted(values)
    ]
    return canonical(
        {
            "contributions": lines,
            "denominator": "100",
            "format": "fenrun-value-table/1",
            "inputs": [],
            "method": "own-method",
            "parameters": {},
            "period": period,
            "pool": pool,
            "rules": 1,
            "seed": None,
        }
    )


def contribute(folder, party, name, *more):
    file = written(folder, name, f"label,x\n{party} {name},{len(name)}\n".encode())
    licence = ("--licence", "CC0-1.0", "--derivation", "free")
    return fenrun(party, "contribute", "--name", f"{name}@1", *licence, *more, file)["id"]


def by_service(pool, period):
    """The service values, with a seed that the operator could not choose."""
    commitment = fenrun("scorer", "valuation", "commit", pool)["commitment"]
    start = ("start", pool, period, "-p", "k=1", "--commitment", commitment)
    request = fenrun("guild", "valuation", *start)["id"]
    fenrun("scorer", "valuation", "reveal", commitment)
    return fenrun("scorer", "valuation", "watch", request)["request"]["valuation"]


def admit_service(folder):
    """The key lies in the data folder, which the running service has."""
    own, file = ("--dir", str(Path(KEYS).parent / "ledger")), str(Path(folder, "application"))
    fenrun("guild", "key", "service", *own, "--out", file)
    fenrun("guild", "party", "admit", "--yes", file)


def play(folder):
    admit_service(folder)
    base = contribute(folder, "lin-school", "base")
    lab = contribute(folder, "harbor-lab", "lab", "--kind", "labels", "--parent", f"{base}=2500")
    both = ("--parent", f"{base}=1111", "--parent", f"{lab}=3333")
    third = contribute(folder, "copycat", "third", "--kind", "merge", *both)
    for party, about, kind, amount in (
        ("lin-school", base, "direct", "300.00 CNY"),
        ("harbor-lab", lab, "labelling", "77.77 CNY"),
        ("copycat", third, "labelling", "500.01 CNY"),
    ):
        evidence = ("--class", kind, "--evidence-hash", "ab" * 32)
        fenrun(
            "guild",
            "cost",
            "approve",
            fenrun(party, "cost", "claim", *evidence, about, amount)["id"],
        )
    policy = written(folder, "policy", json.dumps(POLICY).encode())
    digest = fenrun("guild", "policy", "publish", policy)["policy_hash"]
    people = ("--payer", "reader-app", "--evaluator", "scorer", "--currency", "CNY")
    opened = {}
    rows = written(folder, "rows", b"label,x\nlin-school base,3\ncopycat third,6\n")
    fenrun("scorer", "contribution", "upload", rows)
    terms = ("--policy", f"2026-10={digest}", "--validation", rows)
    for pool in ("mix-a", "mix-b"):
        opened[pool] = fenrun("guild", "pool", "open", pool, *people, *terms)
    # Pools of one currency settle in the order of their ids.
    order = sorted(opened, key=lambda pool: opened[pool]["id"])
    values = {
        "mix-a": [(base, "lin-school", 71), (third, "copycat", 31)],
        "mix-b": [(lab, "harbor-lab", 22), (third, "copycat", 31)],
    }
    for period, amounts in PERIODS.items():
        valuations = {}
        for pool, amount in zip(opened, amounts):
            used = sorted(contribution for contribution, _, _ in values[pool])
            post = ("revenue", "post", "--reference")
            fenrun("reader-app", "use", "declare", pool, period, *used)
            fenrun("reader-app", *post, period, pool, period, amount)
            if amount == "5.00 CNY":
                fenrun("guild", *post, "back", "--kind", "refund", pool, period, "60.00 CNY")
            table = written(folder, "table", value_table(pool, period, values[pool]))
            valuations[pool] = fenrun("scorer", "valuation", "import", table)["id"]
            fenrun("guild", "pool", "freeze", pool, period)
            if (pool, period) == ("mix-a", "2026-12"):
                # It stands beside the one that was imported, and the settlement names it.
                valuations[pool] = by_service(pool, period)
        for pool in order:
            own = ("--valuation", valuations[pool], pool, period)
            fenrun("guild", "settlement", "run", "--yes", *own)
    pay_out()


def pay_out():
    """Pays everybody: one payout fails and is repeated, one stays on its way."""
    due = fenrun("guild", "payout", "due")["items"]
    due = [row for row in due if row["payable_now"]["minor_units"]]
    issue = ("payout", "issue", "--reference")
    for number, row in enumerate(due):
        payout = fenrun("guild", *issue, f"order-{number}", row["party"])["id"]
        if number == 0:
            fenrun("guild", "payout", "fail", payout, "--reason", "no such account")
            payout = fenrun("guild", *issue, "order-again", row["party"])["id"]
        if number < len(due) - 1:
            fenrun("guild", "payout", "settle", payout, "--bank-reference", f"bank-{number}")


with tempfile.TemporaryDirectory() as scratch:
    play(scratch)
