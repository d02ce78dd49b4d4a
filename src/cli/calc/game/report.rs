//! What `fenrun calc game` prints.

use num_rational::BigRational;
use serde::Serialize;

use super::CalcGameError;
use crate::cli::report::Columns;
use crate::valuation::games::{ExactValues, Value, nearest, player_weights};
use crate::valuation::sampling::{Estimate, Interval, Method};

/// The printed result; its fields stand in the order of their names, as canonical JSON has them.
#[derive(Serialize)]
pub(super) struct Report {
    evaluations: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<Vec<[f64; 2]>>,
    method: &'static str,
    players: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    value: String,
    values: Vec<f64>,
    weights: Vec<u64>,
    /// Whether intervals are as narrow as was asked.
    #[serde(skip)]
    reached: bool,
}

impl Report {
    pub(super) fn exact(value: Value, exact: &ExactValues) -> Result<Self, CalcGameError> {
        Ok(Self {
            evaluations: exact.evaluations,
            intervals: None,
            method: "exact",
            players: exact.values.len(),
            rationals: Some(exact.values.iter().map(BigRational::to_string).collect()),
            seed: None,
            value: value.to_string(),
            values: exact.values.iter().map(nearest).collect(),
            weights: player_weights(&exact.values)?,
            reached: true,
        })
    }

    pub(super) fn sampled(
        method: Method,
        value: Value,
        seed: u64,
        estimate: &Estimate,
    ) -> Result<Self, CalcGameError> {
        let ends = |interval: &Interval| [interval.low, interval.high];
        let intervals = estimate.intervals.as_ref();
        Ok(Self {
            evaluations: estimate.evaluations,
            intervals: intervals.map(|intervals| intervals.iter().map(ends).collect()),
            method: method.name(),
            players: estimate.values.len(),
            rationals: None,
            seed: Some(seed),
            value: value.to_string(),
            values: estimate.values.iter().map(nearest).collect(),
            weights: player_weights(&estimate.values)?,
            reached: estimate.reached,
        })
    }

    /// Returns what a person should know beside the result.
    pub(super) fn note(&self) -> Option<String> {
        let evaluations = self.evaluations;
        (!self.reached).then(|| {
            format!(
                "note: after {evaluations} evaluations the intervals are still wider than was \
                 asked for; say more --evaluations"
            )
        })
    }

    pub(super) fn json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }

    pub(super) fn text(&self) -> String {
        let columns = match (&self.rationals, &self.intervals) {
            (Some(rationals), _) => {
                let exactly = rationals.iter().map(|text| vec![text.clone()]);
                self.columns(&["exactly"], exactly)
            }
            (None, Some(intervals)) => {
                let ends = intervals.iter().map(|ends| ends.map(decimal).to_vec());
                self.columns(&[">at least", ">at most"], ends)
            }
            (None, None) => self.columns(&[], std::iter::repeat_n(vec![], self.players)),
        };
        let Self { value, method, .. } = self;
        format!("Values of {value}, method {method}\n\n{}\n", columns.text())
    }

    fn columns(&self, more: &[&str], cells: impl Iterator<Item = Vec<String>>) -> Columns {
        let headings: Vec<&str> = [">player", ">value", ">weight"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let mut columns = Columns::new(&headings);
        let rows = self.values.iter().zip(&self.weights).zip(cells);
        for (player, ((value, weight), cells)) in rows.enumerate() {
            let mut row = vec![player.to_string(), decimal(*value), weight.to_string()];
            row.extend(cells);
            columns.row(row);
        }
        columns
    }
}

fn decimal(number: f64) -> String {
    format!("{number:.9}")
}
