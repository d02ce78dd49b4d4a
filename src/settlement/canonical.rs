//! The canonical form of a result, whose bytes are hashed.
//!
//! Keys are sorted by their bytes, there is no white space between tokens, the text is UTF-8 with
//! one newline at the end, and the newline is part of what is hashed.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::lines::Line;
use super::outcome::{ClaimResult, Outcome, PartyResult, Settlement};

/// Returns the canonical form of a result, its newline included.
///
/// # Errors
/// None that a result from [`super::settle`] can cause; they are those of the JSON writer.
pub fn canonical_json(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(outcome)?;
    text.push('\n');
    Ok(text)
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stopped(stopped) => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("net", &stopped.net)?;
                map.serialize_entry("pool_deficit", &stopped.pool_deficit)?;
                map.serialize_entry("stopped", &true)?;
                map.end()
            }
            Self::Settled(settlement) => settlement.serialize(serializer),
        }
    }
}

impl Serialize for Settlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let kept = || {
            self.contributions
                .iter()
                .map(|row| (&*row.id, row.after_upstream))
        };
        map.serialize_entry("after_upstream", &Entries(kept))?;
        let claims = || self.claims.iter().map(|row| (&*row.id, row));
        map.serialize_entry("claims", &Entries(claims))?;
        map.serialize_entry("cost_recovered", &self.cost_recovered)?;
        map.serialize_entry("floor_budget", &self.floor_budget)?;
        map.serialize_entry("lines", &self.lines)?;
        map.serialize_entry("net", &self.net)?;
        map.serialize_entry("next_profit_layer", &self.next_profit_layer)?;
        map.serialize_entry("operator_fee", &self.operator_fee)?;
        map.serialize_entry("over_recovery", &self.over_recovery)?;
        let parties = || self.parties.iter().map(|row| (&*row.id, row));
        map.serialize_entry("parties", &Entries(parties))?;
        map.serialize_entry("profit_layer", &self.profit_layer)?;
        map.serialize_entry("public_interest", &self.public_interest)?;
        map.serialize_entry("shared", &self.shared)?;
        let shares = || self.contributions.iter().map(|row| (&*row.id, row.share));
        map.serialize_entry("shares", &Entries(shares))?;
        let top_ups = || self.top_ups.iter().map(|row| (&*row.owner, row.amount));
        map.serialize_entry("top_ups", &Entries(top_ups))?;
        map.serialize_entry("undistributed", &self.undistributed)?;
        map.end()
    }
}

impl Serialize for ClaimResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("outstanding", &self.outstanding)?;
        map.serialize_entry("paid", &self.paid)?;
        map.end()
    }
}

impl Serialize for PartyResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("carried", &self.carried)?;
        map.serialize_entry("held_cost", &self.held_cost)?;
        map.serialize_entry("held_profit", &self.held_profit)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("payable", &self.payable)?;
        map.serialize_entry("reserve", &self.reserve)?;
        map.serialize_entry("tax", &self.tax)?;
        map.end()
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("amount", &self.amount)?;
        map.serialize_entry("because", &self.because)?;
        if let Some(contribution) = &self.contribution {
            map.serialize_entry("contribution", &**contribution)?;
        }
        map.serialize_entry("name", &self.name)?;
        if let Some(party) = &self.party {
            map.serialize_entry("party", &**party)?;
        }
        map.serialize_entry("step", &self.step)?;
        map.end()
    }
}

/// A map written from rows that are already in ascending order of their keys.
struct Entries<Rows>(Rows);

impl<Key, Value, Iter, Rows> Serialize for Entries<Rows>
where
    Key: Serialize,
    Value: Serialize,
    Iter: Iterator<Item = (Key, Value)>,
    Rows: Fn() -> Iter,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}
