//! Step 9: each contribution passes part of what it holds up to what it was derived from.

use super::amount::{fraction_of, rate_of};
use super::lines::{Because, Line, LineName};
use super::outcome::Settlement;
use super::run::Run;
use super::table::Table;

/// What went through one contribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Its share and all that came up to it.
    pub(super) holds: i64,
    /// The part of `holds` that had come up contested.
    pub(super) contested_received: i64,
    /// The part of `holds` that is contested, with its own holds.
    pub(super) contested: i64,
    /// The contested part of what it passed up.
    pub(super) contested_passed: i64,
    /// What it keeps.
    pub(super) kept: i64,
    /// The contested part of what it keeps.
    pub(super) kept_contested: i64,
}

/// What went through the contributions, and what owners received from others.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) flows: Table<Flow>,
    /// By owner, the sum of what came up edges from contributions of other owners, gross.
    pub(super) received: Table<i64>,
}

/// Where a line of this step stands: contribution, received before passed, the other end.
type Order = (usize, bool, usize);

/// Passes shares up, each contribution when all that comes up to it has come.
pub(super) fn pass(run: &Run, shares: &Table<i64>, result: &mut Settlement) -> Upstream {
    let mut flows: Table<Flow> = shares
        .iter()
        .map(|share| Flow {
            holds: *share,
            ..Flow::default()
        })
        .collect();
    let mut received: Table<i64> = Table::beside(&run.owners);
    let mut lines: Vec<(Order, Line)> = Vec::new();
    for child in run.turns.iter().copied() {
        let mut flow = flows[child];
        flow.contested = contested(run, child, &flow);
        let mut passed = 0i64;
        for edge in &run.parents[child] {
            let amount = rate_of(flow.holds, edge.bps);
            let contested = fraction_of(amount, flow.contested, flow.holds);
            // All that passes is a part of what is shared, which fits; so do all sums of it.
            passed = passed.saturating_add(amount);
            flow.contested_passed = flow.contested_passed.saturating_add(contested);
            let above = &mut flows[edge.parent];
            above.holds = above.holds.saturating_add(amount);
            above.contested_received = above.contested_received.saturating_add(contested);
            let owner = run.contributions[edge.parent].owner;
            if owner != run.contributions[child].owner {
                // Money can pass one owner many times on its way, so this one may saturate; the
                // need it is compared with is far below.
                received[owner] = received[owner].saturating_add(amount);
            }
            let passage = Passage {
                child,
                parent: edge.parent,
                bps: edge.bps,
                amount,
                contested,
            };
            passage.explain(run, flow.holds, &mut lines);
        }
        flow.kept = flow.holds.saturating_sub(passed);
        let contested_left = flow.contested.saturating_sub(flow.contested_passed).max(0);
        flow.kept_contested = flow.kept.min(contested_left);
        flows[child] = flow;
    }
    lines.sort_unstable_by_key(|(order, _)| *order);
    result.lines.extend(lines.into_iter().map(|(_, line)| line));
    Upstream { flows, received }
}

/// What of a contribution's holdings is contested: what came so, and its holds on the rest.
fn contested(run: &Run, row: usize, flow: &Flow) -> i64 {
    let uncontested = flow.holds.saturating_sub(flow.contested_received);
    let own = run.fractions[row]
        .as_ref()
        .map_or(0, |fraction| fraction.of(uncontested));
    flow.contested_received.saturating_add(own)
}

/// What went up one edge.
struct Passage {
    child: usize,
    parent: usize,
    bps: u32,
    amount: i64,
    contested: i64,
}

impl Passage {
    fn explain(&self, run: &Run, holds: i64, lines: &mut Vec<(Order, Line)>) {
        let (bps, contested) = (self.bps, self.contested);
        let child = &run.contributions[self.child];
        let parent = &run.contributions[self.parent];
        lines.push((
            (self.child, true, self.parent),
            Line {
                step: 9,
                name: LineName::UpstreamPassed,
                contribution: Some(child.id.clone()),
                party: Some(run.parties[child.party].id.clone()),
                amount: self.amount.saturating_neg(),
                because: Because::UpstreamPassed {
                    bps,
                    contested,
                    holds,
                    parent: parent.id.clone(),
                },
            },
        ));
        lines.push((
            (self.parent, false, self.child),
            Line {
                step: 9,
                name: LineName::UpstreamReceived,
                contribution: Some(parent.id.clone()),
                party: Some(run.parties[parent.party].id.clone()),
                amount: self.amount,
                because: Because::UpstreamReceived {
                    bps,
                    child: child.id.clone(),
                    contested,
                    holds,
                    other_owner: u8::from(child.owner != parent.owner),
                },
            },
        ));
    }
}
