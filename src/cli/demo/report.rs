//! What the demo reports: one table, one equation, one share explained, the audit, two forgeries.

use std::fmt::Write;
use std::num::NonZero;

use serde::Serialize;
use serde_json::Value;

use super::cast::{AUDITOR, PERIOD, POOL};
use super::stage::Stage;
use super::story::{Story, fault, money, name};
use crate::cli::CommandError;
use crate::cli::report::{Columns, Report};
use crate::client::{Evidence, Explanation, Statement, Subject};
use crate::domain::{ContentHash, LedgerId, Money};
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
    for told in &story.providers {
        let party = name(told.provider.name)?;
        let connection = stage.session(&party).await?;
        let period = PERIOD.parse().map_err(fault)?;
        let statement = connection.connection().statement(&party, &period).await?;
        let line = story
            .table
            .contributions
            .iter()
            .find(|line| line.contribution == told.contribution)
            .ok_or_else(|| fault("a contribution has no value"))?;
        rows.push(row(&statement, told.provider.wrong_labels, story, line)?);
    }
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
    let denominator: NonZero<u128> = story.table.denominator;
    Ok(ProviderRow {
        provider: statement.party.to_string(),
        rows: line.rows,
        copies: line.copies,
        wrong_labels,
        cost_back: cost.decimal(),
        value: format!("{:.4}", quotient(line.value, denominator)),
        weight: line.weight,
        share: share.decimal(),
        paid: paid.decimal(),
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

impl Report for DemoReport {
    fn text(&self) -> String {
        let mut text = format!(
            "Ledger {}: {} signed entries; pool {}, {}\n\n",
            self.ledger, self.entries, self.pool, self.period
        );
        text.push_str(&self.table());
        for row in self.providers.iter().filter(|row| row.copies > 0) {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n{} of {}'s {} rows were recorded by others before and earn it nothing.",
                row.copies, row.provider, row.rows
            );
        }
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
