"""What a settlement reads, gathered from the entries by docs/settlement.md and docs/rules.md."""

import json

from blake3 import blake3

import settlement
from arithmetic import WHOLE, allot, canonical, difference, result_bytes
from entries import hash_of, thing_id
from notes import Wrong
from payouts import Payouts
from rules import AUDITOR, EVALUATOR, OPERATOR, PAYER
from tree import leaf_hash, root

KINDS = {1: "receipt", 2: "refund", 3: "chargeback"}
REPLACE, PUBLIC_INTEREST = 2, 3
WEIGHT = 10**12


def scenario_policy(policy):
    """The policy's document as a scenario has it; a step that is absent stays absent."""
    found = {"offset_max_bps": policy.offset_max_bps, "minimum_payout": policy.minimum_payout}
    has = policy.HasField
    if has("operator_fee"):
        fee = policy.operator_fee
        found["operator_fee"] = {
            "bps": fee.bps,
            "flat": fee.flat,
            "cap": fee.cap if fee.HasField("cap") else None,
        }
    if has("regulated_ceiling"):
        found["regulated_ceiling"] = {"maximum_revenue": policy.regulated_ceiling.maximum_revenue}
    if has("cost_recovery"):
        rule = policy.cost_recovery
        found["cost_recovery"] = {"tier_cap_bps": rule.tier_cap_bps, "classes": list(rule.classes)}
    if has("public_interest"):
        found["public_interest"] = {"bps": policy.public_interest.bps}
    if has("floor"):
        rule = policy.floor
        found["floor"] = {
            "budget_bps": rule.budget_bps,
            "amount": rule.amount,
            "min_weight": rule.min_weight,
        }
    if has("owner_cap"):
        found["owner_cap_bps"] = policy.owner_cap.bps
    if has("reserve"):
        found["reserve"] = {"bps": policy.reserve.bps}
    return found


