//! A second implementation of the waterfall for the tests: slow, by name, in unbounded numbers.
//!
//! It is written from the rules alone and shares nothing with the real one but the scenario.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use serde_json::{Value, json};

use super::scenario::{Contribution, RevenueKind, Scenario};

type Amounts = BTreeMap<String, BigInt>;
type BeforeOffset = BTreeMap<String, (BigInt, BigInt, BigInt, BigInt)>;

/// Returns the expected output without lines.
pub(super) fn expected(scenario: &Scenario) -> Value {
    let net = net(scenario);
    if net <= int(0) {
        return json!({"net": small(&net), "stopped": true, "pool_deficit": small(&-&net)});
    }
    let mut naive = Naive {
        scenario,
        output: BTreeMap::new(),
    };
    naive.put("net", &net);
    let (left, paid) = naive.pool(&net);
    let shares = naive.shares(&left);
    let up = naive.upstream(&shares);
    let top_ups = naive.top_ups(&shares, &up);
    naive.parties(&paid, &up, &top_ups);
    naive.maps(&paid, &shares, &up, &top_ups);
    json!(naive.output)
}

fn int(number: i64) -> BigInt {
    BigInt::from(number)
}

fn small(number: &BigInt) -> i64 {
    i64::try_from(number).unwrap()
}

fn bps(amount: &BigInt, rate: u32) -> BigInt {
    amount * rate / 10_000
}

fn ceil(exact: &BigRational) -> BigInt {
    exact.ceil().to_integer()
}

/// Gives floors first and then, one by one, the largest remainder that has not had a unit yet.
fn allot(total: &BigInt, weights: &Amounts) -> Amounts {
    let sum: BigInt = weights.values().sum();
    if *total == int(0) {
        return weights.keys().map(|id| (id.clone(), int(0))).collect();
    }
    let mut shares: Amounts = weights
        .iter()
        .map(|(id, weight)| (id.clone(), total * weight / &sum))
        .collect();
    let mut waiting: BTreeSet<(BigInt, String)> = weights
        .iter()
        .map(|(id, weight)| (-(total * weight % &sum), id.clone()))
        .collect();
    while shares.values().sum::<BigInt>() < *total {
        let (_, id) = waiting.pop_first().unwrap();
        *shares.get_mut(&id).unwrap() += 1;
    }
    shares
}

fn net(scenario: &Scenario) -> BigInt {
    let mut net = -int(scenario.opening.pool_deficit);
    for revenue in &scenario.revenue {
        match revenue.kind {
            RevenueKind::Receipt => net += revenue.amount,
            RevenueKind::Refund | RevenueKind::Chargeback => net -= revenue.amount,
        }
    }
    net
}

struct Naive<'a> {
    scenario: &'a Scenario,
    output: BTreeMap<&'static str, Value>,
}

struct Shares {
    owners: Amounts,
    contributions: Amounts,
}

/// By contribution, and for `received` by owner.
struct Up {
    kept: Amounts,
    contested: Amounts,
    received: Amounts,
}

impl<'a> Naive<'a> {
    fn put(&mut self, key: &'static str, amount: &BigInt) {
        self.output.insert(key, json!(small(amount)));
    }

    fn get(&self, key: &str) -> BigInt {
        int(self.output[key].as_i64().unwrap())
    }

