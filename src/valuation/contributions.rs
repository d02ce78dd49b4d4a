//! Values of recorded contributions: identical rows first, then values, then weights.
//!
//! The evaluator who computes a value table, the service's own job and the auditor who recomputes
//! either call this, so that there is one recipe.
//!
//! A **cluster** is a row however often it was recorded. Those that a used contribution holds are
//! the run: each is valued once, and its value goes to whom the rule for duplicates says. A
//! contribution's value is the sum of what it is credited with. Where the players are beneficial
//! owners, each row is the first holder's owner's, owners have values of their own, and the rows'
//! KNN-Shapley values say how an owner's part is divided among its contributions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZero;

use super::cluster_rules::{credited, divide_clusters};
use super::duplicates::{Clusters, RowHash, RowPlace, row_hashes};
use super::knn::{
    KnnError, ONE, Problem, RowValues, provider_shapley, row_banzhaf, row_shapley, soft_label,
    threshold_shapley,
};
use super::method::{Method, Question};
use super::near_duplicates::DistinctRow;
use super::rows::{canonical_row, seeded_order};
use super::table::{FeatureTable, TableViolation, TextColumn};
use super::value_table::{Line, OwnerLine};
use super::weights::{WeightError, weights, weights_by_total};
use crate::domain::{AllotError, PartyName, ThingId};

/// What is known of a contribution's rows.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// The rows themselves.
    Table(&'a FeatureTable),
    /// Their hashes alone, made with the columns of the used contribution recorded first.
    Hashes(&'a [RowHash]),
}

/// A recorded contribution of which the rows, or their hashes, are at hand.
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
    pub rows: Rows<'a>,
}

/// What contributions are valued from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Every contribution recorded so far whose rows are at hand, used or not, in any order.
    pub contributions: &'a [Contribution<'a>],
    /// The pool's validation rows, if the method needs them.
    pub validation: Option<&'a FeatureTable>,
    /// Approved costs by beneficial owner, in minor units of the pool's currency; read by the rule
    /// `pro_rata` alone.
    pub costs: &'a BTreeMap<PartyName, u128>,
}

/// What the contributions are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionValues {
    /// One line for each contribution used or credited with a used row, by ascending id.
    pub lines: Vec<Line>,
    /// The values of the lines' owners, ascending, where the players are owners.
    pub owners: Option<Vec<OwnerLine>>,
    /// What each value is divided by.
    pub denominator: NonZero<u128>,
    /// The number of adjacent pairs of equal distance, summed over validation rows; 0 where no
    /// distance is asked for.
    pub ties: u64,
}

/// Why contributions could not be valued.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ContributionError {
    /// No contribution is used, so there is nothing to value.
    #[error("no contribution is used in the period")]
    NothingUsed,
    /// The method needs a validation set, and there is none.
    #[error("{method} needs the validation set of the pool")]
    NoValidation {
        /// The method's name.
        method: &'static str,
    },
    /// Of a used contribution only hashes are known, and the method looks at features.
    #[error("of contribution {id} only hashes are known, and the method looks at its features")]
    OnlyHashes {
        /// The contribution.
        id: ThingId,
    },
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
    /// A row's value could not be divided among its holders.
    #[error("the value of a row could not be divided among its holders")]
    Division(#[source] AllotError),
    /// The values could not be made into weights.
    #[error("the values could not be made into weights")]
    Weights(#[source] WeightError),
}

/// Values contributions.
///
/// The training rows are the distinct rows of the used contributions, in the column order of the
/// used contribution recorded first; each is credited by the method's rule among all who recorded
/// it, used or not. Unused contributions with other columns hold no such row. `progress` is told,
/// from any thread, how many more validation rows are done; there are [`Method::passes`] times as
/// many as the table has.
///
/// # Errors
/// See [`ContributionError`].
pub fn value_contributions(
    inputs: &Inputs<'_>,
    method: &Method,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<ContributionValues, ContributionError> {
    let run = Run::of(inputs)?;
    let values = run.with_problem(inputs, method, progress, |problem| ask(problem, method))?;
    let values = values.unwrap_or_else(|| counted(run.clusters.len()));
    let owners = run.owners();
    let costs: BTreeMap<&PartyName, u128> = inputs
        .costs
        .iter()
        .map(|(owner, cost)| (owner, *cost))
        .collect();
    let rule = method.duplicates();
    let divided = divide_clusters(&run.clusters, &owners, &costs, &values.of_clusters, rule);
    let divided = divided.map_err(ContributionError::Division)?;
    let credited = credited(&run.clusters, &owners, rule);
    let mut lines: Vec<Line> = Vec::new();
    for (number, one) in run.ordered.iter().enumerate() {
        if one.source.used || credited.get(number) == Some(&true) {
            lines.push(Line {
                contribution: one.source.id,
                copies: run.copies.get(number).copied().unwrap_or_default(),
                owner: one.source.owner.clone(),
                rows: u64::try_from(one.hashes.len()).unwrap_or(u64::MAX),
                value: divided.get(number).copied().unwrap_or_default(),
                weight: 0,
            });
        }
    }
    lines.sort_by_key(|line| line.contribution);
    set_weights(&mut lines, values.of_owners.as_ref()).map_err(ContributionError::Weights)?;
    Ok(ContributionValues {
        owners: values
            .of_owners
            .map(|of_owners| owner_lines(&lines, &of_owners)),
        lines,
        denominator: values.denominator,
        ties: values.ties,
    })
}

/// Sets the weight of each line from the values of all.
fn set_weights(
    lines: &mut [Line],
    of_owners: Option<&BTreeMap<PartyName, i128>>,
) -> Result<(), WeightError> {
    let values: Vec<(ThingId, PartyName, i128)> = lines
        .iter()
        .map(|line| (line.contribution, line.owner.clone(), line.value))
        .collect();
    let weights = match of_owners {
        None => weights(&values)?,
        Some(totals) => {
            let totals = totals.iter().map(|(owner, value)| (owner, *value));
            weights_by_total(&values, &totals.collect())?
        }
    };
    for (line, weight) in lines.iter_mut().zip(weights) {
        line.weight = weight;
    }
    Ok(())
}

/// Returns the value of every owner of a line, 0 of one who is credited with no row.
fn owner_lines(lines: &[Line], of_owners: &BTreeMap<PartyName, i128>) -> Vec<OwnerLine> {
    let mut all: BTreeMap<&PartyName, i128> = BTreeMap::new();
    for line in lines {
        let value = of_owners.get(&line.owner).copied();
        all.insert(&line.owner, value.unwrap_or_default());
    }
    let line = |(owner, value): (&PartyName, i128)| OwnerLine {
        owner: owner.clone(),
        value,
    };
    all.into_iter().map(line).collect()
}

/// A contribution whose rows can be compared with those of the others.
pub(super) struct Ordered<'a> {
    pub(super) source: &'a Contribution<'a>,
    /// Its rows with the columns of the first used contribution; none where only hashes are known.
    table: Option<FeatureTable>,
    hashes: Cow<'a, [RowHash]>,
}

/// What is valued: the clusters that a used contribution holds.
pub(super) struct Run<'a> {
    /// The contributions in the order of the log.
    pub(super) ordered: Vec<Ordered<'a>>,
    /// The clusters, in the order of their first rows.
    pub(super) clusters: Vec<Vec<RowPlace>>,
    /// For each contribution how many of its rows belong elsewhere or repeat its own.
    copies: Vec<u64>,
}

