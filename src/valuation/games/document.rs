//! Reading a game from a JSON document, with all violations by path.
//!
//! Numbers are read from the text as it stands, so that none goes through a float, and a list of
//! them is read one by one: a table of 24 players has 16 million.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    Additive, Airport, Bankruptcy, Coverage, Game, Glove, NAMED_PLAYERS_MAX, TABLE_PLAYERS_MAX,
    Unanimity, Unit, UtilityTable, WeightedVoting, billionths,
};
use crate::domain::Violation;
use crate::domain::json::{Fields, Path};

/// The most violations that are told.
const VIOLATIONS_MAX: usize = 1000;

/// Reads a game: a table of utilities, or a named game.
///
/// # Errors
/// Everything that is wrong with the document, each with its path, up to a thousand.
pub fn read_game(text: &str) -> Result<Game, Vec<Violation>> {
    let mut found = Vec::new();
    let game = read(text, &mut found);
    if let Some(game) = game.filter(|_| found.is_empty()) {
        return Ok(game);
    }
    found.truncate(VIOLATIONS_MAX);
    Err(found)
}

/// A value as it stands in the document.
type Raw<'a> = &'a RawValue;

fn read(text: &str, found: &mut Vec<Violation>) -> Option<Game> {
    let document: Raw<'_> = serde_json::from_str(text)
        .map_err(|error| found.push(Violation::new("", format!("this is not JSON: {error}"))))
        .ok()?;
    let root = Path::Root;
    let entries = entries(document, &root, found)?;
    let kind = match entries.iter().find(|(key, _)| key == "game") {
        Some((key, kind)) => Some(kind_of(kind, &Path::Key(&root, key), found)?),
        None => None,
    };
    let fields = |known: &[&str], found: &mut Vec<Violation>| Document {
        fields: Fields::new(&entries, &root, known, found),
    };
    let made = match kind {
        None => table(&fields(&["players", "utility"], found), found)?,
        Some(kind) => {
            let known: Vec<&str> = ["game"].iter().chain(kind.keys).copied().collect();
            (kind.read)(&fields(&known, found), found)?
        }
    };
    // What a game itself refuses comes after what cannot be read, and only without it.
    made.map_err(|violations| found.extend(violations)).ok()
}

/// A game, or what is wrong with it as a whole.
type Made = Result<Game, Vec<Violation>>;

/// How a named game is written.
struct Kind {
    name: &'static str,
    keys: &'static [&'static str],
    read: fn(&Document<'_, '_>, &mut Vec<Violation>) -> Option<Made>,
}

/// The named games. A new one is a line here, and a file under `named/`.
const KINDS: &[Kind] = &[
    Kind {
        name: "weighted-voting",
        keys: &["quota", "weights"],
        read: |document, found| {
            let quota = document.number("quota", found);
            let weights = document.numbers("weights", found);
            Some(WeightedVoting::new(quota?, &weights?).map(Game::WeightedVoting))
        },
    },
    Kind {
        name: "airport",
        keys: &["costs"],
        read: |document, found| {
            let costs = document.numbers("costs", found);
            Some(Airport::new(&costs?).map(Game::Airport))
        },
    },
    Kind {
        name: "glove",
        keys: &["left", "right"],
        read: |document, found| {
            let left = document.count("left", 0, NAMED_PLAYERS_MAX, found);
            let right = document.count("right", 0, NAMED_PLAYERS_MAX, found);
            Some(Glove::new(left?, right?).map(Game::Glove))
        },
    },
    Kind {
        name: "unanimity",
        keys: &["players", "members"],
        read: |document, found| {
            let players = document.count("players", 1, NAMED_PLAYERS_MAX, found);
            let members = document.players("members", found);
            Some(Unanimity::new(players?, &members?).map(Game::Unanimity))
        },
    },
    Kind {
        name: "additive",
        keys: &["worth"],
        read: |document, found| {
            let worth = document.numbers("worth", found);
            Some(Additive::new(&worth?).map(Game::Additive))
        },
    },
    Kind {
        name: "bankruptcy",
        keys: &["estate", "claims"],
        read: |document, found| {
            let estate = document.number("estate", found);
            let claims = document.numbers("claims", found);
            Some(Bankruptcy::new(estate?, claims?).map(Game::Bankruptcy))
        },
    },
    Kind {
        name: "coverage",
        keys: &["players", "units"],
        read: |document, found| {
            let players = document.count("players", 1, NAMED_PLAYERS_MAX, found);
            let units = document.list("units", found, unit);
            Some(Coverage::new(players?, &units?).map(Game::Coverage))
        },
    },
];