    fn owner_of_party(&self, party: &str) -> &'a str {
        &self
            .scenario
            .parties
            .iter()
            .find(|one| &*one.id == party)
            .unwrap()
            .owner
    }

    fn owner_of(&self, contribution: &str) -> &'a str {
        self.owner_of_party(&self.contribution(contribution).party)
    }

    fn contribution(&self, id: &str) -> &'a Contribution {
        self.scenario
            .contributions
            .iter()
            .find(|one| &*one.id == id)
            .unwrap()
    }

    fn contributions_of(&self, owner: &str) -> Vec<&'a Contribution> {
        let all = self.scenario.contributions.iter();
        all.filter(|one| self.owner_of_party(&one.party) == owner)
            .collect()
    }

    fn weight_of(&self, owner: &str) -> BigInt {
        self.contributions_of(owner)
            .iter()
            .map(|one| BigInt::from(one.weight))
            .sum()
    }

    fn hold_of(&self, contribution: &str) -> BigRational {
        let mut sum = BigRational::from(int(0));
        for hold in self
            .scenario
            .holds
            .iter()
            .filter(|hold| &*hold.contribution == contribution)
        {
            sum += BigRational::new(hold.numerator.into(), hold.denominator.into());
        }
        sum.min(BigRational::from(int(1)))
    }

    /// Steps 2 to 6.
    fn pool(&mut self, net: &BigInt) -> (BigInt, Amounts) {
        let policy = &self.scenario.policy;
        let mut fee = int(0);
        if let Some(rule) = &policy.operator_fee {
            fee = (bps(net, rule.bps) + rule.flat).min(net.clone());
            fee = rule.cap.map_or(fee.clone(), |cap| fee.min(int(cap)));
        }
        self.put("operator_fee", &fee);
        let x = net - fee + self.scenario.opening.over_recovery;
        let mut over = int(0);
        if let Some(rule) = &policy.regulated_ceiling {
            over = (&x - rule.maximum_revenue).max(int(0));
        }
        self.put("over_recovery", &over);
        let mut left = x - over;
        let mut paid = Amounts::new();
        if let Some(rule) = &policy.cost_recovery {
            let mut budget = bps(net, rule.tier_cap_bps).min(left.clone());
            for class in &rule.classes {
                let claims = self
                    .scenario
                    .claims
                    .iter()
                    .filter(|claim| *claim.class == **class);
                let due: Amounts = claims
                    .map(|claim| (claim.id.to_string(), int(claim.outstanding)))
                    .collect();
                let total: BigInt = due.values().sum();
                let given = if total <= budget {
                    due
                } else {
                    allot(&budget, &due)
                };
                budget -= given.values().sum::<BigInt>();
                paid.extend(given);
            }
        }
        let recovered: BigInt = paid.values().sum();
        self.put("cost_recovered", &recovered);
        left -= recovered;
        let public = policy
            .public_interest
            .as_ref()
            .map_or(int(0), |rule| bps(&left, rule.bps));
        self.put("public_interest", &public);
        let layer = left - public + self.scenario.opening.profit_layer;
        self.put("profit_layer", &layer);
        let budget = policy
            .floor
            .as_ref()
            .map_or(int(0), |rule| bps(&layer, rule.budget_bps));
        self.put("floor_budget", &budget);
        let shared = layer - budget;
        self.put("shared", &shared);
        (shared, paid)
    }

    /// Steps 7 and 8.
    fn shares(&mut self, shared: &BigInt) -> Shares {
        let ids = self
            .scenario
            .owners
            .iter()
            .map(|owner| owner.id.to_string());
        let weights: Amounts = ids.map(|id| (id.clone(), self.weight_of(&id))).collect();
        let mut lost = int(0);
        let mut owners: Amounts = weights.keys().map(|id| (id.clone(), int(0))).collect();
        if weights.values().all(|weight| *weight == int(0)) {
            lost = shared.clone();
        } else {
            owners = allot(shared, &weights);
        }
        if let Some(rate) = self.scenario.policy.owner_cap_bps {
            let cap = bps(shared, rate);
            let mut set = BTreeSet::new();
            while owners.values().any(|amount| *amount > cap) {
                let mut excess = int(0);
                for (id, amount) in owners.iter_mut().filter(|(_, amount)| **amount > cap) {
                    excess += &*amount - &cap;
                    *amount = cap.clone();
                    set.insert(id.clone());
                }
                let open: Amounts = weights
                    .iter()
                    .filter(|(id, weight)| **weight > int(0) && !set.contains(*id))
                    .map(|(id, weight)| (id.clone(), weight.clone()))
                    .collect();
                if open.is_empty() {
                    lost += excess;
                } else {
                    for (id, amount) in allot(&excess, &open) {
                        *owners.get_mut(&id).unwrap() += amount;
                    }
                }
            }
        }
        self.put("undistributed", &lost);
        let mut contributions = Amounts::new();
        for (owner, amount) in &owners {
            let of_owner = self.contributions_of(owner);
            let weights: Amounts = of_owner
                .iter()
                .map(|one| (one.id.to_string(), one.weight.into()))
                .collect();
            contributions.extend(allot(amount, &weights));
        }
        Shares {
            owners,
            contributions,
        }
    }

    fn generation(&self, id: &str) -> usize {
        let parents = self.contribution(id).parents.iter();
        parents
            .map(|parent| self.generation(&parent.id) + 1)
            .max()
            .unwrap_or(0)
    }

    /// Step 9.
    fn upstream(&self, shares: &Shares) -> Up {
        let mut holds = shares.contributions.clone();
        let mut contested: Amounts = holds.keys().map(|id| (id.clone(), int(0))).collect();
        let owners = self.scenario.owners.iter();
        let mut received: Amounts = owners.map(|one| (one.id.to_string(), int(0))).collect();
        let mut order: Vec<_> = self
            .scenario
            .contributions
            .iter()
            .map(|one| {
                (
                    std::cmp::Reverse(self.generation(&one.id)),
                    one.id.to_string(),
                )
            })
            .collect();
        order.sort();
        for (_, child) in order {
            let x = holds[&child].clone();
            let y = contested[&child].clone();
            let z = &y + ceil(&(BigRational::from(&x - &y) * self.hold_of(&child)));
            let (mut passed, mut passed_contested) = (int(0), int(0));
            for edge in &self.contribution(&child).parents {
                let v = bps(&x, edge.upstream_bps);
                let part = if x == int(0) {
                    int(0)
                } else {
                    ceil(&BigRational::new(&v * &z, x.clone()))
                };
                if self.owner_of(&edge.id) != self.owner_of(&child) {
                    *received.get_mut(self.owner_of(&edge.id)).unwrap() += &v;
                }
                *holds.get_mut(&*edge.id).unwrap() += &v;
                *contested.get_mut(&*edge.id).unwrap() += &part;
                passed += v;
                passed_contested += part;
            }
            let kept = x - passed;
            let left = (z - passed_contested).max(int(0));
            contested.insert(child.clone(), left.min(kept.clone()));
            holds.insert(child, kept);
        }
        Up {
            kept: holds,
            contested,
            received,
        }
    }

    /// Step 10.
    fn top_ups(&mut self, shares: &Shares, up: &Up) -> Amounts {
        let mut paid = Amounts::new();
        if let Some(rule) = &self.scenario.policy.floor {
            let mut needs = Amounts::new();
            for owner in self
                .scenario
                .owners
                .iter()
                .filter(|owner| owner.floor_eligible)
            {
                let id = owner.id.to_string();
                if self.contributions_of(&id).is_empty()
                    || self.weight_of(&id) < BigInt::from(rule.min_weight)
                {
                    continue;
                }
                let need = rule.amount - (&shares.owners[&id] + &up.received[&id]);
                needs.insert(id, need.max(int(0)));
            }
            let budget = self.get("floor_budget");
            let total: BigInt = needs.values().sum();
            paid = if total <= budget {
                needs
            } else {
                allot(&budget, &needs)
            };
        }
        let unused = self.get("floor_budget") - paid.values().sum::<BigInt>();
        let next = unused + self.get("undistributed");
        self.put("next_profit_layer", &next);
        paid
    }

    /// Steps 11 and 12: by party what is unheld, the tax, the held cost and the held profit.
    fn before_offset(&self, paid: &Amounts, up: &Up, top_ups: &Amounts) -> BeforeOffset {
        let mut before_offset = BTreeMap::new();
        for party in &self.scenario.parties {
            let (mut cost, mut held_cost, mut profit, mut held_profit) =
                (int(0), int(0), int(0), int(0));
            for one in self
                .scenario
                .contributions
                .iter()
                .filter(|one| one.party == party.id)
            {
                let claims = self
                    .scenario
                    .claims
                    .iter()
                    .filter(|claim| claim.contribution == one.id);
                let came: BigInt = claims.filter_map(|claim| paid.get(&*claim.id)).sum();
                held_cost += ceil(&(BigRational::from(came.clone()) * self.hold_of(&one.id)));
                cost += came;
                profit += &up.kept[&*one.id];
                held_profit += &up.contested[&*one.id];
            }
            if let Some((amount, held)) = self.top_up_of(&party.id, up, top_ups) {
                profit += amount;
                held_profit += held;
            }
            let unheld_profit = &profit - &held_profit;
            let tax = bps(&unheld_profit, party.tax_bps);
            let unheld = cost - &held_cost + unheld_profit;
            before_offset.insert(party.id.to_string(), (unheld, tax, held_cost, held_profit));
        }
        before_offset
    }

    /// Steps 13 to 15.
    fn parties(&mut self, paid: &Amounts, up: &Up, top_ups: &Amounts) {
        let before_offset = self.before_offset(paid, up, top_ups);
        let mut offsets = Amounts::new();
        let rate = self.scenario.policy.offset_max_bps.unwrap_or(0);
        for owner in &self.scenario.owners {
            let limits: Amounts = before_offset
                .iter()
                .filter(|(party, _)| self.owner_of_party(party) == &*owner.id)
                .map(|(party, (unheld, tax, ..))| {
                    (party.clone(), bps(unheld, rate).min(unheld - tax))
                })
                .collect();
            let total = limits.values().sum::<BigInt>().min(int(owner.debt));
            offsets.extend(allot(&total, &limits));
        }
        let mut parties = BTreeMap::new();
        for party in &self.scenario.parties {
            let (unheld, tax, held_cost, held_profit) = &before_offset[&*party.id];
            let offset = &offsets[&*party.id];
            let r = unheld - offset;
            let rate = self
                .scenario
                .policy
                .reserve
                .as_ref()
                .map_or(0, |rule| rule.bps);
            let reserve = bps(&r, rate).min(&r - tax);
            let due = r - tax - &reserve + party.carried;
            let minimum = int(self.scenario.policy.minimum_payout.unwrap_or(0));
            let (payable, carried) = if due >= minimum && due > int(0) {
                (due, int(0))
            } else {
                (int(0), due)
            };
            let fields = [
                ("payable", &payable),
                ("carried", &carried),
                ("held_cost", held_cost),
                ("held_profit", held_profit),
                ("offset", offset),
                ("reserve", &reserve),
                ("tax", tax),
            ];
            let fields: BTreeMap<_, _> = fields.map(|(key, amount)| (key, small(amount))).into();
            parties.insert(party.id.to_string(), fields);
        }
        self.output.insert("parties", json!(parties));
    }

    /// Returns the top-up that goes to a party and its held part, if it is its owner's lowest.
    fn top_up_of(&self, party: &str, up: &Up, top_ups: &Amounts) -> Option<(BigInt, BigInt)> {
        let owner = self.owner_of_party(party);
        let of_owner = self
            .scenario
            .parties
            .iter()
            .filter(|one| &*one.owner == owner);
        if **of_owner.map(|one| &one.id).min()? != *party {
            return None;
        }
        let amount = top_ups.get(owner)?.clone();
        let rows = self.contributions_of(owner);
        let profit: BigInt = rows.iter().map(|one| &up.kept[&*one.id]).sum();
        let held_profit: BigInt = rows.iter().map(|one| &up.contested[&*one.id]).sum();
        let held = if profit > int(0) {
            ceil(&BigRational::new(&amount * held_profit, profit))
        } else if rows
            .iter()
            .any(|one| self.hold_of(&one.id) > BigRational::from(int(0)))
        {
            amount.clone()
        } else {
            int(0)
        };
        Some((amount, held))
    }

    fn maps(&mut self, paid: &Amounts, shares: &Shares, up: &Up, top_ups: &Amounts) {
        let numbers = |amounts: &Amounts| -> BTreeMap<String, i64> {
            amounts
                .iter()
                .map(|(id, amount)| (id.clone(), small(amount)))
                .collect()
        };
        let mut claims = BTreeMap::new();
        for claim in &self.scenario.claims {
            let came = paid.get(&*claim.id).map_or(0, small);
            let row = json!({"paid": came, "outstanding": claim.outstanding - came});
            claims.insert(claim.id.to_string(), row);
        }
        let mut above_zero = numbers(top_ups);
        above_zero.retain(|_, amount| *amount > 0);
        self.output.insert("claims", json!(claims));
        self.output
            .insert("shares", json!(numbers(&shares.contributions)));
        self.output
            .insert("after_upstream", json!(numbers(&up.kept)));
        self.output.insert("top_ups", json!(above_zero));
    }
}
