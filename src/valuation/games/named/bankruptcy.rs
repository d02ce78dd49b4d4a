//! The bankruptcy game (O'Neill 1982; Aumann and Maschler 1985): a coalition is worth what is left
//! of the estate when all claims outside of it are paid. No closed form is known.

use super::{Bounds, Rule, check_not_negative, check_players, fitting, whole};
use crate::domain::Violation;
use crate::valuation::games::TABLE_PLAYERS_MAX;

/// An estate, and who claims how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bankruptcy {
    estate: i64,
    /// In billionths. Few players of at most 90 bits each: every sum fits.
    claims: Vec<i128>,
}

impl Bankruptcy {
    /// Makes a game from the estate and each player's claim, in billionths.
    ///
    /// # Errors
    /// More than [`TABLE_PLAYERS_MAX`] players, or none; negative amounts; an estate beyond 64
    /// bits.
    pub fn new(estate: i128, claims: Vec<i128>) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("claims", claims.len(), TABLE_PLAYERS_MAX, &mut found);
        check_not_negative("claims", &claims, &mut found);
        if estate < 0 {
            found.push(Violation::new("estate", "is negative"));
        }
        let estate = fitting("estate", estate, &mut found);
        whole(Self { estate, claims }, found)
    }
}

impl Rule for Bankruptcy {
    /// The estate without the claims outside, perhaps below zero.
    type Gathered = i128;

    fn players(&self) -> usize {
        self.claims.len()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: 0,
            high: self.estate,
            monotone: true,
        }
    }

    fn start(&self) -> i128 {
        i128::from(self.estate) - self.claims.iter().sum::<i128>()
    }

    fn join(&self, gathered: &mut i128, player: usize) {
        *gathered += self.claims.get(player).copied().unwrap_or(0);
    }

    fn utility(&self, gathered: &i128) -> i64 {
        // At most the estate, which fits.
        i64::try_from((*gathered).max(0)).unwrap_or(self.estate)
    }
}
