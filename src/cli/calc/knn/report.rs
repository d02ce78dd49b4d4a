//! What `fenrun calc knn` prints.

use std::collections::BTreeMap;
use std::num::NonZero;

use num_rational::BigRational;
use serde::Serialize;

use super::{Args, Outcome};
use crate::valuation::{FeatureTable, TextColumn, quotient};

/// Returns `row,value` with rows from 0, or `owner,value` if only owners have values.
pub(super) fn printed_csv(train: &FeatureTable, outcome: &Outcome) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let number = |value: &i128, denominator| {
        serde_json::Value::from(quotient(*value, denominator)).to_string()
    };
    match outcome {
        Outcome::Rows(values, _) => {
            writer.write_record(["row", "value"])?;
            for (row, value) in values.values.iter().enumerate() {
                writer.write_record([row.to_string(), number(value, values.denominator)])?;
            }
        }
        Outcome::Owners(values, _) => {
            writer.write_record(["owner", "value"])?;
            let names = train.owners().map_or(&[][..], TextColumn::distinct);
            let by_name: BTreeMap<&String, &i128> = names.iter().zip(&values.values).collect();
            for (name, value) in by_name {
                writer.write_record([name, &number(value, values.denominator)])?;
            }
        }
    }
    writer.into_inner().map_err(|error| error.into_error())
}

/// Returns the canonical JSON and a line end.
pub(super) fn printed_json(
    args: &Args,
    train: &FeatureTable,
    validation: &FeatureTable,
    outcome: &Outcome,
) -> std::io::Result<Vec<u8>> {
    let owners = train.owners();
    let (by_owner, exact_by_owner) = match outcome {
        Outcome::Rows(values, exact) => (
            owners.map(|owners| sum_by_owner(owners, &values.values)),
            owners
                .zip(exact.as_ref())
                .map(|(owners, exact)| sum_by_owner(owners, exact)),
        ),
        Outcome::Owners(values, exact) => (
            owners.map(|owners| of_owners(owners, &values.values)),
            owners
                .zip(exact.as_ref())
                .map(|(owners, exact)| of_owners(owners, exact)),
        ),
    };
    let (all, denominator, ties) = match outcome {
        Outcome::Rows(values, _) => (&values.values, values.denominator, values.ties),
        Outcome::Owners(values, _) => (&values.values, values.denominator, values.ties),
    };
    let rounded = |sum: i128| quotient(sum, denominator);
    let owner_rationals = exact_by_owner.map(|values| mapped(values, |value| value.to_string()));
    let (values, rationals) = match outcome {
        Outcome::Owners(..) => (None, None),
        Outcome::Rows(values, exact) => (
            Some(values.values.iter().copied().map(rounded).collect()),
            exact
                .as_ref()
                .map(|exact| exact.iter().map(BigRational::to_string).collect()),
        ),
    };
    let report = Report {
        k: args.k,
        owner_rationals,
        owners: by_owner.map(|values| mapped(values, rounded)),
        rationals,
        rows: train.rows(),
        ties,
        // Values are below 2^95 in size and rows fewer than 2^32, so that every sum fits.
        total: rounded(all.iter().sum()),
        validation_rows: validation.rows(),
        values,
        variant: args.variant.name(),
    };
    let mut bytes = serde_json::to_vec(&report)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The printed result; its fields stand in the order of their names, as canonical JSON has them.
#[derive(Serialize)]
struct Report<'a> {
    k: NonZero<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_rationals: Option<BTreeMap<&'a str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owners: Option<BTreeMap<&'a str, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationals: Option<Vec<String>>,
    rows: usize,
    ties: u64,
    total: f64,
    validation_rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f64>>,
    variant: &'static str,
}

fn mapped<Value, Shown>(
    values: BTreeMap<&str, Value>,
    show: impl Fn(Value) -> Shown,
) -> BTreeMap<&str, Shown> {
    let values = values.into_iter();
    values.map(|(owner, value)| (owner, show(value))).collect()
}

/// Names the owners' values.
fn of_owners<'a, Value: Clone>(
    owners: &'a TextColumn,
    values: &[Value],
) -> BTreeMap<&'a str, Value> {
    let names = owners.distinct().iter().map(String::as_str);
    names.zip(values.iter().cloned()).collect()
}

/// Sums the rows' values by owner.
fn sum_by_owner<'a, Value>(owners: &'a TextColumn, values: &[Value]) -> BTreeMap<&'a str, Value>
where
    Value: Clone + for<'v> std::ops::AddAssign<&'v Value>,
{
    let mut sums: BTreeMap<&str, Value> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        let owner = owners.get(row).unwrap_or_default();
        match sums.get_mut(owner) {
            Some(sum) => *sum += value,
            None => {
                sums.insert(owner, value.clone());
            }
        }
    }
    sums
}
