//! The record of a valuation: which method with which inputs gave which contribution what weight.
//!
//! Its bytes are canonical JSON, so that a table has one hash; `docs/valuation.md` describes the
//! format. A settlement reads nothing of it but contribution and weight.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use serde::{Deserialize, Serialize};

use super::weights::{WEIGHT_TOTAL, WeightError, weights, weights_by_total};
use crate::domain::{ContentHash, PartyName, Period, PoolName, ThingId};

/// The format's name and version, which stands in each table.
pub const VALUE_TABLE_FORMAT: &str = "fenrun-value-table/1";

/// The largest table that is read, in bytes.
pub const MAX_VALUE_TABLE_BYTES: usize = 64 << 20;

/// The longest name or parameter in a table, in bytes.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// The largest count that JSON numbers carry safely between languages.
const MAX_COUNT: u64 = 1 << 53;

/// The value of one contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The contribution.
    pub contribution: ThingId,
    /// How many of its rows are copies, of its own rows or of rows recorded earlier.
    pub copies: u64,
    /// Its beneficial owner.
    pub owner: PartyName,
    /// How many rows it has, copies included.
    pub rows: u64,
    /// The value times the table's denominator; negative values stay.
    #[serde(with = "decimal")]
    pub value: i128,
    /// The weight; all weights sum to 10^12, or are zero.
    pub weight: u64,
}

/// The value of one beneficial owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerLine {
    /// The owner.
    pub owner: PartyName,
    /// The value times the table's denominator; negative values stay.
    #[serde(with = "decimal")]
    pub value: i128,
}

/// Something that the values were computed from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The contribution whose rows these are, if they are rows.
    pub contribution: Option<ThingId>,
    /// The hash of the bytes.
    pub hash: ContentHash,
    /// What they are: `rows`, `validation`, `clusters`, `utilities` or a word of the method's.
    pub kind: String,
}

/// A seed and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Where it came from, in words: `seed chosen by the operator`, or the entry that revealed it.
    pub from: String,
    /// The bytes in lower-case hex.
    pub hex: String,
}

/// A recorded valuation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueTable {
    /// The values, by ascending contribution.
    pub contributions: Vec<Line>,
    /// What each value is divided by.
    #[serde(with = "decimal")]
    pub denominator: NonZero<u128>,
    /// [`VALUE_TABLE_FORMAT`].
    pub format: String,
    /// The inputs, ascending.
    pub inputs: Vec<Input>,
    /// The method: a name of [`METHODS`](super::METHODS) for what this crate computes, any other
    /// for imported values.
    pub method: String,
    /// The values of beneficial owners, ascending, where they are the players; the values of
    /// contributions then only divide what their owner gets. Without it an owner's value is the
    /// sum of its contributions'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<OwnerLine>>,
    /// The method's parameters by name, numbers written in decimals.
    pub parameters: BTreeMap<String, String>,
    /// The earning period.
    pub period: Period,
    /// The pool.
    pub pool: PoolName,
    /// The version of the rules by which values became weights.
    pub rules: u32,
    /// The seed, if the method uses one.
    pub seed: Option<Seed>,
}

/// Why bytes are not a value table.
#[derive(Debug, thiserror::Error)]
pub enum ValueTableError {
    /// The bytes are too many.
    #[error("a value table has at most {MAX_VALUE_TABLE_BYTES} bytes, this one has {found}")]
    TooLarge {
        /// How many there are.
        found: usize,
    },
    /// The bytes are not JSON of this shape.
    #[error("this is not a value table")]
    Json(#[source] serde_json::Error),
    /// The table means something, but is not written in the one way it must be.
    #[error(
        "the table is not in canonical form (sorted keys, no white space): first difference at \
         byte {at}"
    )]
    NotCanonical {
        /// Where the canonical bytes differ first.
        at: usize,
    },
    /// The table is well-formed, but what it says is not allowed.
    #[error("the value table is refused: {}", .0.join("; "))]
    Refused(Vec<String>),
}

