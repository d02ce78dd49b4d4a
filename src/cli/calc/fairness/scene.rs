//! Who holds which digits before anybody cheats, and what shares they get.

use std::collections::BTreeMap;
use std::num::NonZero;

use crate::domain::{PartyName, ThingId};
use crate::store::tables::{Columns, read_csv};
use crate::valuation::{
    Contribution, DuplicateRule, FeatureTable, Inputs, Listed, Method, Rows, value_contributions,
};

/// Whose rows are copied; it records first.
pub(super) const VICTIM: &str = "victim";
/// Who cheats; it records last.
pub(super) const ATTACKER: &str = "attacker";
/// The other owner that the attacker pretends to be.
pub(super) const SHELL: &str = "shell";
/// Within which distance rows vote, where they do: about that of the nearest rows.
pub(super) const THRESHOLD: u8 = 25;

/// What was approved to each honest owner, and to the attacker, who copied instead of working.
const HONEST_COST: u128 = 1_000;
const ATTACKERS_COST: u128 = 100;

const OWNERS: [&str; 5] = [VICTIM, "ann", "bob", "cy", ATTACKER];
const SEED: &[u8] = b"fenrun fairness";
const DIGITS: &[u8] = include_bytes!("../../../../examples/data/digits/lin-school.csv");
const VALIDATION: &[u8] = include_bytes!("../../../../examples/data/digits/validation.csv");

/// An image and the digit that it is said to show.
#[derive(Clone)]
pub(super) struct Row {
    pub features: Vec<f64>,
    pub label: String,
}

/// What one party recorded.
#[derive(Clone)]
pub(super) struct Held {
    /// Its beneficial owner.
    pub owner: &'static str,
    pub rows: Vec<Row>,
}

/// Digits before the attack.
pub(super) struct Scene {
    columns: Vec<String>,
    honest: Vec<Held>,
    validation: FeatureTable,
    neighbours: NonZero<u64>,
}

/// Shares in percent, with two decimals.
pub(super) struct Shares {
    /// Of the attacker with its shell party.
    pub attacker: String,
    pub victim: String,
}

impl Scene {
    /// Deals the first rows of a shipped file to five owners.
    pub fn new(rows: u8, points: u16, neighbours: NonZero<u64>) -> Result<Self, String> {
        let digits = read(DIGITS)?;
        let validation = read(VALIDATION)?;
        let mut dealt = rows_of(&digits);
        let honest = OWNERS.map(|owner| Held {
            owner,
            rows: dealt.by_ref().take(usize::from(rows)).collect(),
        });
        let points: Vec<Row> = rows_of(&validation).take(usize::from(points)).collect();
        Ok(Self {
            validation: table(digits.features(), &points)?,
            columns: digits.features().to_vec(),
            honest: honest.to_vec(),
            neighbours,
        })
    }

    /// Returns who holds what before anybody cheats, in the order of the log.
    pub fn honest(&self) -> Vec<Held> {
        self.honest.clone()
    }

    /// Returns the shares that the method gives, through the recipe that the ledger uses.
    pub fn shares(
        &self,
        held: &[Held],
        line: &Listed,
        rule: DuplicateRule,
    ) -> Result<Shares, String> {
        let tables = held.iter().map(|one| table(&self.columns, &one.rows));
        let tables = tables.collect::<Result<Vec<_>, _>>()?;
        let mut contributions = Vec::with_capacity(held.len());
        for (number, (one, table)) in (0u8..).zip(held.iter().zip(&tables)) {
            contributions.push(Contribution {
                id: ThingId([number; 32]),
                owner: owner(one.owner)?,
                place: (u64::from(number), 0),
                used: true,
                rows: Rows::Table(table),
            });
        }
        let mut costs: BTreeMap<PartyName, u128> = BTreeMap::new();
        for name in OWNERS {
            let cost = if name == ATTACKER {
                ATTACKERS_COST
            } else {
                HONEST_COST
            };
            costs.insert(owner(name)?, cost);
        }
        let inputs = Inputs {
            contributions: &contributions,
            validation: Some(&self.validation),
            costs: &costs,
        };
        let method = self.method(line, rule)?;
        let values = value_contributions(&inputs, &method, &|_| ());
        let values = values.map_err(|error| error.to_string())?;
        let percent = |owners: &[&str]| {
            let own = values.lines.iter();
            let own = own.filter(|line| owners.contains(&line.owner.as_str()));
            in_percent(own.map(|line| line.weight).sum())
        };
        Ok(Shares {
            attacker: percent(&[ATTACKER, SHELL]),
            victim: percent(&[VICTIM]),
        })
    }

    fn method(&self, line: &Listed, rule: DuplicateRule) -> Result<Method, String> {
        let value = |name: &str| match name {
            "duplicates" => rule.name().to_owned(),
            "k" => self.neighbours.to_string(),
            "threshold" => THRESHOLD.to_string(),
            _ => "seed".to_owned(),
        };
        let names = line.parameters.iter();
        let parameters = names.map(|name| ((*name).to_owned(), value(name)));
        let seed = line.parameters.contains(&"ties").then(|| SEED.to_vec());
        Method::read(line.name, &parameters.collect(), seed).map_err(|error| error.to_string())
    }
}

/// Rounds a weight of 10^12 to hundredths of a percent.
fn in_percent(weight: u64) -> String {
    let hundredths = weight.saturating_add(50_000_000) / 100_000_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn owner(name: &str) -> Result<PartyName, String> {
    name.parse().map_err(|error| format!("{name}: {error}"))
}

fn read(csv: &[u8]) -> Result<FeatureTable, String> {
    read_csv(csv, &Columns::default()).map_err(|violations| {
        let first = violations.first().map(ToString::to_string);
        first.unwrap_or_else(|| "the digits cannot be read".to_owned())
    })
}

fn rows_of(table: &FeatureTable) -> impl Iterator<Item = Row> {
    let rows = table.iter_rows().enumerate();
    rows.map(|(row, features)| Row {
        features: features.to_vec(),
        label: table.labels().get(row).unwrap_or_default().to_owned(),
    })
}

fn table(columns: &[String], rows: &[Row]) -> Result<FeatureTable, String> {
    let rows = rows
        .iter()
        .map(|row| (row.features.as_slice(), row.label.as_str()));
    FeatureTable::gather(columns, rows).map_err(|violations| {
        let first = violations.first().map(ToString::to_string);
        first.unwrap_or_default()
    })
}