fn kind_of(value: Raw<'_>, path: &Path<'_>, found: &mut Vec<Violation>) -> Option<&'static Kind> {
    let name: Option<String> = serde_json::from_str(value.get()).ok();
    let kind = KINDS.iter().find(|kind| Some(kind.name) == name.as_deref());
    if kind.is_none() {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let text = format!("is not the name of a game; known are {}", names.join(", "));
        found.push(path.violation(text));
    }
    kind
}

fn table(document: &Document<'_, '_>, found: &mut Vec<Violation>) -> Option<Made> {
    let players = document.count("players", 1, TABLE_PLAYERS_MAX, found);
    let utilities = document.list("utility", found, |value, path, found| {
        let utility = number(value, path, found)?;
        let fits = i64::try_from(utility);
        fits.map_err(|_| found.push(path.violation("is beyond 9223372036.854775807 in size")))
            .ok()
    });
    Some(UtilityTable::new(players?, utilities?).map(Game::Table))
}

fn unit(value: Raw<'_>, path: &Path<'_>, found: &mut Vec<Violation>) -> Option<Unit> {
    let entries = entries(value, path, found)?;
    let document = Document {
        fields: Fields::new(&entries, path, &["weight", "holders"], found),
    };
    let weight = document.number("weight", found);
    let holders = document.players("holders", found);
    Some(Unit {
        weight: weight?,
        holders: holders?,
    })
}

/// An object of the document. Whatever cannot be read is noted and `None`.
struct Document<'d, 'a> {
    fields: Fields<'d, Raw<'a>>,
}

impl<'a> Document<'_, 'a> {
    fn value<Value>(
        &self,
        key: &str,
        found: &mut Vec<Violation>,
        read: impl FnOnce(Raw<'a>, &Path<'_>, &mut Vec<Violation>) -> Option<Value>,
    ) -> Option<Value> {
        let value = self.fields.required(key, found)?;
        read(value, &self.fields.path(key), found)
    }

    fn number(&self, key: &str, found: &mut Vec<Violation>) -> Option<i128> {
        self.value(key, found, number)
    }

    fn count(
        &self,
        key: &str,
        low: usize,
        high: usize,
        found: &mut Vec<Violation>,
    ) -> Option<usize> {
        self.value(key, found, |value, path, found| {
            let count = whole(value, path, found)?;
            let fits = (low..=high).contains(&count);
            if !fits {
                found.push(path.violation(format!("{} is not in {low}..{high}", value.get())));
            }
            fits.then_some(count)
        })
    }

    fn numbers(&self, key: &str, found: &mut Vec<Violation>) -> Option<Vec<i128>> {
        self.list(key, found, number)
    }

    fn players(&self, key: &str, found: &mut Vec<Violation>) -> Option<Vec<usize>> {
        self.list(key, found, whole)
    }

    /// Reads a list; an element that cannot be read is noted, and the list is then `None`.
    fn list<Item>(
        &self,
        key: &str,
        found: &mut Vec<Violation>,
        read: impl Fn(Raw<'a>, &Path<'_>, &mut Vec<Violation>) -> Option<Item>,
    ) -> Option<Vec<Item>> {
        self.value(key, found, |value, path, found| {
            let before = found.len();
            let mut items = Vec::new();
            let mut position = 0;
            let each = |item: Raw<'a>| {
                if found.len() < VIOLATIONS_MAX {
                    items.extend(read(item, &Path::Item(path, position), found));
                }
                position += 1;
            };
            let mut json = serde_json::Deserializer::from_str(value.get());
            if json.deserialize_seq(Each(each)).is_err() {
                found.push(path.violation("is not an array"));
            }
            (found.len() == before).then_some(items)
        })
    }
}

fn number(value: Raw<'_>, path: &Path<'_>, found: &mut Vec<Violation>) -> Option<i128> {
    billionths(value.get())
        .map_err(|error| found.push(path.violation(error.to_string())))
        .ok()
}

/// Reads an integer that is not negative; one too large for any use is as large as can be.
fn whole(value: Raw<'_>, path: &Path<'_>, found: &mut Vec<Violation>) -> Option<usize> {
    let text = value.get();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        found.push(path.violation("is not an integer from 0 on, written in digits"));
        return None;
    }
    Some(text.parse().unwrap_or(usize::MAX))
}

fn entries<'a>(
    value: Raw<'a>,
    path: &Path<'_>,
    found: &mut Vec<Violation>,
) -> Option<Vec<(String, Raw<'a>)>> {
    let entries: Result<Entries<'a>, _> = serde_json::from_str(value.get());
    if entries.is_err() {
        found.push(path.violation("is not an object"));
    }
    entries.ok().map(|entries| entries.0)
}

/// The entries of an object in their order, repeated keys too.
struct Entries<'a>(Vec<(String, Raw<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Vec<(String, Raw<'de>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

/// Hands each element of an array to a function.
struct Each<Function>(Function);

impl<'de, Function: FnMut(Raw<'de>)> Visitor<'de> for Each<Function> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}
