//! What the demo reports: one table, one equation, one share explained, the audit, two forgeries.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::num::NonZero;

use serde::Serialize;
use serde_json::Value;

use super::cast::{AUDITOR, PERIOD, POOL};
use super::stage::Stage;
use super::story::{Story, fault, money, name};
use super::valuing::{Copying, by_owner};
use crate::cli::CommandError;
use crate::cli::report::{Columns, Report};
use crate::client::{Evidence, Explanation, Statement, Subject};
use crate::domain::{ContentHash, LedgerId, Money, PartyName};
use crate::valuation::quotient;

/// One provider's row.
#[derive(Debug, Serialize)]
pub(super) struct ProviderRow {
    provider: String,
    rows: u64,
    copies: u64,
    wrong_labels: u64,
    cost_back: String,
    value: String,
    weight: u64,
    share: String,
    paid: String,
}

/// What copies of others' rows changed: nothing, if the values with and without them are equal.
#[derive(Debug, Serialize)]
pub(super) struct CopiesTold {
    provider: String,
    copies: u64,
    rows: u64,
    /// The copier first, then those whose rows were copied.
    values: Vec<WithAndWithout>,
}

/// A value as it is, and as it would be without somebody's copies.
#[derive(Debug, Serialize)]
pub(super) struct WithAndWithout {
    provider: String,
    with: String,
    without: String,
    equal: bool,
}

/// Who gets least for a row of its own.
#[derive(Debug, Serialize)]
pub(super) struct LeastPerRow {
    provider: String,
    wrong_labels: u64,
    rows: u64,
    per_row: String,
    others_from: String,
    others_to: String,
}

/// Where the pool's money came from and went to.
#[derive(Debug, Serialize)]
pub(super) struct Equation {
    #[serde(rename = "in")]
    money_in: String,
    operator_fee: String,
    costs: String,
    shares: String,
    left: String,
    out: String,
    equal: bool,
}

/// One share, explained.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    contribution: String,
    sentences: Vec<String>,
    evidence: Vec<Evidence>,
}

/// What the auditor says.
#[derive(Debug, Serialize)]
pub(super) struct Audited {
    /// The verdict in one line.
    pub verdict: String,
    /// Whether all is equal.
    pub equal: bool,
}

/// A forgery and who found it.
#[derive(Debug, Serialize)]
pub(super) struct Forgery {
    /// What was done.
    pub done: String,
    /// What was found, by whom.
    pub found: Vec<String>,
}

/// Everything that the demo reports.
#[derive(Debug, Serialize)]
pub(super) struct DemoReport {
    /// The id of the ledger.
    pub ledger: LedgerId,
    /// The key that the parties pinned.
    pub verifier_key: String,
    /// How many entries the log has.
    pub entries: u64,
    pool: String,
    period: String,
    providers: Vec<ProviderRow>,
    copies: Vec<CopiesTold>,
    least_per_row: LeastPerRow,
    equation: Equation,
    explained: Explained,
    /// The audit of the ledger as it is.
    pub audit: Audited,
    /// What was tried on copies of it.
    pub forgeries: Vec<Forgery>,
    /// What to run to check a file oneself, and what it prints.
    check: [String; 2],
    /// Where everything is kept; none where it is not.
    pub folder: Option<String>,
    /// What to run next.
    pub next: Vec<String>,
}

/// Reads what every party sees, each with its own key, and puts the report together.
pub(super) async fn collect(
    stage: &Stage,
    story: &Story,
    data: &str,
) -> Result<DemoReport, CommandError> {
    let mut rows = Vec::with_capacity(story.providers.len());
    let mut per_row = Vec::with_capacity(story.providers.len());
    for told in &story.providers {
        let party = name(told.provider.name)?;
        let connection = stage.session(&party).await?;
        let period = PERIOD.parse().map_err(fault)?;
        let statement = connection.connection().statement(&party, &period).await?;
        let line = story
            .valued
            .table
            .contributions
            .iter()
            .find(|line| line.contribution == told.contribution)
            .ok_or_else(|| fault("a contribution has no value"))?;
        let share = sum(statement.lines.iter().map(|line| line.share))?;
        let own = i64::try_from(line.rows.saturating_sub(line.copies)).unwrap_or(i64::MAX);
        // Rounded down to a minor unit: this is for looking at and pays nobody.
        per_row.push(share.minor_units.checked_div(own).unwrap_or(0));
        rows.push(row(&statement, told.provider.wrong_labels, story, line)?);
    }
    let copies = copies(story, &rows);
    let least_per_row = least_per_row(&rows, &per_row)?;
    let first = story.providers.first();
    let first = first.ok_or_else(|| fault("nobody contributed"))?;
    let explained = explain(stage, first.provider.name).await?;
    let file = format!("{data}/{}.csv", first.provider.name);
    let check = [
        format!("b3sum {file}"),
        format!("{}  {file}", ContentHash::of(first.provider.csv)),
    ];
    let auditor = stage.session(&name(AUDITOR)?).await?;
    let (checkpoint, _) = auditor.connection().checkpoint().await?;
    let key = stage.pins.log_keys.first();
    Ok(DemoReport {
        ledger: stage.pins.ledger,
        verifier_key: key.map(ToString::to_string).unwrap_or_default(),
        entries: checkpoint.size,
        pool: POOL.to_owned(),
        period: PERIOD.to_owned(),
        providers: rows,
        copies,
        least_per_row,
        equation: equation(&story.preview.result_json)?,
        explained,
        audit: Audited {
            verdict: String::new(),
            equal: false,
        },
        forgeries: Vec::new(),
        check,
        folder: None,
        next: Vec::new(),
    })
}

