//! Reading the fields of messages: each says what is wrong with it and where, and reading goes on.
//!
//! Paths are kept as links to the enclosing message and written out only when something is wrong,
//! so that a command in order costs no text.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::choices::Choice;
use crate::domain::{
    BASIS_POINTS_MAX, IdError, REFERENCE_CHARACTERS_MAX, Reason, Rejection, TEXT_CHARACTERS_MAX,
    Violation,
};

/// The most violations that one refusal lists.
pub const VIOLATIONS_MAX: usize = 100;

/// A domain value that is read from a generated message.
pub(crate) trait Read: Sized {
    /// The generated message.
    type Message;

    /// Returns the value, or none where something is wrong, which `fields` was told of.
    fn read(message: Self::Message, fields: &mut Fields<'_>) -> Option<Self>;
}

/// Reads a message that stands on its own, such as one of an answer.
///
/// # Errors
/// `MALFORMED` with everything that is wrong and its path.
pub(crate) fn read_message<T: Read>(message: T::Message) -> Result<T, Rejection> {
    let mut findings = Findings::default();
    let value = T::read(message, &mut findings.fields());
    let violations = findings.into_violations();
    match value {
        Some(value) if violations.is_empty() => Ok(value),
        _ => Err(Rejection::with_violations(Reason::Malformed, violations)),
    }
}

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Findings {
    violations: Vec<Violation>,
    left_out: usize,
}

impl Findings {
    /// Returns the fields of the outermost message.
    pub(super) fn fields(&mut self) -> Fields<'_> {
        Fields {
            place: Place {
                parent: None,
                name: "",
                position: None,
            },
            findings: self,
        }
    }

    /// Returns all that is wrong; where it is more than [`VIOLATIONS_MAX`], the last one says so.
    pub(super) fn into_violations(mut self) -> Vec<Violation> {
        if self.left_out > 0 {
            let more = format!("{} more fields are wrong and not listed", self.left_out);
            self.violations.push(Violation::new("", more));
        }
        self.violations
    }

    fn add(&mut self, path: impl FnOnce() -> String, description: impl Into<String>) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation::new(path(), description));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }
}

struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    name: &'static str,
    position: Option<usize>,
}

impl Place<'_> {
    fn path(&self) -> String {
        let mut path = self.parent.map(Place::path).unwrap_or_default();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(self.name);
        if let Some(position) = self.position {
            path.push_str(&format!("[{position}]"));
        }
        path
    }
}

/// The fields of one message, at its place.
pub(crate) struct Fields<'a> {
    place: Place<'a>,
    findings: &'a mut Findings,
}