class Ledger(Payouts):
    def __init__(self, rules, blobs):
        super().__init__()
        self.rules, self.blobs = rules, blobs
        self.contributions, self.policies, self.pools = {}, {}, {}
        self.uses, self.revenue, self.claims, self.valuations = {}, {}, {}, {}
        self.frozen, self.settled, self.carried = {}, {}, {}
        self.withdrawn, self.attachments, self.recomputed = set(), 0, []
        self.commitments, self.requests, self.roots = {}, {}, {}

    def apply(self, entry):
        if act := getattr(self, entry.kind, None):
            act(entry, entry.action)

    def attachment(self, entry, digest):
        """The bytes under a hash; None where the blobs were not given."""
        if self.blobs is None:
            return None
        name = digest.hex()
        try:
            data = (self.blobs / name[:2] / name).read_bytes()
        except OSError:
            raise entry.wrong(f"the attachment {name} is not there") from None
        if hash_of(data) != digest:
            raise entry.wrong(f"the attachment {name} has the hash {hash_of(data).hex()}")
        self.attachments += 1
        return data

    def pool(self, entry, name):
        if name not in self.pools:
            raise entry.wrong(f"there is no pool {name}")
        return self.pools[name]

    def own(self, entry, contribution):
        row = self.contributions.get(contribution.hex())
        if row is None or row["party"] != entry.command.actor:
            raise entry.wrong(f"no contribution {contribution.hex()} of {entry.command.actor}")
        return row

    def record(self, entry, number, item):
        parents = [
            {"id": p.contribution.hex(), "upstream_bps": p.upstream_bps} for p in item.parents
        ]
        for parent in parents:
            if parent["id"] not in self.contributions:
                raise entry.wrong(f"the parent {parent['id']} is not recorded")
        names = [parent["id"] for parent in parents]
        if names != sorted(set(names)) or sum(p["upstream_bps"] for p in parents) > WHOLE:
            raise entry.wrong("parents out of order, twice, or of more than the whole")
        self.contributions[thing_id(entry.command_id, number).hex()] = {
            "party": entry.command.actor,
            "parents": parents,
            "order": (entry.index, number),
        }

    def record_contribution(self, entry, item):
        self.record(entry, 0, item)

    def record_contributions(self, entry, items):
        for number, item in enumerate(items.contributions):
            self.record(entry, number, item)

    def withdraw_contribution(self, entry, withdraw):
        self.own(entry, withdraw.contribution)
        self.withdrawn.add(withdraw.contribution.hex())

    def grant_use(self, entry, grant):
        self.own(entry, grant.contribution)

    def revoke_use(self, entry, revoke):
        self.own(entry, revoke.contribution)

    def publish_policy(self, entry, publish):
        digest = hash_of(publish.policy.SerializeToString(deterministic=True))
        if digest in self.policies:
            raise entry.wrong("the policy was published before")
        self.policies[digest] = publish.policy

    def open_pool(self, entry, pool):
        if pool.name in self.pools:
            raise entry.wrong(f"the pool {pool.name} is there already")
        for who, role in ((pool.payer, PAYER), (pool.evaluator, EVALUATOR)):
            if role not in getattr(self.rules.parties.get(who), "roles", ()):
                raise entry.wrong(f"{who} was not admitted for its part in the pool")
        starts = [p.from_period for p in pool.policies]
        if not starts or starts != sorted(set(starts)):
            raise entry.wrong("the policies of the pool are none or not ascending")
        if any(p.policy_hash not in self.policies for p in pool.policies):
            raise entry.wrong("a policy of the pool was not published")
        self.pools[pool.name] = {
            "id": thing_id(entry.command_id, 0),
            "row": pool,
            "opening": {"profit_layer": 0, "pool_deficit": 0, "over_recovery": 0},
        }

    def still_open(self, entry, action):
        if any(p == action.pool and period >= action.period for p, period in self.frozen):
            raise entry.wrong(f"the period {action.period} of {action.pool} takes no more")

    def declare_use(self, entry, declare):
        pool = self.pool(entry, declare.pool)
        if pool["row"].payer != entry.command.actor:
            raise entry.wrong(f"{entry.command.actor} does not pay the pool {declare.pool}")
        self.still_open(entry, declare)
        uses = self.uses.setdefault((declare.pool, declare.period), set())
        data = self.attachment(entry, declare.use_list)
        if data is None:
            return
        if declare.mode == REPLACE:
            uses.clear()
        for line in data.decode("ascii").splitlines():
            contribution = line.split(" ")[0]
            if contribution not in self.contributions:
                raise entry.wrong(f"the use list names {contribution}, which is not recorded")
            uses.add((contribution, declare.use_class))

    def post_revenue(self, entry, post):
        pool = self.pool(entry, post.pool)
        by_operator = OPERATOR in self.rules.parties[entry.command.actor].roles
        if not by_operator and pool["row"].payer != entry.command.actor:
            raise entry.wrong(f"{entry.command.actor} does not pay the pool {post.pool}")
        self.still_open(entry, post)
        if post.amount.minor_units <= 0 or post.amount.currency_code != pool["row"].currency_code:
            raise entry.wrong("an amount that is not above zero in the pool's currency")
        if any(
            post.reference == reference
            for (name, _), items in self.revenue.items()
            if name == post.pool
            for reference, _ in items
        ):
            raise entry.wrong(f"the reference {post.reference} stands twice")
        self.revenue.setdefault((post.pool, post.period), []).append(
            (
                post.reference,
                {
                    "ref": str(entry.index),
                    "kind": KINDS[post.kind],
                    "amount": post.amount.minor_units,
                },
            )
        )

    def claim_cost(self, entry, claim):
        self.own(entry, claim.contribution)
        if claim.amount.minor_units <= 0 or claim.contribution.hex() in self.withdrawn:
            raise entry.wrong("a claim of nothing, or after a withdrawal")
        self.claims[thing_id(entry.command_id, 0).hex()] = {
            "contribution": claim.contribution.hex(),
            "class": claim.cost_class,
            "outstanding": None,
            "claimed": claim.amount.minor_units,
            "currency": claim.amount.currency_code,
        }

    def approve_cost(self, entry, approve):
        claim = self.claims.get(approve.claim.hex())
        if claim is None or claim["outstanding"] is not None:
            raise entry.wrong("there is no such claim, or it was decided before")
        amount, parties = approve.approved.minor_units, self.rules.parties
        if (
            not 0 <= amount <= claim["claimed"]
            or approve.approved.currency_code != claim["currency"]
        ):
            raise entry.wrong(f"{amount} is approved of {claim['claimed']} {claim['currency']}")
        claimant = self.contributions[claim["contribution"]]["party"]
        if parties[claimant].owner == parties[entry.command.actor].owner:
            raise entry.wrong("an operator decides on a claim of its own")
        if amount and claim["contribution"] in self.withdrawn:
            raise entry.wrong("a claim is approved after the withdrawal")
        claim["outstanding"] = amount

    def import_weights(self, entry, weights):
        pool = self.pool(entry, weights.pool)
        if pool["row"].evaluator != entry.command.actor:
            raise entry.wrong(f"{entry.command.actor} does not value the pool {weights.pool}")
        if (weights.pool, weights.period) in self.settled:
            raise entry.wrong("the period is settled")
        if weights.validation_hash and weights.validation_hash != pool["row"].validation_hash:
            raise entry.wrong("another validation set than the pool's")
        data, table = self.attachment(entry, weights.table_hash), None
        if data is not None:
            table = self.read_table(entry, weights, data)
        self.valuations[thing_id(entry.command_id, 0)] = (weights, table)

    def commit_reveal(self, entry, commit):
        pool, actor = self.pool(entry, commit.pool)["row"], self.rules.parties[entry.command.actor]
        if AUDITOR not in actor.roles and actor.name not in (pool.evaluator, pool.payer):
            raise entry.wrong(f"{actor.name} has no part in the pool {commit.pool}")
        parties = self.rules.parties.values()
        behind = {p.owner for p in parties if OPERATOR in p.roles}
        if OPERATOR in actor.roles or actor.owner in behind | {
            p.name for p in parties if OPERATOR in p.roles
        }:
            raise entry.wrong("an operator commits to no reveal")
        if commit.commitment in self.commitments:
            raise entry.wrong("the commitment was made before")
        self.commitments[commit.commitment] = [entry.index, commit.pool, None]

    def start_valuation(self, entry, start):
        pool = self.pool(entry, start.pool)
        if (start.pool, start.period) in self.settled:
            raise entry.wrong("the period is settled")
        if start.validation_hash and start.validation_hash != pool["row"].validation_hash:
            raise entry.wrong("another validation set than the pool's")
        if start.commitment:
            made = self.commitments.get(start.commitment)
            if made is None or made[1] != start.pool or made[2] is not None:
                raise entry.wrong("the commitment is none that is free for the pool")
            made[2] = entry.index
        request = {"entry": entry, "start": start, "open": True}
        self.requests[thing_id(entry.command_id, 0)] = request

    def finish_valuation(self, entry, finish):
        request = self.requests.get(finish.request)
        if request is None or not request["open"]:
            raise entry.wrong("no open request for a valuation")
        start, size = request["start"], request["entry"].index + 1
        if (start.pool, start.period) in self.settled:
            raise entry.wrong("the period is settled")
        if start.commitment != (hash_of(finish.reveal) if finish.reveal else b""):
            raise entry.wrong("the reveal is not what was committed to")
        seed = blake3(derive_key_context="fenrun v1 seed")
        seed = seed.update(self.roots[size] + finish.reveal).hexdigest()
        source = "seed chosen by the operator"
        if finish.reveal:
            made = self.commitments[start.commitment][0]
            source = (
                f"the root of the first {size} entries of the log and the reveal that entry "
                f"{made} committed to"
            )
        data, table = self.attachment(entry, finish.table_hash), None
        if data is not None:
            table = self.read_table(entry, start, data)
            if table["seed"] not in (None, {"from": source, "hex": seed}):
                raise entry.wrong(f"the seed of the value table is not {seed}")
        request["open"] = False
        self.valuations[thing_id(entry.command_id, 0)] = (start, table)

    def read_table(self, entry, weights, data):
        """By docs/valuation.md, sections 3 and 4: the form, and the weights from the values."""
        table = json.loads(data)
        if canonical(table) != data or table["format"] != "fenrun-value-table/1":
            raise entry.wrong("the value table is not in its canonical form")
        said = (table["pool"], table["period"], table["method"], canonical(table["parameters"]))
        if said != (weights.pool, weights.period, weights.method, weights.parameters.encode()):
            raise entry.wrong("the value table is of another pool, period, method or parameters")
        lines = {line["contribution"]: line for line in table["contributions"]}
        if list(lines) != sorted(lines) or len(lines) != len(table["contributions"]):
            raise entry.wrong("the lines of the value table are not ascending")
        owners = {}
        for name, line in lines.items():
            if name not in self.contributions or line["owner"] != self.owner(name):
                raise entry.wrong(
                    f"the value table's line of {name} is of nothing recorded, or of another owner"
                )
            owners.setdefault(line["owner"], []).append(name)
        totals = {o: max(0, sum(int(lines[c]["value"]) for c in cs)) for o, cs in owners.items()}
        if "owners" in table:
            if [line["owner"] for line in table["owners"]] != sorted(owners):
                raise entry.wrong("the owners of the value table are not those of its lines")
            totals = {line["owner"]: max(0, int(line["value"])) for line in table["owners"]}
        for owner, part in allot(WEIGHT, totals)[0].items():
            values = {c: max(0, int(lines[c]["value"])) for c in owners[owner]}
            if not any(values.values()):
                values = dict.fromkeys(values, 1)
            for c, weight in allot(part, values)[0].items():
                if lines[c]["weight"] != weight:
                    raise entry.wrong(
                        f"the value table gives {c} the weight {lines[c]['weight']}, "
                        f"its values give {weight}"
                    )
        return table

    def owner(self, contribution):
        return self.rules.parties[self.contributions[contribution]["party"]].owner

    def freeze_period(self, entry, freeze):
        self.pool(entry, freeze.pool)
        self.still_open(entry, freeze)
        self.frozen[freeze.pool, freeze.period] = entry.index

    def settle(self, entry, settle):
        pool, at = self.pool(entry, settle.pool), (settle.pool, settle.period)
        if at not in self.frozen or at in self.settled:
            raise entry.wrong(
                f"the period {settle.period} of {settle.pool} is not frozen or is settled"
            )
        for other, period in sorted({*self.uses, *self.revenue}):
            currency = self.pools[other]["row"].currency_code == pool["row"].currency_code
            before = (
                other == settle.pool
                and period < settle.period
                or (period == settle.period and currency and self.pools[other]["id"] < pool["id"])
            )
            if before and (other, period) not in self.settled:
                raise entry.wrong(f"{other} {period} had to be settled before")
        valuation = self.valuations.get(settle.valuation)
        if valuation is None or (valuation[0].pool, valuation[0].period) != at:
            raise entry.wrong("the valuation is none of this period")
        self.settled[at] = entry.index
        if self.blobs is None:
            self.recomputed.append(None)
            return
        scenario = self.scenario(entry, pool, settle.period, valuation[1])
        result = settlement.run(scenario)
        data = result_bytes(result)
        if hash_of(data) != settle.result_hash:
            raise entry.wrong(
                f"the settlement of {settle.pool} {settle.period} has the hash "
                f"{settle.result_hash.hex()}, recomputed it has {hash_of(data).hex()}: "
                f"{self.what_differs(entry, settle, result)}"
            )
        if self.attachment(entry, settle.result_hash) != data:
            raise entry.wrong("the attachment with the result has other bytes")
        days = self.policy(entry, pool, settle.period).objection_days
        self.book(entry, scenario, result, pool, days)
        lines = [leaf_hash(canonical(line)) for line in result.get("lines", [])]
        self.recomputed.append((entry.index, settle.pool, settle.period, len(lines), root(lines)))

    def what_differs(self, entry, settle, result):
        try:
            recorded = json.loads(self.attachment(entry, settle.result_hash))
        except (Wrong, ValueError) as error:
            return str(error)
        return difference(result, recorded) or "the bytes alone"

    def policy(self, entry, pool, period):
        begun = [p for p in pool["row"].policies if p.from_period <= period]
        if not begun:
            raise entry.wrong(f"the pool has no policy for {period}")
        return self.policies[begun[-1].policy_hash]

    def scenario(self, entry, pool, period, table):
        """The table of "From the ledger to a scenario" in docs/settlement.md, row by row."""
        row, parties = pool["row"], self.rules.parties
        policy = scenario_policy(self.policy(entry, pool, period))
        used = {c for c, kind in self.uses.get((row.name, period), ()) if kind != PUBLIC_INTEREST}
        weights = {line["contribution"]: line["weight"] for line in table["contributions"]}
        if missing := sorted(used - weights.keys()):
            raise entry.wrong(f"the value table has no line of {missing[0]}, which is in use")
        in_run, waiting = set(), sorted(used | weights.keys())
        while waiting:
            c = waiting.pop()
            if c not in in_run:
                in_run.add(c)
                waiting += [parent["id"] for parent in self.contributions[c]["parents"]]
        owners = {self.owner(c) for c in in_run}
        carried = {p: self.carried.get((p, row.currency_code), 0) for p in parties}
        names = sorted(p for p in parties if parties[p].owner in owners or carried[p])
        owners |= {parties[p].owner for p in names}
        classes = policy.get("cost_recovery", {}).get("classes", [])
        return {
            "currency": row.currency_code,
            "period": period,
            "policy": policy,
            "revenue": [item for _, item in self.revenue.get((row.name, period), [])],
            "opening": dict(pool["opening"]),
            "contributions": [
                {
                    "id": c,
                    "party": self.contributions[c]["party"],
                    "weight": weights.get(c, 0),
                    "parents": self.contributions[c]["parents"],
                }
                for c in in_run
            ],
            "parties": [{"id": p, "owner": parties[p].owner, "carried": carried[p]} for p in names],
            "owners": [{"id": o} for o in owners],
            "holds": [],
            "claims": [
                {
                    "id": k,
                    "contribution": x["contribution"],
                    "class": x["class"],
                    "outstanding": x["outstanding"],
                }
                for k, x in self.claims.items()
                if x["contribution"] in in_run
                and x["currency"] == row.currency_code
                and x["class"] in classes
                and x["outstanding"]
            ],
        }

    def book(self, entry, scenario, result, pool, days):
        """What the next settlement opens with, and what can be paid out."""
        if result.get("stopped"):
            pool["opening"]["pool_deficit"] = result["pool_deficit"]
            return
        pool["opening"] = {
            "profit_layer": result["next_profit_layer"],
            "pool_deficit": 0,
            "over_recovery": result["over_recovery"],
        }
        for party, amounts in result["parties"].items():
            self.carried[party, scenario["currency"]] = amounts["carried"]
            payable = amounts["payable"]
            self.becomes_payable(entry, party, scenario["currency"], payable, days)
        for claim, amounts in result["claims"].items():
            self.claims[claim]["outstanding"] = amounts["outstanding"]
