//! Earning periods: months, quarters or years, as an entry names them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a period is a month 2026-10, a quarter 2026-Q4 or a year 2026; not {text:?}")]
pub struct PeriodError {
    /// The text as given, cut to 200 characters.
    pub text: String,
}

/// How long the periods of a pool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years.
    Year,
}

impl fmt::Display for PeriodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        })
    }
}

/// A month, quarter or year of the years 1 to 9999; periods order by their first month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    first_month: u32,
    kind: PeriodKind,
}

impl Period {
    /// Returns how long the period is.
    pub fn kind(&self) -> PeriodKind {
        self.kind
    }

    /// Returns the first month as months since year 0, by which periods of any kind compare.
    pub fn first_month(&self) -> u32 {
        self.first_month
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError {
            text: text.chars().take(200).collect(),
        };
        let number = |digits: &str, length: usize| -> Option<u32> {
            let plain = digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let (year, rest) = match text.split_once('-') {
            Some((year, rest)) => (year, Some(rest)),
            None => (text, None),
        };
        let year = number(year, 4).filter(|year| *year > 0).ok_or_else(error)?;
        let (kind, month) = match rest {
            None => (PeriodKind::Year, 0),
            Some(rest) => match rest.strip_prefix('Q') {
                Some(quarter) => {
                    let quarter = number(quarter, 1).filter(|quarter| (1..=4).contains(quarter));
                    (
                        PeriodKind::Quarter,
                        quarter.ok_or_else(error)?.saturating_sub(1) * 3,
                    )
                }
                None => {
                    let month = number(rest, 2).filter(|month| (1..=12).contains(month));
                    (
                        PeriodKind::Month,
                        month.ok_or_else(error)?.saturating_sub(1),
                    )
                }
            },
        };
        Ok(Self {
            first_month: year * 12 + month,
            kind,
        })
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.first_month / 12, self.first_month % 12);
        let text = match self.kind {
            PeriodKind::Month => format!("{year:04}-{:02}", month.saturating_add(1)),
            PeriodKind::Quarter => format!("{year:04}-Q{}", (month / 3).saturating_add(1)),
            PeriodKind::Year => format!("{year:04}"),
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_round_trip_and_order() {
        for text in [
            "2026-10", "2026-01", "2026-12", "2026-Q1", "2026-Q4", "2026", "0001", "9999-12",
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        let month = |text: &str| text.parse::<Period>().unwrap();
        assert!(month("2025-12") < month("2026-01"));
        assert!(month("2026-Q2").first_month() == month("2026-04").first_month());
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for bad in [
            "",
            "26",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-Q5",
            "2026-Q0",
            "2026-q1",
            "0000",
            "2026-10-01",
            " 2026",
            "+026",
            "2026-",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