impl Fields<'_> {
    /// Returns the fields of the message in field `name`.
    pub(super) fn field(&mut self, name: &'static str) -> Fields<'_> {
        self.at(name, None)
    }

    /// Says that something is wrong with field `name`.
    pub(super) fn wrong(&mut self, name: &'static str, description: impl Into<String>) {
        self.at(name, None).wrong_here(description);
    }

    /// Says that something is wrong with one item of the repeated field `name`.
    pub(super) fn wrong_item(
        &mut self,
        name: &'static str,
        position: usize,
        description: impl Into<String>,
    ) {
        self.at(name, Some(position)).wrong_here(description);
    }

    /// Takes over what a domain value found wrong with itself.
    ///
    /// `check` gets the path of this message.
    pub(super) fn wrong_as(&mut self, check: impl FnOnce(&str) -> Vec<Violation>) {
        for violation in check(&self.place.path()) {
            self.findings.add(|| violation.path, violation.description);
        }
    }

    /// Returns what a field holds that must be there.
    pub(super) fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.wrong(name, "is required");
        }
        value
    }

    /// Reads a text with a form of its own.
    pub(super) fn parse<T>(&mut self, name: &'static str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// Reads bytes of a fixed size.
    pub(super) fn bytes<T>(&mut self, name: &'static str, bytes: &[u8]) -> Option<T>
    where
        T: for<'b> TryFrom<&'b [u8], Error = IdError>,
    {
        match T::try_from(bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// Reads bytes of a fixed size that may be left out.
    pub(super) fn optional_bytes<T>(&mut self, name: &'static str, bytes: &[u8]) -> Option<T>
    where
        T: for<'b> TryFrom<&'b [u8], Error = IdError>,
    {
        if bytes.is_empty() {
            None
        } else {
            self.bytes(name, bytes)
        }
    }

    /// Reads one of a closed list.
    pub(super) fn choice<T: Choice>(&mut self, name: &'static str, number: i32) -> Option<T> {
        let choice = T::from_number(number);
        if choice.is_none() {
            self.wrong(name, unknown_choice(number));
        }
        choice
    }

    /// Reads several of a closed list, in ascending order, none twice.
    pub(super) fn choices<T>(&mut self, name: &'static str, numbers: &[i32]) -> Option<Vec<T>>
    where
        T: Choice + Ord,
    {
        let mut read = Vec::with_capacity(numbers.len());
        for (position, number) in numbers.iter().enumerate() {
            match T::from_number(*number) {
                Some(choice) => read.push(choice),
                None => self.wrong_item(name, position, unknown_choice(*number)),
            }
        }
        if read.len() < numbers.len() {
            return None;
        }
        self.ascending(name, &read, |choice| *choice);
        Some(read)
    }

    /// Reads a message that must be there.
    pub(super) fn message<T: Read>(
        &mut self,
        name: &'static str,
        message: Option<T::Message>,
    ) -> Option<T> {
        let message = self.required(name, message)?;
        T::read(message, &mut self.field(name))
    }

    /// Reads as many messages as `count` allows; none of them where there are more or fewer.
    pub(super) fn list<T: Read>(
        &mut self,
        name: &'static str,
        messages: Vec<T::Message>,
        count: RangeInclusive<usize>,
    ) -> Option<Vec<T>> {
        let found = messages.len();
        if !count.contains(&found) {
            let (least, most) = (count.start(), count.end());
            self.wrong(name, format!("has {found} items, not {least} to {most}"));
            return None;
        }
        let mut read = Vec::with_capacity(found);
        for (position, message) in messages.into_iter().enumerate() {
            read.extend(T::read(message, &mut self.at(name, Some(position))));
        }
        (read.len() == found).then_some(read)
    }

    /// Checks that the items of a repeated field ascend, so that none stands twice.
    pub(super) fn ascending<T, K: Ord>(
        &mut self,
        name: &'static str,
        items: &[T],
        key: impl Fn(&T) -> K,
    ) {
        let pairs = items.iter().zip(items.iter().skip(1));
        for (position, (before, item)) in pairs.enumerate() {
            if key(before) >= key(item) {
                self.wrong_item(
                    name,
                    position.saturating_add(1),
                    "does not come after the one before it; the items ascend and none stands twice",
                );
            }
        }
    }

    /// Returns a number after checking that it is in `range`; `unit` follows the bounds.
    pub(super) fn within<T: PartialOrd + Display>(
        &mut self,
        name: &'static str,
        number: T,
        range: &RangeInclusive<T>,
        unit: &str,
    ) -> T {
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            self.wrong(name, format!("{number} is not in {least} to {most}{unit}"));
        }
        number
    }

    /// Returns basis points after checking their range.
    pub(super) fn basis_points(&mut self, name: &'static str, number: u32) -> u32 {
        self.within(name, number, &(0..=BASIS_POINTS_MAX), " basis points")
    }

    /// Returns a text for people after checking its length and its characters.
    pub(super) fn text(&mut self, name: &'static str, text: String) -> String {
        // Most texts are short in bytes already; characters are counted where it can matter.
        if text.len() > TEXT_CHARACTERS_MAX {
            let found = text.chars().count();
            if found > TEXT_CHARACTERS_MAX {
                let most = TEXT_CHARACTERS_MAX;
                self.wrong(name, format!("has {found} characters, not 0 to {most}"));
            }
        }
        let allowed = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
            let code = u32::from(bad);
            self.wrong(
                name,
                format!("has the control character U+{code:04X}; new line and tab are allowed"),
            );
        }
        text
    }

    /// Returns a reference to something outside after checking its form. Two references that look
    /// alike must not be two, so white space at the ends is refused.
    pub(super) fn reference(&mut self, name: &'static str, text: String) -> String {
        let sound = (1..=REFERENCE_CHARACTERS_MAX).contains(&text.chars().count())
            && !text.contains(char::is_control)
            && text.trim() == text;
        if !sound {
            let form = format!(
                "is 1 to {REFERENCE_CHARACTERS_MAX} printable characters without white space at \
                 the ends"
            );
            self.wrong(name, form);
        }
        text
    }

    fn at(&mut self, name: &'static str, position: Option<usize>) -> Fields<'_> {
        Fields {
            place: Place {
                parent: Some(&self.place),
                name,
                position,
            },
            findings: self.findings,
        }
    }

    /// Says that something is wrong with the message itself.
    pub(super) fn wrong_here(&mut self, description: impl Into<String>) {
        self.findings.add(|| self.place.path(), description);
    }
}

fn unknown_choice(number: i32) -> String {
    if number == 0 {
        "is required".to_owned()
    } else {
        format!("{number} is not a value that this program knows")
    }
}
