//! The unanimity game: 1 if a coalition has all members, and 0 if it has not.

use num_rational::BigRational;

use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_members, check_players, whole};
use crate::domain::Violation;
use crate::valuation::games::{Coalition, SizeWeights, UNIT};

/// Who is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanimity {
    players: usize,
    members: Coalition,
    needed: usize,
}

impl Unanimity {
    /// Makes a game from the number of players and those who are needed, who may be nobody.
    ///
    /// # Errors
    /// Too many players, or none; members out of range or repeated.
    pub fn new(players: usize, members: &[usize]) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("players", players, NAMED_PLAYERS_MAX, &mut found);
        if found.is_empty() {
            check_members("members", members, players, &mut found);
        }
        if !found.is_empty() {
            return Err(found);
        }
        let game = Self {
            players,
            needed: members.len(),
            members: members.iter().copied().collect(),
        };
        whole(game, found)
    }

    /// Returns the value of every player: a member gains 1 where all other members are there.
    pub fn values(&self, weights: &SizeWeights) -> Vec<BigRational> {
        let member = match self.needed.checked_sub(1) {
            Some(others) => weights.rational(weights.present(others) * UNIT),
            None => BigRational::default(),
        };
        let value = |player| match self.members.contains(player) {
            true => member.clone(),
            false => BigRational::default(),
        };
        (0..self.players).map(value).collect()
    }
}

impl Rule for Unanimity {
    /// How many members have joined.
    type Gathered = usize;

    fn players(&self) -> usize {
        self.players
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: 0,
            high: UNIT,
            monotone: true,
        }
    }

    fn start(&self) -> usize {
        0
    }

    fn join(&self, gathered: &mut usize, player: usize) {
        *gathered += usize::from(self.members.contains(player));
    }

    fn utility(&self, gathered: &usize) -> i64 {
        if *gathered == self.needed { UNIT } else { 0 }
    }
}
