//! `fenrun calc settlement`: runs a policy over a scenario in a file.

use std::io::Write;
use std::path::PathBuf;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Cell, CellAlignment, Table};

use crate::cli::{CommandError, Context, Kind};
use crate::config::Output;
use crate::domain::{Currency, Money, Violation};
use crate::settlement::{
    Fault, Outcome, Scenario, SettleError, Settlement, canonical_json, read_scenario, settle,
};

/// Runs a policy over a scenario: who gets what, and why.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The scenario: policy, revenue, parties, contributions, claims and holds as JSON
    #[arg(value_name = "SCENARIO.json")]
    pub scenario: PathBuf,
}

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum CalcSettlementError {
    /// The scenario is refused; each violation names its JSON path.
    #[error("{}", one_a_line(.0))]
    Violations(Vec<Violation>),
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The run broke a rule of its own.
    #[error("the settlement failed by a fault of this program; keep the file and report it")]
    Fault(#[source] Fault),
    /// The result cannot be written.
    #[error("the result cannot be written")]
    Write(#[source] std::io::Error),
}

fn one_a_line(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let output = context.output_or(Output::Json)?;
    calculate(&args, output, context.streams.stdout).map_err(|error| match error {
        CalcSettlementError::Write(error) => error.into(),
        CalcSettlementError::Fault(_) => CommandError::new(Kind::Fault, error),
        CalcSettlementError::Violations(_) | CalcSettlementError::Read { .. } => {
            CommandError::input(error)
        }
    })
}

/// Reads the scenario, settles it and prints the result; on an error nothing is printed.
///
/// # Errors
/// See [`CalcSettlementError`].
pub fn calculate(
    args: &Args,
    output: Output,
    stdout: &mut dyn Write,
) -> Result<(), CalcSettlementError> {
    let text =
        std::fs::read_to_string(&args.scenario).map_err(|source| CalcSettlementError::Read {
            path: args.scenario.clone(),
            source,
        })?;
    let scenario = read_scenario(&text).map_err(CalcSettlementError::Violations)?;
    let outcome = settle(&scenario).map_err(|error| match error {
        SettleError::Refused(violations) => CalcSettlementError::Violations(violations),
        SettleError::Fault(fault) => CalcSettlementError::Fault(fault),
    })?;
    let printed = match output {
        Output::Json => {
            canonical_json(&outcome).map_err(|error| CalcSettlementError::Write(error.into()))?
        }
        Output::Text | Output::Csv => waterfall(&scenario, &outcome),
    };
    stdout
        .write_all(printed.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(CalcSettlementError::Write)
}

/// Writes amounts as decimals of a currency that is known, else as minor units.
struct Amounts(Option<Currency>);

impl Amounts {
    fn show(&self, minor_units: i64) -> String {
        match self.0 {
            Some(currency) => Money {
                minor_units,
                currency,
            }
            .decimal(),
            None => minor_units.to_string(),
        }
    }

    fn cell(&self, minor_units: i64) -> Cell {
        Cell::new(self.show(minor_units)).set_alignment(CellAlignment::Right)
    }
}

fn waterfall(scenario: &Scenario, outcome: &Outcome) -> String {
    let amounts = Amounts(scenario.currency.parse().ok());
    let head = format!("Settlement of {} in {}", scenario.period, scenario.currency);
    match outcome {
        Outcome::Stopped(stopped) => format!(
            "{head}\n\nThe run stopped: the net revenue is {}. \
             The next run opens with a deficit of {}; nothing else changes.\n",
            amounts.show(stopped.net),
            amounts.show(stopped.pool_deficit),
        ),
        Outcome::Settled(settlement) => format!(
            "{head}\n\n{}\n\n{}\n\n{}\n",
            pool_table(settlement, &amounts),
            contribution_table(settlement, &amounts),
            party_table(settlement, &amounts),
        ),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(header.to_vec());
    table
}

fn pool_table(settlement: &Settlement, amounts: &Amounts) -> Table {
    // What the cap and the floor moved is seen in the other tables.
    let top_ups = settlement
        .top_ups
        .iter()
        .fold(0i64, |sum, one| sum.saturating_add(one.amount));
    let rows = [
        ("1", "net revenue", settlement.net),
        ("2", "less operator fee", settlement.operator_fee),
        (
            "3",
            "less over-recovery carried out",
            settlement.over_recovery,
        ),
        ("4", "less costs that came back", settlement.cost_recovered),
        ("5", "less public interest", settlement.public_interest),
        (
            "6",
            "profit layer, with what was carried in",
            settlement.profit_layer,
        ),
        ("6", "of it set aside for floors", settlement.floor_budget),
        ("6", "of it shared by value", settlement.shared),
        (
            "8",
            "of what is shared, undistributed",
            settlement.undistributed,
        ),
        ("10", "top-ups to the floor", top_ups),
        (
            "16",
            "next period's profit layer",
            settlement.next_profit_layer,
        ),
    ];
    let mut table = table(&["step", "pool", "amount"]);
    for (step, name, amount) in rows {
        table.add_row(vec![Cell::new(step), Cell::new(name), amounts.cell(amount)]);
    }
    table
}

fn contribution_table(settlement: &Settlement, amounts: &Amounts) -> Table {
    let header = [
        "contribution",
        "party",
        "cost back",
        "share",
        "after upstream",
        "held cost",
        "held profit",
    ];
    let mut table = table(&header);
    for row in &settlement.contributions {
        table.add_row(vec![
            Cell::new(shortened(&row.id)),
            Cell::new(&*row.party),
            amounts.cell(row.cost),
            amounts.cell(row.share),
            amounts.cell(row.after_upstream),
            amounts.cell(row.held_cost),
            amounts.cell(row.held_profit),
        ]);
    }
    table
}

fn party_table(settlement: &Settlement, amounts: &Amounts) -> Table {
    let header = [
        "party",
        "cost",
        "profit",
        "carried in",
        "held",
        "tax",
        "offset",
        "reserve",
        "payable",
        "carried",
    ];
    let mut table = table(&header);
    for row in &settlement.parties {
        // Both are parts of what the party earned, which fits an amount.
        let held = row.held_cost.saturating_add(row.held_profit);
        let mut cells = vec![Cell::new(&*row.id)];
        cells.extend(
            [
                row.cost,
                row.profit,
                row.carried_in,
                held,
                row.tax,
                row.offset,
                row.reserve,
                row.payable,
                row.carried,
            ]
            .map(|amount| amounts.cell(amount)),
        );
        table.add_row(cells);
    }
    table
}

/// Shortens a hash to the digits that people compare; other ids stay as they are.
fn shortened(id: &str) -> String {
    let is_hash = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = if is_hash { 12 } else { id.len() };
    id.chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(scenario: &str, output: Output) -> Result<String, CalcSettlementError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.json");
        std::fs::write(&path, scenario).unwrap();
        let mut stdout = Vec::new();
        let result = calculate(&Args { scenario: path }, output, &mut stdout);
        assert!(result.is_ok() || stdout.is_empty());
        result.map(|()| String::from_utf8(stdout).unwrap())
    }

    const WORKED: &str = include_str!("../../../examples/settlement/worked-example.json");

    #[test]
    fn prints_the_canonical_form() {
        let expected = include_str!("../../../examples/settlement/worked-example.result.json");
        assert_eq!(print(WORKED, Output::Json).unwrap(), expected);
    }

    #[test]
    fn prints_the_waterfall_in_decimals() {
        insta::assert_snapshot!(print(WORKED, Output::Text).unwrap());
        let deficit = WORKED
            .replace("5000}],", "105004}],")
            .replace("105003", "5");
        let deficit = deficit.replace("\"pool_deficit\": 0", "\"pool_deficit\": 7");
        let printed = print(&deficit, Output::Text).unwrap();
        assert!(printed.contains("The run stopped"), "{printed}");
    }

    #[test]
    fn says_each_violation_on_a_line_of_its_own() {
        let broken = WORKED
            .replace("\"weight\": 600", "\"weight\": -1")
            .replace("CNY", "yuan");
        assert_eq!(
            print(&broken, Output::Json).unwrap_err().to_string(),
            "contributions[0].weight: -1 is not in 0..18446744073709551615\n\
             currency: a currency code is three upper-case letters, such as CNY"
        );
        let missing = Args {
            scenario: "no/such/file".into(),
        };
        let error = calculate(&missing, Output::Json, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "no/such/file cannot be read");
    }
}