fn row(
    statement: &Statement,
    wrong_labels: u64,
    story: &Story,
    line: &crate::valuation::Line,
) -> Result<ProviderRow, CommandError> {
    let cost = sum(statement.lines.iter().map(|line| line.cost))?;
    let share = sum(statement.lines.iter().map(|line| line.share))?;
    let paid = sum(statement.pools.iter().map(|pool| pool.payable))?;
    let owners = by_owner(story.valued.table.owners.clone());
    let value = owners.get(&line.owner).copied().unwrap_or_default();
    Ok(ProviderRow {
        provider: statement.party.to_string(),
        rows: line.rows,
        copies: line.copies,
        wrong_labels,
        cost_back: cost.decimal(),
        value: shown(value, story),
        weight: line.weight,
        share: share.decimal(),
        paid: paid.decimal(),
    })
}

fn shown(value: i128, story: &Story) -> String {
    let denominator: NonZero<u128> = story.valued.table.denominator;
    format!("{:.4}", quotient(value, denominator))
}

/// Holds the values of who copied and of who was copied against those without the copies.
fn copies(story: &Story, rows: &[ProviderRow]) -> Vec<CopiesTold> {
    let with = by_owner(story.valued.table.owners.clone());
    let value = |of: &BTreeMap<PartyName, i128>, owner: &PartyName| {
        of.get(owner).copied().unwrap_or_default()
    };
    let told = |copying: &Copying| {
        let row = rows
            .iter()
            .find(|row| row.provider == copying.owner.as_str());
        let owners = std::iter::once(&copying.owner).chain(&copying.from);
        let values = owners.map(|owner| {
            let (with, without) = (value(&with, owner), value(&copying.without, owner));
            WithAndWithout {
                provider: owner.to_string(),
                with: shown(with, story),
                without: shown(without, story),
                equal: with == without,
            }
        });
        CopiesTold {
            provider: copying.owner.to_string(),
            copies: row.map_or(0, |row| row.copies),
            rows: row.map_or(0, |row| row.rows),
            values: values.collect(),
        }
    };
    story.valued.copying.iter().map(told).collect()
}

/// Finds who gets least for a row, amounts in minor units in the order of the providers.
fn least_per_row(rows: &[ProviderRow], per_row: &[i64]) -> Result<LeastPerRow, CommandError> {
    let least = rows.iter().zip(per_row).min_by_key(|(_, amount)| **amount);
    let (least, amount) = least.ok_or_else(|| fault("nobody contributed"))?;
    let others = rows.iter().zip(per_row);
    let others = others.filter(|(row, _)| row.provider != least.provider);
    let others: Vec<i64> = others.map(|(_, amount)| *amount).collect();
    let decimal = |amount: Option<&i64>| money(*amount.unwrap_or(&0)).map(|money| money.decimal());
    Ok(LeastPerRow {
        provider: least.provider.clone(),
        wrong_labels: least.wrong_labels,
        rows: least.rows,
        per_row: decimal(Some(amount))?,
        others_from: decimal(others.iter().min())?,
        others_to: decimal(others.iter().max())?,
    })
}

fn sum(mut amounts: impl Iterator<Item = Money>) -> Result<Money, CommandError> {
    let add = |sum: Money, amount| sum.checked_add(amount).map_err(fault);
    amounts.try_fold(money(0)?, add)
}