impl ValueTable {
    /// Returns the canonical bytes, the ones that are hashed.
    ///
    /// # Errors
    /// What [`ValueTable::parse`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, ValueTableError> {
        let violations = self.violations();
        if !violations.is_empty() {
            return Err(ValueTableError::Refused(violations));
        }
        serde_json::to_vec(self).map_err(ValueTableError::Json)
    }

    /// Reads a table from its canonical bytes, which may come from anyone.
    ///
    /// # Errors
    /// See [`ValueTableError`]; what a well-formed table says wrong is listed in full, up to the
    /// first hundred.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueTableError> {
        if bytes.len() > MAX_VALUE_TABLE_BYTES {
            return Err(ValueTableError::TooLarge { found: bytes.len() });
        }
        let table: Self = serde_json::from_slice(bytes).map_err(ValueTableError::Json)?;
        let canonical = table.encode()?;
        if canonical != bytes {
            let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b);
            return Err(ValueTableError::NotCanonical { at: same.count() });
        }
        Ok(table)
    }

    /// Returns the weight of each contribution, which is all that a settlement reads.
    pub fn weights(&self) -> BTreeMap<ThingId, u64> {
        self.contributions
            .iter()
            .map(|line| (line.contribution, line.weight))
            .collect()
    }

    /// Returns the weights that the values come to, in the order of the lines.
    ///
    /// # Errors
    /// See [`WeightError`].
    pub fn weights_of_values(&self) -> Result<Vec<u64>, WeightError> {
        let lines = self.contributions.iter();
        let values: Vec<(ThingId, &PartyName, i128)> = lines
            .map(|line| (line.contribution, &line.owner, line.value))
            .collect();
        let Some(owners) = &self.owners else {
            return weights(&values);
        };
        let owners: Vec<(&PartyName, i128)> =
            owners.iter().map(|one| (&one.owner, one.value)).collect();
        let totals = owners.iter().map(|(owner, value)| (owner, *value));
        weights_by_total(&values, &totals.collect())
    }

    /// Returns the parameters as canonical JSON, which is how a command states them.
    ///
    /// # Errors
    /// None that a map of texts can cause.
    pub fn parameters_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.parameters)
    }

    fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        if self.format != VALUE_TABLE_FORMAT {
            let format = shortened(&self.format);
            violations.push(format!("format is {format:?}, not {VALUE_TABLE_FORMAT:?}"));
        }
        for (what, text) in self.texts() {
            if text.is_empty() || text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control)
            {
                let text = shortened(text);
                violations.push(format!(
                    "{what} takes 1 to {MAX_TEXT_BYTES} bytes without control characters, this \
                     is {text:?}"
                ));
            }
        }
        if let Some(seed) = &self.seed
            && hex::decode(&seed.hex).map(hex::encode).as_ref() != Ok(&seed.hex)
        {
            violations.push("seed.hex is not lower-case hex".to_owned());
        }
        if !self.inputs.is_sorted_by(|a, b| a < b) {
            violations.push("inputs do not ascend, or one stands twice".to_owned());
        }
        let ids = self.contributions.iter().map(|line| line.contribution);
        if !ids.is_sorted_by(|a, b| a < b) {
            violations.push("contributions do not ascend, or one stands twice".to_owned());
        }
        for line in &self.contributions {
            line.add_violations(&mut violations);
        }
        violations.extend(self.owner_violation());
        let weights = self
            .contributions
            .iter()
            .map(|line| u128::from(line.weight));
        let sum: u128 = weights.sum();
        if sum != 0 && sum != u128::from(WEIGHT_TOTAL) {
            violations.push(format!(
                "the weights sum to {sum}, not to {WEIGHT_TOTAL} or 0"
            ));
        }
        violations.truncate(100);
        violations
    }

    fn owner_violation(&self) -> Option<String> {
        let owners = self.owners.as_ref()?;
        let named: BTreeSet<&PartyName> =
            self.contributions.iter().map(|line| &line.owner).collect();
        if named.into_iter().eq(owners.iter().map(|line| &line.owner)) {
            return None;
        }
        Some("owners are not the owners of the contributions, ascending".to_owned())
    }

    /// Every text that people wrote, with the name of its field.
    fn texts(&self) -> Vec<(&'static str, &str)> {
        let mut texts = vec![("method", self.method.as_str())];
        for (name, value) in &self.parameters {
            texts.push(("a parameter's name", name));
            texts.push(("a parameter", value));
        }
        if let Some(seed) = &self.seed {
            texts.push(("seed.from", &seed.from));
        }
        let kinds: BTreeSet<&str> = self
            .inputs
            .iter()
            .map(|input| input.kind.as_str())
            .collect();
        texts.extend(kinds.into_iter().map(|kind| ("an input's kind", kind)));
        texts
    }
}

