//! What the demo's evaluator does with its own tools: values the rows, and says how.

use std::collections::BTreeMap;
use std::num::NonZero;

use super::cast::{EVALUATOR, NEIGHBOURS, PERIOD, POOL, SEED, VALIDATION};
use super::story::fault;
use crate::cli::CommandError;
use crate::domain::{ContentHash, PartyName, ThingId};
use crate::store::tables::{Columns, read_csv};
use crate::valuation::{
    Contribution, FeatureTable, Input, Inputs, Method, Question, Rows, Seed, VALUE_TABLE_FORMAT,
    ValueTable, value_contributions,
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

/// Values what is in use by row KNN-Shapley; the table says all that is needed to repeat it.
pub(super) fn value_table(used: &[Used]) -> Result<ValueTable, CommandError> {
    let tables = used.iter().map(|one| rows(one.csv));
    let tables: Vec<FeatureTable> = tables.collect::<Result<_, _>>()?;
    let contributions: Vec<Contribution<'_>> = used
        .iter()
        .zip(&tables)
        .map(|(one, table)| Contribution {
            id: one.id,
            owner: one.owner.clone(),
            place: one.place,
            used: true,
            rows: Rows::Table(table),
        })
        .collect();
    let neighbours = NonZero::new(NEIGHBOURS).unwrap_or(NonZero::<u64>::MIN);
    let method = Method::nearest(Question::RowKnnShapley, neighbours, Some(SEED.to_vec()));
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(&rows(VALIDATION)?),
        costs: &BTreeMap::new(),
    };
    let values = value_contributions(&inputs, &method, &|_| ()).map_err(fault)?;
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
