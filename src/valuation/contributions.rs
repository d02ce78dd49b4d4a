//! Row KNN-Shapley over recorded contributions: identical rows first, then values, then weights.
//!
//! The evaluator who computes a value table and the auditor who recomputes it both call this, so
//! that there is one recipe.

use std::collections::BTreeMap;
use std::num::NonZero;

use super::duplicates::{Clusters, RowHash, RowPlace, row_hashes};
use super::knn::{KnnError, Problem, RowValues, row_shapley};
use super::rows::{canonical_row, seeded_order};
use super::table::{FeatureTable, TableViolation};
use super::value_table::{Line, ValueTable};
use super::weights::{WeightError, weights};
use crate::domain::{PartyName, ThingId};

/// A recorded contribution whose rows are at hand.
#[derive(Debug, Clone)]
pub struct Contribution<'a> {
    /// Its id.
    pub id: ThingId,
    /// Its beneficial owner.
    pub owner: PartyName,
    /// The log index from which its rows count, and its number among those of that entry.
    pub place: (u64, u32),
    /// Whether the payer declared its use in the period.
    pub used: bool,
    /// Its rows.
    pub table: &'a FeatureTable,
}

/// The name of this method in a value table.
pub const ROW_KNN_SHAPLEY: &str = "row-knn-shapley";

/// How rows are valued: what a value table of this method must say for others to repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKnn {
    /// K, how many neighbours vote.
    pub neighbours: NonZero<u64>,
    /// Orders rows at equal distance; without one they stand in the order of the log.
    pub seed: Option<Vec<u8>>,
}

/// Why a value table does not say how to repeat it by this method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// The values were made by another method.
    #[error("the method is {found:?}; only {ROW_KNN_SHAPLEY:?} can be recomputed here")]
    OtherMethod {
        /// The method named.
        found: String,
    },
    /// The parameters are not those of the method.
    #[error("the parameters are not k (at least 1), duplicates (first) and ties (seed or log)")]
    Parameters,
}

impl RowKnn {
    /// Returns the parameters as a value table states them.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let ties = if self.seed.is_some() { "seed" } else { "log" };
        let neighbours = self.neighbours.to_string();
        [("duplicates", "first"), ("k", &neighbours), ("ties", ties)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// Reads method, parameters and seed from a value table.
    ///
    /// # Errors
    /// Another method, or parameters that [`RowKnn::parameters`] does not write.
    pub fn of(table: &ValueTable) -> Result<Self, MethodError> {
        if table.method != ROW_KNN_SHAPLEY {
            return Err(MethodError::OtherMethod {
                found: table.method.clone(),
            });
        }
        let neighbours = table.parameters.get("k").and_then(|k| k.parse().ok());
        let seed = match &table.seed {
            Some(seed) => Some(hex::decode(&seed.hex).map_err(|_| MethodError::Parameters)?),
            None => None,
        };
        let method = Self {
            neighbours: neighbours.ok_or(MethodError::Parameters)?,
            seed,
        };
        if method.parameters() == table.parameters {
            Ok(method)
        } else {
            Err(MethodError::Parameters)
        }
    }
}

/// What the contributions are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionValues {
    /// One line for each contribution used or credited with a used row, by ascending id.
    pub lines: Vec<Line>,
    /// What each value is divided by.
    pub denominator: NonZero<u128>,
    /// The number of adjacent pairs of equal distance, summed over validation rows.
    pub ties: u64,
}

