//! What the demo's evaluator does with its own tools: values the rows, and says how.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use super::cast::{EVALUATOR, NEIGHBOURS, PERIOD, POOL, SEED, VALIDATION};
use super::story::fault;
use crate::cli::CommandError;
use crate::domain::{ContentHash, PartyName, ThingId};
use crate::store::tables::{Columns, read_csv};
use crate::valuation::{
    Clusters, Contribution, ContributionValues, FeatureTable, Input, Inputs, Method, OwnerLine,
    Question, RowHash, RowPlace, Rows, Seed, VALUE_TABLE_FORMAT, ValueTable, row_hashes,
    value_contributions,
};

/// A contribution in use, with its rows.
pub(super) struct Used {
    /// Its id.
    pub id: ThingId,
    /// Where it was recorded: index and number.
    pub place: (u64, u32),
    /// Who stands behind its party.
    pub owner: PartyName,
    /// Its bytes.
    pub csv: &'static [u8],
}

/// What the evaluator found.
pub(super) struct Valued {
    /// The table that it signs.
    pub table: ValueTable,
    /// Whose rows were copied, and what that changed.
    pub copying: Vec<Copying>,
}

/// A provider among whose rows are some that others had recorded before.
pub(super) struct Copying {
    /// Who copied.
    pub owner: PartyName,
    /// Whose rows they were.
    pub from: BTreeSet<PartyName>,
    /// What owners would be worth, over the table's denominator, had the copies not been
    /// contributed.
    pub without: BTreeMap<PartyName, i128>,
}

/// Values what is in use by provider-level KNN-Shapley; the table says all that is needed to repeat
/// it. Whoever has copies of others' rows is valued once more without them.
pub(super) fn value(used: &[Used]) -> Result<Valued, CommandError> {
    let tables = used.iter().map(|one| rows(one.csv));
    let tables: Vec<FeatureTable> = tables.collect::<Result<_, _>>()?;
    let validation = rows(VALIDATION)?;
    let neighbours = NonZero::new(NEIGHBOURS).unwrap_or(NonZero::<u64>::MIN);
    let method = Method::nearest(
        Question::ProviderKnnShapley,
        neighbours,
        Some(SEED.to_vec()),
    );
    let values = values(used, &tables, &validation, &method)?;
    let mut copying = Vec::new();
    let hashes: Vec<Vec<RowHash>> = tables.iter().map(row_hashes).collect();
    let clusters = Clusters::of(&hashes);
    for (number, kept) in clusters.kept().iter().enumerate() {
        let (Some(one), Some(table)) = (used.get(number), tables.get(number)) else {
            continue;
        };
        let from = first_holders(&clusters, used, number);
        if from.is_empty() {
            continue;
        }
        let own = kept
            .iter()
            .filter_map(|row| Some((table.row(*row)?, table.labels().get(*row)?)));
        let mut tables = tables.clone();
        if let Some(table) = tables.get_mut(number) {
            let own = FeatureTable::gather(table.features(), own);
            *table = own.map_err(|_| fault("a provider has no rows of its own"))?;
        }
        let without = self::values(used, &tables, &validation, &method)?;
        copying.push(Copying {
            owner: one.owner.clone(),
            from,
            without: by_owner(without.owners),
        });
    }
    Ok(Valued {
        table: table(used, values, &method)?,
        copying,
    })
}

/// Returns who recorded rows of a contribution before it.
fn first_holders(clusters: &Clusters, used: &[Used], number: usize) -> BTreeSet<PartyName> {
    let held = |cluster: &&Vec<RowPlace>| cluster.iter().any(|row| row.contribution == number);
    let clusters = clusters.clusters.iter().filter(held);
    let first = clusters.filter_map(|cluster| cluster.first());
    first
        .filter(|row| row.contribution != number)
        .filter_map(|row| Some(used.get(row.contribution)?.owner.clone()))
        .collect()
}

/// Returns the values of owners by name.
pub(super) fn by_owner(lines: Option<Vec<OwnerLine>>) -> BTreeMap<PartyName, i128> {
    let lines = lines.into_iter().flatten();
    lines.map(|line| (line.owner, line.value)).collect()
}

fn values(
    used: &[Used],
    tables: &[FeatureTable],
    validation: &FeatureTable,
    method: &Method,
) -> Result<ContributionValues, CommandError> {
    let contributions: Vec<Contribution<'_>> = used
        .iter()
        .zip(tables)
        .map(|(one, table)| Contribution {
            id: one.id,
            owner: one.owner.clone(),
            place: one.place,
            used: true,
            rows: Rows::Table(table),
        })
        .collect();
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(validation),
        costs: &BTreeMap::new(),
    };
    value_contributions(&inputs, method, &|_| ()).map_err(fault)
}

fn table(
    used: &[Used],
    values: ContributionValues,
    method: &Method,
) -> Result<ValueTable, CommandError> {
    let mut inputs: Vec<Input> = used
        .iter()
        .map(|one| Input {
            contribution: Some(one.id),
            hash: ContentHash::of(one.csv),
            kind: "rows".to_owned(),
        })
        .collect();
    inputs.push(Input {
        contribution: None,
        hash: ContentHash::of(VALIDATION),
        kind: "validation".to_owned(),
    });
    inputs.sort();
    Ok(ValueTable {
        contributions: values.lines,
        denominator: values.denominator,
        format: VALUE_TABLE_FORMAT.to_owned(),
        inputs,
        method: method.name().to_owned(),
        owners: values.owners,
        parameters: method.parameters(),
        period: PERIOD.parse().map_err(fault)?,
        pool: POOL.parse().map_err(fault)?,
        rules: 1,
        seed: Some(Seed {
            from: format!("seed chosen by {EVALUATOR}"),
            hex: hex::encode(SEED),
        }),
    })
}

fn rows(csv: &[u8]) -> Result<FeatureTable, CommandError> {
    read_csv(csv, &Columns::default()).map_err(|violations| {
        let first = violations.first().map(ToString::to_string);
        fault(first.unwrap_or_else(|| "the data cannot be read".to_owned()))
    })
}
