//! A game as a table: the utility of every coalition.

use super::{Bounds, Coalition, Rule, Utility, UtilityError};
use crate::domain::Violation;

/// The most players of a table: 2^24 utilities have 128 MiB.
pub const TABLE_PLAYERS_MAX: usize = 24;

/// The utility of each coalition, indexed by bit mask: bit `i` is player `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UtilityTable {
    players: usize,
    /// 2^players utilities in billionths.
    utilities: Vec<i64>,
}

impl UtilityTable {
    /// Makes a table.
    ///
    /// # Errors
    /// The number of players is not in 1..=[`TABLE_PLAYERS_MAX`], or there is not one utility for
    /// each coalition.
    pub fn new(players: usize, utilities: Vec<i64>) -> Result<Self, Vec<Violation>> {
        if !(1..=TABLE_PLAYERS_MAX).contains(&players) {
            return Err(vec![too_many(players)]);
        }
        let coalitions = 1usize << players;
        if utilities.len() != coalitions {
            let text = format!(
                "has {} numbers; a game of {players} players has {coalitions}, one a coalition",
                utilities.len()
            );
            return Err(vec![Violation::new("utility", text)]);
        }
        Ok(Self { players, utilities })
    }

    /// Returns the table of a game that has at most [`TABLE_PLAYERS_MAX`] players; of more, the
    /// first of them.
    pub fn of_rule<Game: Rule>(game: &Game) -> Self {
        let players = game.players().min(TABLE_PLAYERS_MAX);
        let mut utilities = Vec::with_capacity(1 << players);
        append(game, game.start(), players, &mut utilities);
        Self { players, utilities }
    }

    /// Returns the utilities, indexed by bit mask.
    pub fn utilities(&self) -> &[i64] {
        &self.utilities
    }
}

/// Returns the violation of a number of players that no table has.
fn too_many(players: usize) -> Violation {
    let text = format!("{players} is not in 1..{TABLE_PLAYERS_MAX}, which a table takes");
    Violation::new("players", text)
}

/// Appends the utilities of all coalitions of the first players with those gathered already.
fn append<Game: Rule>(
    game: &Game,
    gathered: Game::Gathered,
    players: usize,
    utilities: &mut Vec<i64>,
) {
    let Some(last) = players.checked_sub(1) else {
        utilities.push(game.utility(&gathered));
        return;
    };
    append(game, gathered.clone(), last, utilities);
    let mut joined = gathered;
    game.join(&mut joined, last);
    append(game, joined, last, utilities);
}

impl Utility for UtilityTable {
    fn players(&self) -> usize {
        self.players
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: self.utilities.iter().copied().min().unwrap_or(0),
            high: self.utilities.iter().copied().max().unwrap_or(0),
            monotone: false,
        }
    }

    fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError> {
        let mask = coalition.mask().and_then(|mask| usize::try_from(mask).ok());
        let utility = mask.and_then(|mask| self.utilities.get(mask));
        utility.copied().ok_or_else(|| UtilityError::Missing {
            coalition: coalition.clone(),
            reason: format!("the table has {} players", self.players),
        })
    }
}