/// Adds up the result that was booked: what came in, and everything that went out.
fn equation(result_json: &str) -> Result<Equation, CommandError> {
    let result: Value = serde_json::from_str(result_json).map_err(fault)?;
    let amount = |name: &str| {
        let found = result.get(name).and_then(Value::as_i64);
        found.ok_or_else(|| fault(format!("the result has no {name}")))
    };
    let add = |a: Money, b: i64| a.checked_add(money(b)?).map_err(fault);
    let (net, fee) = (amount("net")?, amount("operator_fee")?);
    let costs = amount("cost_recovered")?;
    let shared = result.get("shares").and_then(Value::as_object);
    let mut shares = money(0)?;
    for share in shared.into_iter().flat_map(|all| all.values()) {
        shares = add(shares, share.as_i64().unwrap_or_default())?;
    }
    let left = amount("next_profit_layer")?;
    let out = add(add(add(shares, fee)?, costs)?, left)?;
    Ok(Equation {
        money_in: money(net)?.decimal(),
        operator_fee: money(fee)?.decimal(),
        costs: money(costs)?.decimal(),
        shares: shares.decimal(),
        left: money(left)?.decimal(),
        out: out.decimal(),
        equal: out == money(net)?,
    })
}

async fn explain(stage: &Stage, provider: &str) -> Result<Explained, CommandError> {
    let contribution = format!("{provider}/digits@1");
    let session = stage.session(&name(provider)?).await?;
    let subject = Subject::Contribution(contribution.clone());
    let Explanation {
        sentences,
        evidence,
        ..
    } = session.connection().explain(subject).await?;
    Ok(Explained {
        contribution,
        sentences,
        evidence,
    })
}

impl fmt::Display for CopiesTold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (copies, provider, rows) = (self.copies, &self.provider, self.rows);
        let told = self.values.iter().map(|value| {
            let end = if value.equal {
                "the same".to_owned()
            } else {
                format!("not {}", value.with)
            };
            format!("{} {}, {end}", value.provider, value.without)
        });
        let told = told.collect::<Vec<_>>().join(", and ");
        write!(
            formatter,
            "{copies} of {provider}'s {rows} rows were recorded by others before. Without these \
             copies the values are: {told}."
        )
    }
}

impl fmt::Display for LeastPerRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (provider, per_row) = (&self.provider, &self.per_row);
        let (from, to) = (&self.others_from, &self.others_to);
        write!(
            formatter,
            "{provider} gets least for a row of its own: {per_row}; the others from {from} to {to}."
        )?;
        if self.wrong_labels > 0 {
            let (wrong, rows) = (self.wrong_labels, self.rows);
            write!(formatter, " {wrong} of its {rows} labels are wrong.")?;
        }
        Ok(())
    }
}

impl Report for DemoReport {
    fn text(&self) -> String {
        let mut text = format!(
            "Ledger {}: {} signed entries; pool {}, {}\n\n",
            self.ledger, self.entries, self.pool, self.period
        );
        text.push_str(&self.table());
        // Writing to a string cannot fail.
        for copies in &self.copies {
            let _ = write!(text, "\n{copies}");
        }
        let _ = write!(text, "\n{}", self.least_per_row);
        let sum = &self.equation;
        let sign = if sum.equal { "=" } else { "IS NOT" };
        let _ = write!(
            text,
            "\n\nin {} {sign} out {}: operator fee {} + costs {} + shares {} + left {}\n",
            sum.money_in, sum.out, sum.operator_fee, sum.costs, sum.shares, sum.left
        );
        let _ = write!(
            text,
            "\nWhy {} got its share:\n",
            self.explained.contribution
        );
        for sentence in &self.explained.sentences {
            let _ = writeln!(text, "  {sentence}");
        }
        let evidence: Vec<String> = self
            .explained
            .evidence
            .iter()
            .map(|entry| entry.index.to_string())
            .collect();
        let _ = writeln!(
            text,
            "  It rests on the log entries {}.",
            evidence.join(", ")
        );
        let _ = write!(text, "\nAudit: {}\n", self.audit.verdict);
        for forgery in &self.forgeries {
            let _ = write!(text, "\nOn a copy, {}\n", forgery.done);
            for found in &forgery.found {
                let _ = writeln!(text, "  {found}");
            }
        }
        let [command, prints] = &self.check;
        let _ = write!(text, "\nCheck a file yourself: {command}\n  {prints}\n");
        for next in &self.next {
            let _ = writeln!(text, "{next}");
        }
        text
    }
}

impl DemoReport {
    fn table(&self) -> String {
        let mut columns = Columns::new(&[
            "provider",
            ">rows",
            ">copies",
            ">wrong labels",
            ">cost back",
            ">value",
            ">weight",
            ">share",
            ">paid",
        ]);
        for row in &self.providers {
            columns.row(vec![
                row.provider.clone(),
                row.rows.to_string(),
                row.copies.to_string(),
                row.wrong_labels.to_string(),
                row.cost_back.clone(),
                row.value.clone(),
                row.weight.to_string(),
                row.share.clone(),
                row.paid.clone(),
            ]);
        }
        columns.text()
    }
}
