//! One request from its inputs to its record.

use std::collections::{BTreeMap, BTreeSet};

use super::board::{Progress, Stage};
use super::plan::Plan;
use super::run::{Halt, Worker, chain};
use crate::domain::{ContentHash, PartyName, Reveal, ThingId};
use crate::engine::crash::{self, Point};
use crate::ledger::{
    Attachments as _, CommitmentRow, Locator, Recorded, State, ValuationRequestRow, View,
    approved_costs, drafted, method_of, recorded, used,
};
use crate::valuation::{
    Contribution, FeatureTable, Input, Inputs, Method, RowHash, Rows, SeedSource, ValueTable,
    row_hashes, value_contributions,
};

/// What a valuation is computed from.
struct Basis {
    recorded: BTreeMap<ThingId, Recorded>,
    used: BTreeSet<Locator>,
    costs: BTreeMap<PartyName, u128>,
}

/// Rows of a contribution, as far as they are needed.
enum Held {
    Table(Box<FeatureTable>),
    Hashes(Vec<RowHash>),
}

/// Rows by the contribution.
type HeldRows = Vec<(ThingId, Held)>;

impl Worker {
    /// Works on a request until it is answered or halts.
    pub(super) fn step(&self, at: Locator, request: &ValuationRequestRow) -> Result<(), Halt> {
        let state = self.engine.published();
        let own = self.own_key(&state.view)?;
        let seed = self.seed(&state.view, at, request)?;
        self.board.tell(at, Progress::at(Stage::Reading, ""));
        let method =
            method_of(request, Some(&seed)).map_err(|error| Halt::Failed(chain(&error)))?;
        let basis = Basis::load(&state.view, at, request)?;
        let rules = state.charter.rules_version;
        drop(state);
        let drafted = drafted(request, &method, rules, seed.stated());
        let table = self.compute(at, request, &basis, &method, drafted)?;
        self.board.tell(at, Progress::at(Stage::Recording, ""));
        self.finish(request, &seed, &table, &own)
    }

    /// Returns what the seed of a request is made from.
    fn seed(
        &self,
        view: &dyn View,
        at: Locator,
        request: &ValuationRequestRow,
    ) -> Result<SeedSource, Halt> {
        let engine = &self.engine;
        let handed = crate::engine::Handed::of_log(engine.attachments(), engine.log().as_ref());
        let size = at.index.saturating_add(1);
        let root = handed.root(size);
        let root = root.ok_or_else(|| Halt::Later("the log's root cannot be read".to_owned()))?;
        let revealed = match request.commitment {
            None => None,
            Some(commitment) => {
                let row = State::new(view).get::<CommitmentRow>(&commitment)?;
                let committed = row.map_or(0, |row| row.at.index);
                Some((self.reveal(&commitment)?, committed))
            }
        };
        Ok(SeedSource {
            root,
            size,
            revealed,
        })
    }

    /// Returns the bytes that were committed to: whoever knows them stores them once the request
    /// is in the log.
    fn reveal(&self, commitment: &ContentHash) -> Result<Reveal, Halt> {
        if self.blobs.size(commitment).is_none() {
            let note = format!("who committed to {commitment} uploads the bytes now");
            return Err(Halt::Blobs(Stage::WaitsForReveal, vec![*commitment], note));
        }
        let bytes = self.blob(commitment, "the reveal")?;
        Reveal::try_from(bytes.as_ref()).map_err(|error| {
            Halt::Failed(format!(
                "the bytes that were committed to are none: {error}"
            ))
        })
    }

