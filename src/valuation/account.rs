//! Where a contribution's value comes from: its rows, who else holds them, and the validation rows
//! that gave and took most.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::contributions::{ContributionError, Inputs, Run, ask_rows};
use super::duplicates::RowPlace;
use super::knn::provider_shapley;
use super::method::Method;
use super::near_duplicates::near_duplicates;
use crate::domain::ThingId;

/// Rows of one contribution that differ from rows of another, of another owner, in one feature
/// alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearRows {
    /// How many.
    pub rows: u64,
    /// The first of them, from 0.
    pub row: usize,
    /// The row of the other contribution that it nearly is, from 0.
    pub other_row: usize,
    /// The name of the feature in which the two differ.
    pub feature: String,
}

/// Where a contribution's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How many rows it is credited with, alone or with others.
    pub credited: u64,
    /// How many of its distinct rows belong to contributions recorded before it, by contribution.
    pub recorded_before: BTreeMap<ThingId, u64>,
    /// How many of its distinct rows were recorded again later, by contribution.
    pub recorded_again: BTreeMap<ThingId, u64>,
    /// Its rows that nearly are rows recorded before, by contribution.
    pub near_before: BTreeMap<ThingId, NearRows>,
    /// Rows recorded later that nearly are its own, by contribution; the numbers of rows are seen
    /// from this one.
    pub near_again: BTreeMap<ThingId, NearRows>,
    /// What each validation row gave, ascending by its number from 0, in multiples of 2^-62; the
    /// value is their mean. Where owners are the players it is the owner's value, and where a rule
    /// divides rows among holders it is that of the rows before they were divided. Empty for
    /// methods that look at no validation row.
    pub points: Vec<(usize, i128)>,
}

/// Accounts for the value of one contribution of the run; none where it is not among the inputs.
///
/// # Errors
/// As [`value_contributions`](super::value_contributions).
pub fn account(
    inputs: &Inputs<'_>,
    method: &Method,
    subject: &ThingId,
) -> Result<Option<Account>, ContributionError> {
    let run = Run::of(inputs)?;
    let Some(number) = run.ordered.iter().position(|one| one.source.id == *subject) else {
        return Ok(None);
    };
    let owners = run.owners();
    let owner = owners.get(number).map_or("", |owner| owner.as_str());
    let mut account = Account {
        credited: 0,
        recorded_before: BTreeMap::new(),
        recorded_again: BTreeMap::new(),
        near_before: BTreeMap::new(),
        near_again: BTreeMap::new(),
        points: Vec::new(),
    };
    let mut places = Vec::new();
    for (place, cluster) in run.clusters.iter().enumerate() {
        if method
            .duplicates()
            .credited(cluster, &owners)
            .values()
            .any(|one| *one == number)
        {
            places.push(place);
            account.credited = account.credited.saturating_add(1);
        }
        let mut holders = cluster.clone();
        // Places of one contribution stand one after the other.
        holders.dedup_by_key(|row| row.contribution);
        if !holders.iter().any(|row| row.contribution == number) {
            continue;
        }
        match holders.split_first() {
            Some((first, later)) if first.contribution == number => {
                for other in later {
                    count(&mut account.recorded_again, id(&run, other));
                }
            }
            Some((first, _)) => count(&mut account.recorded_before, id(&run, first)),
            None => {}
        }
    }
    for pair in near_duplicates(&run.distinct_rows()) {
        let (later, earlier) = (pair.later, pair.earlier);
        let feature = run.feature(pair.feature).unwrap_or_default();
        if later.contribution == number {
            near(
                &mut account.near_before,
                id(&run, &earlier),
                (later, earlier),
                feature,
            );
        } else if earlier.contribution == number {
            near(
                &mut account.near_again,
                id(&run, &later),
                (earlier, later),
                feature,
            );
        }
    }
    account.points = points(&run, inputs, method, owner, &places)?;
    Ok(Some(account))
}

/// Returns what each validation row gave the owner, or the rows at `places`.
fn points(
    run: &Run<'_>,
    inputs: &Inputs<'_>,
    method: &Method,
    owner: &str,
    places: &[usize],
) -> Result<Vec<(usize, i128)>, ContributionError> {
    let points = Mutex::new(Vec::new());
    let tell = |point, value| {
        points
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((point, value));
    };
    run.with_problem(inputs, method, &|_| (), |problem| {
        if method.values_owners() {
            let place = problem.owners().iter().position(|one| one == owner);
            let places: Vec<usize> = place.into_iter().collect();
            provider_shapley(&problem.watching(&places, &tell)).map(drop)
        } else {
            ask_rows(&problem.watching(places, &tell), method).map(drop)
        }
    })?;
    let mut points = points.into_inner().unwrap_or_else(PoisonError::into_inner);
    points.sort_unstable();
    Ok(points)
}

fn id(run: &Run<'_>, place: &RowPlace) -> Option<ThingId> {
    let one = run.ordered.get(place.contribution)?;
    Some(one.source.id)
}

fn near(
    counts: &mut BTreeMap<ThingId, NearRows>,
    id: Option<ThingId>,
    (own, other): (RowPlace, RowPlace),
    feature: &str,
) {
    let Some(id) = id else {
        return;
    };
    let near = counts.entry(id).or_insert_with(|| NearRows {
        rows: 0,
        row: own.row,
        other_row: other.row,
        feature: feature.to_owned(),
    });
    near.rows = near.rows.saturating_add(1);
}

fn count(counts: &mut BTreeMap<ThingId, u64>, id: Option<ThingId>) {
    if let Some(id) = id {
        let count = counts.entry(id).or_default();
        *count = count.saturating_add(1);
    }
}