/// Why contributions could not be valued.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ContributionError {
    /// No contribution is used, so there is nothing to value.
    #[error("no contribution is used in the period")]
    NothingUsed,
    /// A used contribution has other columns than the one recorded first.
    #[error("the columns of contribution {id} are not those of the first used contribution")]
    Columns {
        /// The contribution.
        id: ThingId,
        /// Each column that stands on one side only.
        violations: Vec<TableViolation>,
    },
    /// The training rows cannot be put together.
    #[error("the rows of the contributions cannot be put together")]
    Rows(Vec<TableViolation>),
    /// The rows could not be valued.
    #[error("the rows could not be valued")]
    Knn(#[source] KnnError),
    /// The values could not be made into weights.
    #[error("the values could not be made into weights")]
    Weights(#[source] WeightError),
}

/// Values contributions by row KNN-Shapley under the duplicates rule `first`.
///
/// The training rows are the distinct rows of the used contributions, in the column order of the
/// used contribution recorded first; each is credited to the contribution recorded first that
/// holds it, used or not. Unused contributions with other columns hold no such row.
///
/// # Errors
/// See [`ContributionError`].
pub fn value_contributions(
    contributions: &[Contribution<'_>],
    validation: &FeatureTable,
    method: &RowKnn,
) -> Result<ContributionValues, ContributionError> {
    let ordered = in_one_column_order(contributions)?;
    let hashes: Vec<Vec<RowHash>> = ordered.iter().map(|one| row_hashes(&one.table)).collect();
    let clusters = Clusters::of(&hashes);
    let credited = credited_rows(&ordered, &clusters);
    let values = value_rows(&ordered, &credited, validation, method)?;
    let mut told: Vec<Tally> = vec![Tally::default(); ordered.len()];
    for (place, value) in credited.iter().zip(&values.values) {
        if let Some(tally) = told.get_mut(place.contribution) {
            tally.credited = true;
            // Values are below 2^95 and rows fewer than 2^32, so the sum fits.
            tally.value = tally.value.saturating_add(*value);
        }
    }
    let mut lines = Vec::new();
    for ((one, tally), copies) in ordered.iter().zip(told).zip(&clusters.copies) {
        if one.source.used || tally.credited {
            lines.push(Line {
                contribution: one.source.id,
                copies: *copies,
                owner: one.source.owner.clone(),
                rows: u64::try_from(one.table.rows()).unwrap_or(u64::MAX),
                value: tally.value,
                weight: 0,
            });
        }
    }
    lines.sort_by_key(|line| line.contribution);
    set_weights(&mut lines).map_err(ContributionError::Weights)?;
    Ok(ContributionValues {
        lines,
        denominator: values.denominator,
        ties: values.ties,
    })
}

/// Sets the weight of each line from the values of all.
fn set_weights(lines: &mut [Line]) -> Result<(), WeightError> {
    let values: Vec<(ThingId, &PartyName, i128)> = lines
        .iter()
        .map(|line| (line.contribution, &line.owner, line.value))
        .collect();
    let weights = weights(&values)?;
    for (line, weight) in lines.iter_mut().zip(weights) {
        line.weight = weight;
    }
    Ok(())
}

struct Ordered<'a> {
    source: &'a Contribution<'a>,
    table: FeatureTable,
}

#[derive(Clone, Default)]
struct Tally {
    value: i128,
    credited: bool,
}

/// Returns the contributions in the order of the log, their columns as in the first used one.
fn in_one_column_order<'a>(
    contributions: &'a [Contribution<'a>],
) -> Result<Vec<Ordered<'a>>, ContributionError> {
    let mut sorted: Vec<&Contribution<'_>> = contributions.iter().collect();
    sorted.sort_by_key(|one| (one.place, one.id));
    let first = sorted.iter().find(|one| one.used);
    let features = first
        .ok_or(ContributionError::NothingUsed)?
        .table
        .features();
    let mut ordered = Vec::with_capacity(sorted.len());
    for source in sorted {
        match source.table.in_column_order(features) {
            Ok(table) => ordered.push(Ordered { source, table }),
            Err(violations) if source.used => {
                return Err(ContributionError::Columns {
                    id: source.id,
                    violations,
                });
            }
            Err(_) => {}
        }
    }
    Ok(ordered)
}

