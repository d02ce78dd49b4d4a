//! Games that are known by a rule, with values in closed form for hundreds of players.
//!
//! How a coalition's utility arises is said once, by its members joining one by one
//! ([`Rule`]); tables, single coalitions and orders all follow from that.

mod additive;
mod airport;
mod bankruptcy;
mod coverage;
mod glove;
mod subset_sums;
mod unanimity;
mod weighted_voting;

pub use additive::Additive;
pub use airport::Airport;
pub use bankruptcy::Bankruptcy;
pub use coverage::{Coverage, Unit};
pub use glove::Glove;
pub use unanimity::Unanimity;
pub use weighted_voting::WeightedVoting;

use super::{Bounds, Coalition, Utility, UtilityError};
use crate::domain::Violation;

/// The most players of a named game but bankruptcy.
pub const NAMED_PLAYERS_MAX: usize = 1000;

/// How the utility of a coalition arises as players join.
pub trait Rule: Sync {
    /// What a coalition has gathered so far.
    type Gathered: Clone;

    /// Returns the number of players.
    fn players(&self) -> usize;

    /// Returns what the game declares of its utilities.
    fn bounds(&self) -> Bounds;

    /// Returns what nobody has gathered.
    fn start(&self) -> Self::Gathered;

    /// Adds a player who has not joined yet.
    fn join(&self, gathered: &mut Self::Gathered, player: usize);

    /// Returns the utility in billionths.
    fn utility(&self, gathered: &Self::Gathered) -> i64;
}

impl<Game: Rule> Utility for Game {
    fn players(&self) -> usize {
        Rule::players(self)
    }

    fn bounds(&self) -> Bounds {
        Rule::bounds(self)
    }

    fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError> {
        let mut gathered = self.start();
        for player in coalition.members() {
            self.join(&mut gathered, player);
        }
        Ok(Rule::utility(self, &gathered))
    }

    fn along(&self, order: &[usize], utilities: &mut Vec<i64>) -> Result<(), UtilityError> {
        let mut gathered = self.start();
        for player in order {
            self.join(&mut gathered, *player);
            utilities.push(Rule::utility(self, &gathered));
        }
        Ok(())
    }
}

/// Notes a number of players that a game does not take.
fn check_players(path: &str, players: usize, most: usize, found: &mut Vec<Violation>) {
    if !(1..=most).contains(&players) {
        let text = format!("the game has {players} players; it takes 1 to {most}");
        found.push(Violation::new(path, text));
    }
}

/// Notes numbers that are below zero.
fn check_not_negative(path: &str, numbers: &[i128], found: &mut Vec<Violation>) {
    for (position, number) in numbers.iter().enumerate() {
        if *number < 0 {
            found.push(Violation::new(format!("{path}[{position}]"), "is negative"));
        }
    }
}

/// Notes players that are out of range or repeated.
fn check_members(path: &str, members: &[usize], players: usize, found: &mut Vec<Violation>) {
    let mut seen = Coalition::empty();
    for (position, member) in members.iter().enumerate() {
        let mut note = |text: String| {
            found.push(Violation::new(format!("{path}[{position}]"), text));
        };
        if *member >= players {
            note(format!("{member} is no player; they are numbered from 0"));
        } else if seen.contains(*member) {
            note(format!("player {member} stands twice"));
        } else {
            seen.insert(*member);
        }
    }
}

/// Returns a utility, or notes that it does not fit.
fn fitting(path: &str, utility: i128, found: &mut Vec<Violation>) -> i64 {
    i64::try_from(utility).unwrap_or_else(|_| {
        let text = "a utility is beyond 9223372036.854775807 in size";
        found.push(Violation::new(path, text));
        0
    })
}

/// Returns a game if nothing was found wrong with it.
fn whole<Game>(game: Game, found: Vec<Violation>) -> Result<Game, Vec<Violation>> {
    if found.is_empty() {
        Ok(game)
    } else {
        Err(found)
    }
}
