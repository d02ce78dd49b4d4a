//! The coverage game: a coalition is worth the units that at least one of its members holds.
//! Shapley's value is unit weight by number of holders, which is how identical rows are shared.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_members, check_players, fitting, whole};
use crate::domain::Violation;
use crate::valuation::games::SizeWeights;

/// Something that players hold, alone or together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What it weighs, in billionths, not negative.
    pub weight: i128,
    /// Who holds it; perhaps nobody.
    pub holders: Vec<usize>,
}

/// Who holds what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    players: usize,
    /// The weight of each unit in billionths; their sum fits too.
    weights: Vec<i64>,
    /// The units of each player.
    held: Vec<Vec<usize>>,
    /// The number of holders of each unit.
    holders: Vec<usize>,
}

impl Coverage {
    /// Makes a game from the number of players and the units.
    ///
    /// # Errors
    /// Too many players, or none; negative weights; weights that sum to more than 64 bits;
    /// holders out of range or repeated.
    pub fn new(players: usize, units: &[Unit]) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("players", players, NAMED_PLAYERS_MAX, &mut found);
        if !found.is_empty() {
            return Err(found);
        }
        let mut held = vec![Vec::new(); players];
        for (number, unit) in units.iter().enumerate() {
            if unit.weight < 0 {
                let path = format!("units[{number}].weight");
                found.push(Violation::new(path, "is negative"));
            }
            let path = format!("units[{number}].holders");
            check_members(&path, &unit.holders, players, &mut found);
            for holder in &unit.holders {
                if let Some(held) = held.get_mut(*holder) {
                    held.push(number);
                }
            }
        }
        // Numbers of at most 27 digits: as many as memory holds fit 127 bits.
        fitting(
            "units",
            units.iter().map(|unit| unit.weight).sum(),
            &mut found,
        );
        let weight = |unit: &Unit| i64::try_from(unit.weight).unwrap_or(0);
        let game = Self {
            players,
            weights: units.iter().map(weight).collect(),
            held,
            holders: units.iter().map(|unit| unit.holders.len()).collect(),
        };
        whole(game, found)
    }

    /// Returns the value of every player: a holder gains a unit where no other holder has come
    /// before.
    pub fn values(&self, weights: &SizeWeights) -> Vec<BigRational> {
        let mut chances: BTreeMap<usize, BigInt> = BTreeMap::new();
        let mut value = |held: &Vec<usize>| {
            let mut by_holders: BTreeMap<usize, i64> = BTreeMap::new();
            for unit in held {
                let holders = self.holders.get(*unit).copied().unwrap_or(1);
                let weight = self.weights.get(*unit).copied().unwrap_or(0);
                // The sum of all weights fits.
                let sum = by_holders.entry(holders).or_default();
                *sum = sum.saturating_add(weight);
            }
            let gained = by_holders.into_iter().map(|(holders, weight)| {
                let others = holders.saturating_sub(1);
                let chance = chances
                    .entry(others)
                    .or_insert_with(|| weights.absent(others));
                &*chance * weight
            });
            weights.rational(gained.sum())
        };
        self.held.iter().map(&mut value).collect()
    }
}

impl Rule for Coverage {
    /// The sum, and which units are in it already.
    type Gathered = (i64, Vec<bool>);

    fn players(&self) -> usize {
        self.players
    }

    fn bounds(&self) -> Bounds {
        let held = self.weights.iter().zip(&self.holders);
        let held = held.filter(|(_, holders)| **holders > 0);
        Bounds {
            low: 0,
            high: held.fold(0, |sum, (weight, _)| sum.saturating_add(*weight)),
            monotone: true,
        }
    }

    fn start(&self) -> Self::Gathered {
        (0, vec![false; self.weights.len()])
    }

    fn join(&self, (sum, covered): &mut Self::Gathered, player: usize) {
        for unit in self.held.get(player).into_iter().flatten() {
            if let (Some(covered), Some(weight)) = (covered.get_mut(*unit), self.weights.get(*unit))
                && !*covered
            {
                *covered = true;
                *sum = sum.saturating_add(*weight);
            }
        }
    }

    fn utility(&self, (sum, _): &Self::Gathered) -> i64 {
        *sum
    }
}