/// Returns where each distinct row of a used contribution is held, in the order of the log.
fn credited_rows(ordered: &[Ordered<'_>], clusters: &Clusters) -> Vec<RowPlace> {
    let used = |place: &RowPlace| {
        let holder = ordered.get(place.contribution);
        holder.is_some_and(|one| one.source.used)
    };
    clusters
        .clusters
        .iter()
        .filter(|cluster| cluster.iter().any(used))
        .filter_map(|cluster| cluster.first().copied())
        .collect()
}

fn value_rows(
    ordered: &[Ordered<'_>],
    credited: &[RowPlace],
    validation: &FeatureTable,
    method: &RowKnn,
) -> Result<RowValues, ContributionError> {
    let features = ordered.first().map_or(&[][..], |one| one.table.features());
    let rows: Vec<(&[f64], &str)> = credited
        .iter()
        .filter_map(|place| {
            let table = &ordered.get(place.contribution)?.table;
            Some((table.row(place.row)?, table.labels().get(place.row)?))
        })
        .collect();
    let tie_order = method.seed.as_ref().map(|seed| {
        let canonical: Vec<Vec<u8>> = rows
            .iter()
            .map(|(features, label)| canonical_row(features, label))
            .collect();
        seeded_order(seed, canonical.iter().map(Vec::as_slice))
    });
    let train =
        FeatureTable::gather(features, rows.into_iter()).map_err(ContributionError::Rows)?;
    let problem = Problem::new(&train, validation, method.neighbours, tie_order);
    let problem = problem.map_err(ContributionError::Knn)?;
    row_shapley(&problem).map_err(ContributionError::Knn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::{Seed, VALUE_TABLE_FORMAT};

    fn table(columns: &str, rows: &[(&[f64], &str)]) -> FeatureTable {
        let features: Vec<String> = columns.chars().map(String::from).collect();
        FeatureTable::gather(&features, rows.iter().copied()).unwrap()
    }

    fn contribution<'a>(
        id: u8,
        owner: &str,
        used: bool,
        table: &'a FeatureTable,
    ) -> Contribution<'a> {
        Contribution {
            id: ThingId([id; 32]),
            owner: owner.parse().unwrap(),
            place: (u64::from(id), 0),
            used,
            table,
        }
    }

    fn told(contributions: &[Contribution<'_>], seed: Option<&[u8]>) -> String {
        let validation = table("xy", &[(&[0.0, 0.0], "a"), (&[9.0, 9.0], "b")]);
        let neighbours = NonZero::<u64>::MIN;
        let seed = seed.map(<[u8]>::to_vec);
        let method = RowKnn { neighbours, seed };
        match value_contributions(contributions, &validation, &method) {
            Ok(values) => {
                let lines = values.lines.iter().map(|line| {
                    let value = super::super::quotient(line.value, values.denominator);
                    let id = line.contribution.0[0];
                    format!(
                        "{id} {} {value} {} {}",
                        line.owner, line.copies, line.weight
                    )
                });
                lines.collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn copies_earn_nothing_and_columns_are_matched() {
        let first = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
        let copy = table("yx", &[(&[1.0, 0.0], "a"), (&[8.0, 9.0], "b")]);
        let list = [
            contribution(1, "ann", true, &first),
            contribution(2, "bob", true, &copy),
        ];
        let expected = "1 ann 1 0 1000000000000; 2 bob 0 2 0";
        assert_eq!(told(&list, None), expected);
        assert_eq!(told(&list, Some(b"seed")), expected);
        let turned = [list[1].clone(), list[0].clone()];
        assert_eq!(told(&turned, None), expected);
    }

    #[test]
    fn an_unused_first_holder_joins_with_that_row_alone() {
        let holder = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
        let other = table("xy", &[(&[5.0, 5.0], "b")]);
        let used = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 7.0], "b")]);
        let list = [
            contribution(1, "ann", false, &holder),
            contribution(2, "cat", false, &other),
            contribution(3, "bob", true, &used),
        ];
        let expected = "1 ann 0.5 0 500000000000; 3 bob 0.5 1 500000000000";
        assert_eq!(told(&list, None), expected);
    }

    #[test]
    fn the_method_is_read_back_from_its_table() {
        let method = RowKnn {
            neighbours: NonZero::new(5).unwrap(),
            seed: Some(vec![0, 255]),
        };
        let mut table = ValueTable {
            contributions: Vec::new(),
            denominator: NonZero::<u128>::MIN,
            format: VALUE_TABLE_FORMAT.to_owned(),
            inputs: Vec::new(),
            method: ROW_KNN_SHAPLEY.to_owned(),
            parameters: method.parameters(),
            period: "2026-10".parse().unwrap(),
            pool: "solar".parse().unwrap(),
            rules: 1,
            seed: Some(Seed {
                from: "the evaluator".to_owned(),
                hex: "00ff".to_owned(),
            }),
        };
        assert_eq!(RowKnn::of(&table), Ok(method));
        for (name, value) in [("k", "0"), ("k", "+5"), ("ties", "log"), ("more", "1")] {
            let mut other = table.clone();
            other.parameters.insert(name.to_owned(), value.to_owned());
            assert_eq!(RowKnn::of(&other), Err(MethodError::Parameters), "{name}");
        }
        table.method = "trak".to_owned();
        let found = "trak".to_owned();
        assert_eq!(RowKnn::of(&table), Err(MethodError::OtherMethod { found }));
    }

    #[test]
    fn what_cannot_be_valued_is_said() {
        let one = table("xy", &[(&[0.0, 1.0], "a")]);
        let other = table("xz", &[(&[0.0, 1.0], "a")]);
        let unused = [contribution(1, "ann", false, &one)];
        assert_eq!(told(&unused, None), "no contribution is used in the period");
        let mixed = [
            contribution(1, "ann", true, &one),
            contribution(2, "bob", true, &other),
        ];
        assert!(told(&mixed, None).starts_with("the columns of contribution 0202"));
        let strange = [contribution(2, "bob", true, &other)];
        assert_eq!(told(&strange, None), "the rows could not be valued");
    }
}