    fn compute(
        &self,
        at: Locator,
        request: &ValuationRequestRow,
        basis: &Basis,
        method: &Method,
        drafted: ValueTable,
    ) -> Result<ValueTable, Halt> {
        let is_used = |one: &Recorded| basis.used.contains(&one.at);
        let plan = Plan::of(
            request.id,
            self.disk.as_ref(),
            &self.blobs,
            &basis.recorded,
            &is_used,
        )?;
        crash::at(Point::Planned); // Leaves a plan, by which the next start goes.
        let (held, mut inputs) = self.read_rows(at, basis, &plan)?;
        let validation = match &request.validation_hash {
            Some(hash) => {
                inputs.push(Input {
                    contribution: None,
                    hash: *hash,
                    kind: "validation".to_owned(),
                });
                Some(self.table(hash, "the validation set")?)
            }
            None => None,
        };
        inputs.sort();
        let contributions: Vec<Contribution<'_>> = held
            .iter()
            .filter_map(|(id, held)| {
                let one = basis.recorded.get(id)?;
                Some(Contribution {
                    id: *id,
                    owner: one.owner.clone(),
                    place: (one.at.index, one.at.number),
                    used: is_used(one),
                    rows: match held {
                        Held::Table(table) => Rows::Table(table),
                        Held::Hashes(hashes) => Rows::Hashes(hashes),
                    },
                })
            })
            .collect();
        let rows = validation.as_ref().map_or(0, FeatureTable::rows);
        let total = rows.saturating_mul(method.passes());
        let valuing = Progress {
            total: u64::try_from(total).unwrap_or(u64::MAX),
            ..Progress::at(Stage::Valuing, "")
        };
        self.board.tell(at, valuing);
        let progress = |more: usize| self.board.advance(at, u64::try_from(more).unwrap_or(0));
        let given = Inputs {
            contributions: &contributions,
            validation: validation.as_ref(),
            costs: &basis.costs,
        };
        let values = value_contributions(&given, method, &progress);
        let values = values.map_err(|error| Halt::Failed(chain(&error)))?;
        Ok(ValueTable {
            contributions: values.lines,
            denominator: values.denominator,
            inputs,
            owners: values.owners,
            ..drafted
        })
    }

    /// Reads the rows of a plan. Of contributions that are not in use their hashes are enough, and
    /// those that are no table, or have other columns, hold no row that could matter.
    fn read_rows(
        &self,
        at: Locator,
        basis: &Basis,
        plan: &Plan,
    ) -> Result<(HeldRows, Vec<Input>), Halt> {
        let planned = basis.recorded.iter();
        let mut planned: Vec<(&ThingId, &Recorded)> = planned
            .filter(|(id, _)| plan.contributions.contains(*id))
            .collect();
        // The used one recorded first says which columns there are, so it is read first.
        planned.sort_by_key(|(_, one)| (!basis.used.contains(&one.at), one.at));
        self.board.tell(
            at,
            Progress {
                total: u64::try_from(planned.len()).unwrap_or(u64::MAX),
                ..Progress::at(Stage::Reading, "")
            },
        );
        let (mut held, mut inputs) = (Vec::new(), Vec::new());
        let mut features: Option<Vec<String>> = None;
        for (id, one) in planned {
            let (name, hash) = (&one.row.name, one.row.content_hash);
            let read = self.table(&hash, &name.to_string());
            self.board.advance(at, 1);
            let used = basis.used.contains(&one.at);
            let table = match read {
                Ok(table) => table,
                Err(Halt::Failed(_)) if !used => continue,
                Err(halt) => return Err(halt),
            };
            let features = features.get_or_insert_with(|| table.features().to_vec());
            let rows = if used {
                Held::Table(Box::new(table))
            } else {
                match table.in_column_order(features) {
                    Ok(table) => Held::Hashes(row_hashes(&table)),
                    Err(_) => continue,
                }
            };
            held.push((*id, rows));
            inputs.push(Input {
                contribution: Some(*id),
                hash,
                kind: "rows".to_owned(),
            });
        }
        Ok((held, inputs))
    }
}

impl Basis {
    fn load(view: &dyn View, at: Locator, request: &ValuationRequestRow) -> Result<Self, Halt> {
        let state = State::new(view);
        let mut recorded = recorded(&state)?;
        // What was recorded after the request takes no part in it.
        recorded.retain(|_, one| one.at < at);
        Ok(Self {
            recorded,
            used: used(&state, &request.pool, request.period)?,
            costs: approved_costs(&state, &request.pool, request.period, at.index)?,
        })
    }
}
