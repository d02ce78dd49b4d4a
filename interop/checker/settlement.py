"""The seventeen steps of docs/settlement.md: from a scenario to the result with its lines.

Integers only. `run` expects a scenario that docs/settlement.md would not refuse."""

from math import prod

from arithmetic import allot, bps, ceil_div


def hold_fractions(scenario):
    """The sum of the holds of each contribution over the product of their different denominators,
    at most 1."""
    holds, fractions = {}, {}
    for hold in scenario.get("holds") or []:
        over = holds.setdefault(hold["contribution"], {})
        over[hold["denominator"]] = over.get(hold["denominator"], 0) + hold["numerator"]
    for contribution, over in holds.items():
        under = prod(over)
        whole = sum(numerator * (under // denominator) for denominator, numerator in over.items())
        fractions[contribution] = (min(whole, under), under)
    return fractions


class Run:
    def __init__(self, scenario):
        self.scenario, self.policy = scenario, scenario["policy"]
        by_id = lambda kind: {
            x["id"]: x for x in sorted(scenario[kind], key=lambda x: x["id"].encode())
        }
        self.contributions, self.parties = by_id("contributions"), by_id("parties")
        self.owners, self.claims = by_id("owners"), by_id("claims")
        self.fractions, self.lines = hold_fractions(scenario), []
        self.weight = {c: x["weight"] for c, x in self.contributions.items()}
        self.of_owner = {}
        for c in self.contributions:
            self.of_owner.setdefault(self.owner(c), []).append(c)

    def party(self, contribution):
        return self.contributions[contribution]["party"]

    def owner(self, contribution):
        return self.parties[self.party(contribution)]["owner"]

    def line(self, step, name, amount, because, contribution=None, party=None):
        line = {"step": step, "name": name, "amount": amount, "because": because}
        if contribution is not None:
            line["contribution"], party = contribution, self.party(contribution)
        if party is not None:
            line["party"] = party
        self.lines.append(line)

    def result(self):
        opening, policy = self.scenario["opening"], self.policy
        # Step 1
        came = dict.fromkeys(("receipt", "refund", "chargeback"), 0)
        for item in self.scenario["revenue"]:
            came[item["kind"]] += item["amount"]
        net = came["receipt"] - came["refund"] - came["chargeback"] - opening["pool_deficit"]
        if net <= 0:
            return {"net": net, "pool_deficit": -net, "stopped": True}
        self.line(
            1,
            "net_revenue",
            net,
            {
                "receipts": came["receipt"],
                "refunds": came["refund"],
                "chargebacks": came["chargeback"],
                "opening_deficit": opening["pool_deficit"],
            },
        )
        # Step 2
        operator_fee = 0
        if fee := policy.get("operator_fee"):
            because = {"net": net, "bps": fee["bps"], "flat": fee["flat"]}
            limits = [bps(net, fee["bps"]) + fee["flat"], net]
            if fee.get("cap") is not None:
                because["cap"] = fee["cap"]
                limits.append(fee["cap"])
            operator_fee = min(limits)
            self.line(2, "operator_fee", operator_fee, because)
        left = net - operator_fee
        # Step 3
        ceiling, over_in, over_out = policy.get("regulated_ceiling"), opening["over_recovery"], 0
        if ceiling or over_in:
            because = {"left": left, "over_recovery_in": over_in}
            left += over_in
            if ceiling:
                because["maximum_revenue"] = ceiling["maximum_revenue"]
                over_out = max(0, left - ceiling["maximum_revenue"])
                left -= over_out
            self.line(3, "regulated_ceiling", left, {**because, "over_recovery_out": over_out})
        recovered = self.recover_costs(net, left)
        left -= recovered
        # Step 5
        public = 0
        if rule := policy.get("public_interest"):
            public = bps(left, rule["bps"])
            self.line(5, "public_interest", public, {"left": left, "bps": rule["bps"]})
            left -= public
        # Step 6
        layer, floor, budget = left + opening["profit_layer"], policy.get("floor"), 0
        self.line(6, "profit_layer", layer, {"left": left, "opening": opening["profit_layer"]})
        if floor:
            budget = bps(layer, floor["budget_bps"])
        shared = layer - budget
        if floor:
            self.line(
                6,
                "floor_budget",
                budget,
                {"profit_layer": layer, "budget_bps": floor["budget_bps"], "shared": shared},
            )
        undistributed = self.share(shared)
        self.pass_upstream()
        top_ups = self.top_up(budget)
        self.hold(top_ups)
        parties = self.pay()
        # Step 16
        unused = budget - sum(top_ups.values())
        next_layer = unused + undistributed
        self.line(
            16,
            "next_profit_layer",
            next_layer,
            {"unused_floor_budget": unused, "undistributed": undistributed},
        )
        # Step 17
        out = operator_fee + over_out + public + next_layer
        out += sum(sum(amounts.values()) for amounts in parties.values())
        carried = sum(x.get("carried", 0) for x in self.parties.values())
        assert net + opening["profit_layer"] + over_in + carried == out, (
            "step 17: it does not conserve"
        )
        self.lines.sort(
            key=lambda x: (x["step"], x.get("contribution", ""), x.get("party", "").encode())
        )
        return {
            "after_upstream": self.kept,
            "cost_recovered": recovered,
            "floor_budget": budget,
            "claims": {
                k: {"paid": paid, "outstanding": self.claims[k]["outstanding"] - paid}
                for k, paid in self.paid.items()
            },
            "lines": self.lines,
            "net": net,
            "next_profit_layer": next_layer,
            "operator_fee": operator_fee,
            "over_recovery": over_out,
            "parties": parties,
            "profit_layer": layer,
            "public_interest": public,
            "shared": shared,
            "shares": self.shares,
            "top_ups": {o: x for o, x in top_ups.items() if x},
            "undistributed": undistributed,
        }

    def recover_costs(self, net, left):
        """Step 4."""
        self.paid = dict.fromkeys(self.claims, 0)
        rule = self.policy.get("cost_recovery")
        if not rule:
            return 0
        budget = min(bps(net, rule["tier_cap_bps"]), left)
        self.line(
            4,
            "cost_budget",
            budget,
            {"net": net, "tier_cap_bps": rule["tier_cap_bps"], "left": left},
        )
        because = {}
        for name in rule["classes"]:
            claims = {k: x["outstanding"] for k, x in self.claims.items() if x["class"] == name}
            whole, lucky = sum(claims.values()), set()
            paid = claims
            if whole > budget:
                paid, lucky = allot(budget, claims)
            for k in claims:
                because[k] = {
                    "claim": k,
                    "class": name,
                    "outstanding": claims[k],
                    "class_budget": budget,
                    "class_outstanding": whole,
                    "leftover_unit": int(k in lucky),
                }
            self.paid.update(paid)
            budget -= sum(paid.values())
        for k in self.claims:
            self.line(4, "cost_recovery", self.paid[k], because[k], self.claims[k]["contribution"])
        return sum(self.paid.values())

    def share(self, shared):
        """Steps 7 and 8; returns what nobody got."""
        owner_weight = {o: sum(self.weight[c] for c in cs) for o, cs in self.of_owner.items()}
        total = sum(owner_weight.values())
        before, lucky_owners = allot(shared, owner_weight)
        undistributed, self.shares = (0 if total else shared), {}
        for o, cs in self.of_owner.items():
            parts, lucky = allot(before[o], {c: self.weight[c] for c in cs})
            self.shares.update(parts)
            for c in cs:
                self.line(
                    7,
                    "value_share",
                    parts[c],
                    {
                        "distributed": shared,
                        "owner": o,
                        "owner_share": before[o],
                        "owner_weight": owner_weight[o],
                        "total_weight": total,
                        "owner_leftover_unit": int(o in lucky_owners),
                        "weight": self.weight[c],
                        "leftover_unit": int(c in lucky),
                    },
                    c,
                )
        if self.policy.get("owner_cap_bps") is None:
            return undistributed
        cap, after, capped = bps(shared, self.policy["owner_cap_bps"]), dict(before), set()
        while above := [o for o in after if o not in capped and after[o] > cap]:
            excess = sum(after[o] - cap for o in above)
            after.update(dict.fromkeys(above, cap))
            capped.update(above)
            others = {o: w for o, w in owner_weight.items() if w and o not in capped}
            if not others:
                undistributed += excess
                break
            for o, part in allot(excess, others)[0].items():
                after[o] += part
        for o, cs in self.of_owner.items():
            if after[o] == before[o]:
                continue
            parts, _ = allot(after[o], {c: self.weight[c] for c in cs})
            for c in cs:
                was, self.shares[c] = self.shares[c], parts[c]
                self.line(
                    8,
                    "owner_cap",
                    parts[c] - was,
                    {
                        "cap": cap,
                        "owner": o,
                        "owner_share_before": before[o],
                        "owner_share_after": after[o],
                        "share_before": was,
                        "share_after": parts[c],
                    },
                    c,
                )
        return undistributed

    def generations(self):
        """How far each contribution is from one without parents, by the longest way."""
        found, waiting = {}, list(self.contributions)
        while waiting:
            c = waiting[-1]
            parents = [p["id"] for p in self.contributions[c].get("parents") or []]
            unknown = [p for p in parents if p not in found]
            if unknown:
                waiting += unknown
            else:
                found[waiting.pop()] = 1 + max((found[p] for p in parents), default=-1)
        return found

    def pass_upstream(self):
        """Step 9."""
        zero = lambda: dict.fromkeys(self.contributions, 0)
        self.holds, self.kept, self.from_others = (
            dict(self.shares),
            zero(),
            dict.fromkeys(self.of_owner, 0),
        )
        self.contested_in, self.contested, self.contested_out, self.held = (
            zero(),
            zero(),
            zero(),
            zero(),
        )
        received, passed, depth = [], [], self.generations()
        for c in sorted(self.contributions, key=lambda c: (-depth[c], c)):
            x, y = self.holds[c], self.contested_in[c]
            over, under = self.fractions.get(c, (0, 1))
            z = y + ceil_div((x - y) * over, under)
            out = 0
            for edge in self.contributions[c].get("parents") or []:
                parent, rate = edge["id"], edge["upstream_bps"]
                amount = bps(x, rate)
                doubtful = ceil_div(amount * z, x) if x else 0
                other = self.owner(parent) != self.owner(c)
                self.holds[parent] += amount
                self.contested_in[parent] += doubtful
                self.contested_out[c] += doubtful
                out += amount
                if other:
                    self.from_others[self.owner(parent)] += amount
                basis = {"holds": x, "bps": rate, "contested": doubtful}
                received.append(
                    (c, parent, amount, {**basis, "child": c, "other_owner": int(other)})
                )
                passed.append((parent, c, -amount, {**basis, "parent": parent}))
            self.kept[c], self.contested[c] = x - out, z
            self.held[c] = min(x - out, max(0, z - self.contested_out[c]))
        for name, edges in (("upstream_received", received), ("upstream_passed", passed)):
            for _, about, amount, because in sorted(edges, key=lambda edge: edge[0]):
                self.line(9, name, amount, because, about)

    def top_up(self, budget):
        """Step 10."""
        rule = self.policy.get("floor")
        if not rule:
            return {}
        share = {o: sum(self.shares[c] for c in cs) for o, cs in self.of_owner.items()}
        least = rule.get("min_weight", 1)
        needs = {
            o: max(0, rule["amount"] - share[o] - self.from_others[o])
            for o, cs in self.of_owner.items()
            if self.owners[o].get("floor_eligible") and sum(self.weight[c] for c in cs) >= least
        }
        whole, lucky, paid = sum(needs.values()), set(), needs
        if whole > budget:
            paid, lucky = allot(budget, needs)
        for o in needs:
            self.line(
                10,
                "floor_top_up",
                paid[o],
                {
                    "owner": o,
                    "floor": rule["amount"],
                    "share": share[o],
                    "received": self.from_others[o],
                    "need": needs[o],
                    "needs": whole,
                    "budget": budget,
                    "leftover_unit": int(o in lucky),
                },
                party=self.first_party(o),
            )
        return paid

    def first_party(self, owner):
        return min((p for p, x in self.parties.items() if x["owner"] == owner), key=str.encode)

    def hold(self, top_ups):
        """Step 11; leaves in `money` what each party has of cost and profit, and what is held."""
        self.money = {
            p: {"cost": 0, "profit": 0, "held_cost": 0, "held_profit": 0} for p in self.parties
        }
        for o, top_up in top_ups.items():
            profit = sum(self.kept[c] for c in self.of_owner[o])
            doubtful = sum(self.held[c] for c in self.of_owner[o])
            if profit:
                held = ceil_div(top_up * doubtful, profit)
            else:
                held = (
                    top_up if any(self.fractions.get(c, (0, 1))[0] for c in self.of_owner[o]) else 0
                )
            money = self.money[self.first_party(o)]
            money["profit"] += top_up
            money["held_profit"] += held
            if held:
                self.line(
                    11,
                    "held_top_up",
                    -held,
                    {"top_up": top_up, "owner_held_profit": doubtful, "owner_profit": profit},
                    party=self.first_party(o),
                )
        cost = dict.fromkeys(self.contributions, 0)
        for k, paid in self.paid.items():
            cost[self.claims[k]["contribution"]] += paid
        for c in self.contributions:
            over, under = self.fractions.get(c, (0, 1))
            held_cost, held = ceil_div(cost[c] * over, under), self.held[c]
            money = self.money[self.party(c)]
            money["cost"] += cost[c]
            money["profit"] += self.kept[c]
            money["held_cost"] += held_cost
            money["held_profit"] += held
            fraction = {"fraction": f"{over}/{under}"} if over and under < 1 << 64 else {}
            if held_cost:
                self.line(11, "held_cost", -held_cost, {"cost": cost[c], **fraction}, c)
            if over or self.contested[c]:
                self.line(
                    11,
                    "held_profit",
                    -held,
                    {
                        "holds": self.holds[c],
                        "kept": self.kept[c],
                        "contested": self.contested[c],
                        "contested_received": self.contested_in[c],
                        "contested_passed": self.contested_out[c],
                        **fraction,
                    },
                    c,
                )

    def pay(self):
        """Steps 12 to 15."""
        policy, tax, unheld, offset = self.policy, {}, {}, dict.fromkeys(self.parties, 0)
        for p, x in self.parties.items():
            money, rate = self.money[p], x.get("tax_bps", 0)
            profit = money["profit"] - money["held_profit"]
            unheld[p], tax[p] = profit + money["cost"] - money["held_cost"], bps(profit, rate)
            if rate:
                self.line(
                    12, "withholding_tax", -tax[p], {"unheld_profit": profit, "bps": rate}, party=p
                )
        if (rate := policy.get("offset_max_bps")) is not None:
            for o, x in self.owners.items():
                if not x.get("debt"):
                    continue
                limits = {
                    p: min(bps(unheld[p], rate), unheld[p] - tax[p])
                    for p in self.parties
                    if self.parties[p]["owner"] == o
                }
                whole = sum(limits.values())
                parts, lucky = allot(min(x["debt"], whole), limits)
                offset.update(parts)
                for p in limits:
                    self.line(
                        13,
                        "offset",
                        -parts[p],
                        {
                            "owner": o,
                            "debt": x["debt"],
                            "unheld": unheld[p],
                            "tax": tax[p],
                            "offset_max_bps": rate,
                            "limit": limits[p],
                            "limits": whole,
                            "leftover_unit": int(p in lucky),
                        },
                        party=p,
                    )
        paid, least = {}, policy.get("minimum_payout") or 0
        for p, x in self.parties.items():
            reserve = 0
            if rule := policy.get("reserve"):
                rest = unheld[p] - offset[p]
                reserve = min(bps(rest, rule["bps"]), rest - tax[p])
                self.line(
                    14,
                    "reserve",
                    -reserve,
                    {"unheld": unheld[p], "offset": offset[p], "tax": tax[p], "bps": rule["bps"]},
                    party=p,
                )
            left, carried_in = unheld[p] - tax[p] - offset[p] - reserve, x.get("carried", 0)
            total = left + carried_in
            payable = total if total > 0 and total >= least else 0
            self.line(
                15,
                "payable" if payable else "carried",
                total,
                {"left": left, "carried_in": carried_in, "minimum_payout": least},
                party=p,
            )
            money = self.money[p]
            paid[p] = {
                "payable": payable,
                "carried": total - payable,
                "held_cost": money["held_cost"],
                "held_profit": money["held_profit"],
                "offset": offset[p],
                "reserve": reserve,
                "tax": tax[p],
            }
        return paid


def run(scenario):
    return Run(scenario).result()