impl<'a> Run<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Result<Self, ContributionError> {
        let ordered = in_one_column_order(inputs.contributions)?;
        let hashes: Vec<&[RowHash]> = ordered.iter().map(|one| &*one.hashes).collect();
        let Clusters {
            mut clusters,
            copies,
        } = Clusters::of(&hashes);
        let used = |place: &RowPlace| {
            let holder = ordered.get(place.contribution);
            holder.is_some_and(|one| one.source.used)
        };
        clusters.retain(|cluster| cluster.iter().any(used));
        Ok(Self {
            ordered,
            clusters,
            copies,
        })
    }

    /// Returns the beneficial owner of each contribution.
    pub(super) fn owners(&self) -> Vec<PartyName> {
        let owners = self.ordered.iter();
        owners.map(|one| one.source.owner.clone()).collect()
    }

    /// Returns the rows of the run at their first places, as far as the rows are at hand.
    pub(super) fn distinct_rows(&self) -> Vec<DistinctRow<'_>> {
        let owners: BTreeMap<&PartyName, usize> = self
            .ordered
            .iter()
            .enumerate()
            .map(|(number, one)| (&one.source.owner, number))
            .collect();
        let first = self.clusters.iter().filter_map(|cluster| cluster.first());
        let row = |place: &RowPlace| {
            let one = self.ordered.get(place.contribution)?;
            let table = one.table.as_ref()?;
            Some(DistinctRow {
                place: *place,
                owner: *owners.get(&one.source.owner)?,
                features: table.row(place.row)?,
                label: table.labels().get(place.row)?,
            })
        };
        first.filter_map(row).collect()
    }

    /// Returns the name of a feature, by its number.
    pub(super) fn feature(&self, number: usize) -> Option<&str> {
        let table = self.ordered.iter().find_map(|one| one.table.as_ref())?;
        table.features().get(number).map(String::as_str)
    }

    /// Puts the rows before the method; none where it looks at hashes alone.
    pub(super) fn with_problem<T>(
        &self,
        inputs: &Inputs<'_>,
        method: &Method,
        progress: &(dyn Fn(usize) + Sync),
        ask: impl FnOnce(Problem<'_>) -> Result<T, KnnError>,
    ) -> Result<Option<T>, ContributionError> {
        if method.question() == Question::Coverage {
            return Ok(None);
        }
        let validation = inputs.validation.ok_or(ContributionError::NoValidation {
            method: method.name(),
        })?;
        let train = self.training_rows()?;
        let tie_order = method.seed().map(|seed| {
            let rows = train.iter_rows().enumerate();
            let canonical: Vec<Vec<u8>> = rows
                .map(|(row, features)| {
                    canonical_row(features, train.labels().get(row).unwrap_or_default())
                })
                .collect();
            seeded_order(seed, canonical.iter().map(Vec::as_slice))
        });
        let problem = Problem::new(&train, validation, method.neighbours(), tie_order);
        let problem = problem.map_err(ContributionError::Knn)?;
        let answer = ask(problem.with_progress(progress));
        answer.map(Some).map_err(ContributionError::Knn)
    }

    /// Returns the rows of the run, each with the owner of its first holder.
    fn training_rows(&self) -> Result<FeatureTable, ContributionError> {
        let ordered = &self.ordered;
        let hidden = ordered
            .iter()
            .find(|one| one.source.used && one.table.is_none());
        if let Some(hidden) = hidden {
            let id = hidden.source.id;
            return Err(ContributionError::OnlyHashes { id });
        }
        let mut tables = ordered.iter().filter_map(|one| one.table.as_ref());
        let features = tables.next().map_or(&[][..], FeatureTable::features);
        let row = |cluster: &Vec<RowPlace>| {
            cluster.iter().find_map(|place| {
                let table = ordered.get(place.contribution)?.table.as_ref()?;
                Some((table.row(place.row)?, table.labels().get(place.row)?))
            })
        };
        // Each has a used holder, and of each used one the table is at hand.
        let rows: Vec<(&[f64], &str)> = self.clusters.iter().filter_map(row).collect();
        let first_holder = |cluster: &Vec<RowPlace>| {
            let place = cluster.first()?;
            Some(ordered.get(place.contribution)?.source.owner.as_str())
        };
        let owners: TextColumn = self.clusters.iter().filter_map(first_holder).collect();
        FeatureTable::gather(features, rows.into_iter())
            .and_then(|train| train.with_owners(owners))
            .map_err(ContributionError::Rows)
    }
}

