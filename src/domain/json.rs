//! Reading JSON documents that people write, with everything that is wrong named by its path.
//!
//! A derived reader stops at the first fault, takes the last of two equal keys and does not say
//! where it was; this one reads on.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Violation;

/// A JSON value as it was written, with keys in their order and repeated ones kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number that is an integer of at most 64 bits.
    Integer(i128),
    /// Any other number; nothing here is computed from it.
    OtherNumber,
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// Where a value stands in its document, such as `contributions[3].parents[0].upstream_bps`.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The document itself.
    Root,
    /// A key of the object at a path.
    Key(&'a Path<'a>, &'a str),
    /// An element, from 0, of the array at a path.
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// Returns a violation at this path.
    pub fn violation(&self, description: impl Into<String>) -> Violation {
        Violation::new(self.to_string(), description)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(above, key) => write!(f, "{above}.{key}"),
            Self::Item(above, position) => write!(f, "{above}[{position}]"),
        }
    }
}

/// The entries of an object whose keys have been checked.
#[derive(Debug)]
pub struct Fields<'a, Value = Json> {
    entries: &'a [(String, Value)],
    path: &'a Path<'a>,
}

// Derived, these would ask the same of the values, which are only borrowed.
impl<Value> Clone for Fields<'_, Value> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Value> Copy for Fields<'_, Value> {}

impl Json {
    /// Parses a document.
    ///
    /// # Errors
    /// One violation without a path that names line and column.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        serde_json::from_str(text)
            .map_err(|error| Violation::new("", format!("this is not JSON: {error}")))
    }

    /// Returns the entries of an object, having noted unknown and repeated keys.
    pub fn fields<'a>(
        &'a self,
        path: &'a Path<'a>,
        known: &[&str],
        found: &mut Vec<Violation>,
    ) -> Option<Fields<'a>> {
        let Self::Object(entries) = self else {
            found.push(path.violation("is not an object"));
            return None;
        };
        Some(Fields::new(entries, path, known, found))
    }

    /// Returns the elements of an array.
    pub fn list(&self, path: &Path, found: &mut Vec<Violation>) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => {
                found.push(path.violation("is not an array"));
                None
            }
        }
    }

    /// Returns a string.
    pub fn text(&self, path: &Path, found: &mut Vec<Violation>) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => {
                found.push(path.violation("is not a string"));
                None
            }
        }
    }

    /// Returns `true` or `false`.
    pub fn boolean(&self, path: &Path, found: &mut Vec<Violation>) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => {
                found.push(path.violation("is neither true nor false"));
                None
            }
        }
    }

    /// Returns an integer of a range that the type holds.
    pub fn integer<Number: TryFrom<i128>>(
        &self,
        range: RangeInclusive<i128>,
        path: &Path,
        found: &mut Vec<Violation>,
    ) -> Option<Number> {
        let (low, high) = (range.start(), range.end());
        match self {
            Self::Integer(number) if range.contains(number) => {
                return Number::try_from(*number).ok();
            }
            Self::Integer(number) => {
                found.push(path.violation(format!("{number} is not in {low}..{high}")));
            }
            _ => found.push(path.violation(format!("is not an integer in {low}..{high}"))),
        }
        None
    }
}

impl<'a, Value> Fields<'a, Value> {
    /// Returns the entries of an object, having noted unknown and repeated keys.
    pub fn new(
        entries: &'a [(String, Value)],
        path: &'a Path<'a>,
        known: &[&str],
        found: &mut Vec<Violation>,
    ) -> Self {
        for (position, (key, _)) in entries.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                let text = format!("is not a known key; known are {}", known.join(", "));
                found.push(Path::Key(path, key).violation(text));
            }
            if entries
                .iter()
                .take(position)
                .any(|(before, _)| before == key)
            {
                found.push(Path::Key(path, key).violation("stands twice"));
            }
        }
        Self { entries, path }
    }

    /// Returns the path of a key.
    pub fn path<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path::Key(self.path, key)
    }

    /// Returns the value of a key, if it is there.
    pub fn optional(&self, key: &str) -> Option<&'a Value> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Returns the value of a key, having noted if it is not there.
    pub fn required(&self, key: &str, found: &mut Vec<Violation>) -> Option<&'a Value> {
        let value = self.optional(key);
        if value.is_none() {
            found.push(self.path(key).violation("is missing"));
        }
        value
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_by_its_path() {
        let json = Json::parse(r#"{"a": [{"b": 1.5}], "c": 18446744073709551616, "c": 1}"#);
        let json = json.unwrap();
        let mut found = Vec::new();
        let root = Path::Root;
        let fields = json.fields(&root, &["a", "d"], &mut found).unwrap();
        fields.required("d", &mut found);
        let list = fields
            .optional("a")
            .unwrap()
            .list(&fields.path("a"), &mut found)
            .unwrap();
        let at = fields.path("a");
        let item = Path::Item(&at, 0);
        let inner = list[0].fields(&item, &["b"], &mut found).unwrap();
        inner
            .optional("b")
            .unwrap()
            .integer::<i64>(0..=9, &inner.path("b"), &mut found);
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "c: is not a known key; known are a, d",
                "c: is not a known key; known are a, d",
                "c: stands twice",
                "d: is missing",
                "a[0].b: is not an integer in 0..9",
            ]
        );
    }

    #[test]
    fn numbers_keep_to_their_range() {
        let mut found = Vec::new();
        let mut read = |text: &str, range| {
            Json::parse(text)
                .unwrap()
                .integer::<u64>(range, &Path::Root, &mut found)
        };
        assert_eq!(
            read("18446744073709551615", 0..=u64::MAX.into()),
            Some(u64::MAX)
        );
        assert_eq!(read("-1", 0..=5), None);
        assert_eq!(read("6", 0..=5), None);
        assert_eq!(read("18446744073709551616", 0..=u64::MAX.into()), None);
        assert_eq!(found.len(), 3);
        assert!(Json::parse("{").unwrap_err().description.contains("line 1"));
    }
}
