//! Reading the fields of requests: everything that is wrong with one is listed at once.

use std::fmt::Display;
use std::str::FromStr;

use super::status::Failure;
use crate::domain::{IdError, PoolName, Reason, Rejection, Violation};
use crate::wire::Choice;

/// What people may write before the name of a pool.
const POOLS: &str = "pools/";

/// What was found wrong with a request so far.
#[derive(Default)]
pub(super) struct Asked {
    violations: Vec<Violation>,
}

impl Asked {
    /// Notes that a field is wrong.
    pub fn wrong(&mut self, field: &str, description: impl Into<String>) {
        self.violations.push(Violation::new(field, description));
    }

    /// Reads a field that has to be there.
    pub fn required<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let parsed = text.parse();
        parsed
            .map_err(|error| self.wrong(field, format!("{error}")))
            .ok()
    }

    /// Reads a field that may be empty.
    pub fn optional<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T::Err: Display,
    {
        (!text.is_empty()).then(|| self.required(field, text))?
    }

    /// Reads the name of a pool, with or without `pools/` before it.
    pub fn pool(&mut self, field: &str, text: &str) -> Option<PoolName> {
        self.required(field, text.strip_prefix(POOLS).unwrap_or(text))
    }

    /// Reads the name of a pool that may be empty.
    pub fn pool_if_any(&mut self, field: &str, text: &str) -> Option<PoolName> {
        (!text.is_empty()).then(|| self.pool(field, text))?
    }

    /// Reads bytes of a fixed size that have to be there.
    pub fn bytes<T>(&mut self, field: &str, bytes: &[u8]) -> Option<T>
    where
        T: for<'b> TryFrom<&'b [u8], Error = IdError>,
    {
        let read = T::try_from(bytes);
        read.map_err(|error| self.wrong(field, error.to_string()))
            .ok()
    }

    /// Reads bytes of a fixed size that may be left out.
    pub fn optional_bytes<T>(&mut self, field: &str, bytes: &[u8]) -> Option<T>
    where
        T: for<'b> TryFrom<&'b [u8], Error = IdError>,
    {
        (!bytes.is_empty()).then(|| self.bytes(field, bytes))?
    }

    /// Reads a choice of a closed list that may be left out.
    pub fn choice<T: Choice>(&mut self, field: &str, number: i32) -> Option<T> {
        let choice = T::from_number(number);
        if choice.is_none() && number != 0 {
            self.wrong(
                field,
                format!("{number} is not a value that this service knows"),
            );
        }
        choice
    }

    /// Returns the refusal of what was found wrong.
    pub fn refusal(self) -> Failure {
        let violations = self.violations;
        Rejection::with_violations(Reason::InvalidArgument, violations).into()
    }

    /// Goes on where nothing was wrong.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with all that was.
    pub fn done(self) -> Result<(), Failure> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.refusal())
        }
    }
}