/// Returns the contributions in the order of the log, their columns as in the first used one.
fn in_one_column_order<'a>(
    contributions: &'a [Contribution<'a>],
) -> Result<Vec<Ordered<'a>>, ContributionError> {
    let mut sorted: Vec<&Contribution<'_>> = contributions.iter().collect();
    sorted.sort_by_key(|one| (one.place, one.id));
    if !sorted.iter().any(|one| one.used) {
        return Err(ContributionError::NothingUsed);
    }
    let features = sorted.iter().find_map(|one| match one.rows {
        Rows::Table(table) if one.used => Some(table.features()),
        _ => None,
    });
    let mut ordered = Vec::with_capacity(sorted.len());
    for source in sorted {
        let table = match source.rows {
            Rows::Hashes(hashes) => {
                ordered.push(Ordered {
                    source,
                    table: None,
                    hashes: Cow::Borrowed(hashes),
                });
                continue;
            }
            Rows::Table(table) => table.in_column_order(features.unwrap_or_default()),
        };
        match table {
            Ok(table) => ordered.push(Ordered {
                source,
                hashes: Cow::Owned(row_hashes(&table)),
                table: Some(table),
            }),
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

/// Values of the clusters of a run.
struct ClusterValues {
    of_clusters: Vec<i128>,
    of_owners: Option<BTreeMap<PartyName, i128>>,
    denominator: NonZero<u128>,
    ties: u64,
}

impl From<RowValues> for ClusterValues {
    fn from(values: RowValues) -> Self {
        Self {
            of_clusters: values.values,
            of_owners: None,
            denominator: values.denominator,
            ties: values.ties,
        }
    }
}

/// Each row's worth is one, in parts so small that its holders share it well enough.
fn counted(clusters: usize) -> ClusterValues {
    ClusterValues {
        of_clusters: vec![i128::from(ONE); clusters],
        of_owners: None,
        denominator: NonZero::new(u128::from(ONE)).unwrap_or(NonZero::<u128>::MIN),
        ties: 0,
    }
}

/// Asks the method's question.
fn ask(problem: Problem<'_>, method: &Method) -> Result<ClusterValues, KnnError> {
    if !method.values_owners() {
        return Ok(ask_rows(&problem, method)?.into());
    }
    let owners = provider_shapley(&problem)?;
    let names = problem.owners().iter();
    let names = names.filter_map(|name| name.parse::<PartyName>().ok());
    Ok(ClusterValues {
        of_owners: Some(names.zip(owners.values).collect()),
        ..ask_rows(&problem, method)?.into()
    })
}

/// Returns the values of the rows; where owners are the players, those by which an owner's part is
/// divided.
pub(super) fn ask_rows(problem: &Problem<'_>, method: &Method) -> Result<RowValues, KnnError> {
    match method.question() {
        Question::RowKnnBanzhaf => row_banzhaf(problem),
        Question::RowKnnSoftLabel => soft_label(problem),
        Question::RowKnnThreshold => threshold_shapley(problem, method.threshold()),
        Question::RowKnnShapley | Question::ProviderKnnShapley | Question::Coverage => {
            row_shapley(problem)
        }
    }
}