impl Line {
    fn add_violations(&self, violations: &mut Vec<String>) {
        let id = self.contribution;
        if self.rows > MAX_COUNT || self.weight > MAX_COUNT {
            violations.push(format!("a count of contribution {id} is above {MAX_COUNT}"));
        }
        if self.copies > self.rows {
            let (rows, copies) = (self.rows, self.copies);
            violations.push(format!(
                "contribution {id} has {rows} rows, but {copies} copies"
            ));
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Integers that may exceed 2^53, as strings of decimal digits.
mod decimal {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<Integer: Display, S: Serializer>(
        value: &Integer,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, Integer, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Integer, D::Error>
    where
        Integer: FromStr,
        Integer::Err: Display,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| {
            let text = super::shortened(&text);
            D::Error::custom(format!("{text:?} is not an integer of this field: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u8, value: i128, weight: u64) -> Line {
        Line {
            contribution: ThingId([id; 32]),
            copies: 1,
            owner: "lin-school".parse().unwrap(),
            rows: 3,
            value,
            weight,
        }
    }

    fn table() -> ValueTable {
        let parameters = [("k", "5"), ("duplicates", "first")];
        ValueTable {
            contributions: vec![line(1, -(1 << 100), 0), line(2, 7, WEIGHT_TOTAL)],
            denominator: NonZero::new(300 << 62).unwrap(),
            format: VALUE_TABLE_FORMAT.to_owned(),
            inputs: vec![Input {
                contribution: None,
                hash: ContentHash::of(b""),
                kind: "validation".to_owned(),
            }],
            method: "row-knn-shapley".to_owned(),
            owners: None,
            parameters: parameters.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            period: "2026-10".parse().unwrap(),
            pool: "solar".parse().unwrap(),
            rules: 1,
            seed: Some(Seed {
                from: "seed chosen by the operator".to_owned(),
                hex: "00ff".to_owned(),
            }),
        }
    }

    #[test]
    fn a_table_survives_its_bytes() {
        let bytes = table().encode().unwrap();
        assert_eq!(ValueTable::parse(&bytes).unwrap(), table());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\"value\":\"-1267650600228229401496703205376\""));
        let sorted: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(sorted.to_string(), text, "keys are not sorted");
        let parameters = table().parameters_json().unwrap();
        assert_eq!(parameters, "{\"duplicates\":\"first\",\"k\":\"5\"}");
        assert_eq!(table().weights()[&ThingId([2; 32])], WEIGHT_TOTAL);
    }

    #[test]
    fn owners_with_values_of_their_own_stand_in_the_table() {
        let owner = |name: &str, value| OwnerLine {
            owner: name.parse().unwrap(),
            value,
        };
        let mut owned = table();
        owned.owners = Some(vec![owner("lin-school", -7)]);
        let bytes = owned.encode().unwrap();
        assert_eq!(ValueTable::parse(&bytes).unwrap(), owned);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(",\"owners\":[{\"owner\":\"lin-school\",\"value\":\"-7\"}],\"par"));
        assert_eq!(owned.weights_of_values(), Ok(vec![0, 0]));
        assert_eq!(table().weights_of_values(), Ok(vec![0, 0]));
        for wrong in [
            vec![],
            vec![owner("ann", 1)],
            vec![owner("lin-school", 1), owner("ann", 1)],
            vec![owner("lin-school", 1), owner("lin-school", 1)],
        ] {
            owned.owners = Some(wrong);
            let error = owned.encode().unwrap_err().to_string();
            assert!(error.contains("owners are not"), "{error}");
        }
    }

    /// Each edit of the canonical text is refused for the reason given.
    #[test]
    fn hostile_bytes_are_refused() {
        let text = String::from_utf8(table().encode().unwrap()).unwrap();
        let check = |from: &str, to: &str, expected: &str| {
            assert!(text.contains(from), "{from}");
            let error = ValueTable::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let said = format!("{error} {}", source.unwrap_or_default());
            assert!(said.contains(expected), "{said}");
        };
        check("{\"con", "{ \"con", "canonical form");
        check("\"7\"", "\"+7\"", "canonical form");
        check("\"7\"", "\"07\"", "canonical form");
        check("\"7\"", "7", "expected a string");
        check("\"7\"", "\"7.5\"", "not an integer");
        check(
            "\"7\"",
            &format!("\"{}\"", "9".repeat(60)),
            "not an integer",
        );
        check("\"rows\":3", "\"rows\":-3", "invalid value");
        check("\"rows\":3", "\"rows\":0", "has 0 rows, but 1 copies");
        check("\"rows\":3", "\"rows\":3,\"rows\":3", "duplicate field");
        check("\"rows\":3", "\"rows\":3,\"more\":3", "unknown field");
        check("table/1", "table/2", "format is");
        check("1000000000000", "999999999999", "the weights sum to");
        check("1000000000000", "18446744073709551615", "is above");
        check("00ff", "00FF", "lower-case hex");
        check("0202", "zz02", "is not hex");
        check(
            &"02".repeat(32),
            &"01".repeat(32),
            "contributions do not ascend",
        );
        check("row-knn-shapley", "row\\u0000", "control characters");
        check("lin-school", "", "the name of a party");
        check("solar", "Solar", "the name of a pool");
        check("2026-10", "2026-13", "period");
        check(
            "\"denominator\":\"",
            "\"denominator\":\"0",
            "canonical form",
        );
        check("}", "", "is not a value table");
        let denominator = format!("\"{}\"", 300u128 << 62);
        check(&denominator, "\"0\"", "not an integer");
    }
}
