//! Amounts: an integer of minor units and a currency, and their form for people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an amount, or two amounts do not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not in ISO 4217.
    #[error("{text:?} is not an ISO 4217 currency code such as CNY, EUR or JPY")]
    Currency {
        /// The text as given, cut to 200 characters.
        text: String,
    },
    /// The text is not a decimal and a currency code.
    #[error("an amount is written as a decimal and a currency, such as 1050.03 CNY; not {text:?}")]
    Form {
        /// The text as given, cut to 200 characters.
        text: String,
    },
    /// The text has more decimals than the currency.
    #[error("{currency} has {exponent} decimals; {text:?} has more")]
    Decimals {
        /// The currency.
        currency: Currency,
        /// How many decimals it has.
        exponent: u32,
        /// The text as given.
        text: String,
    },
    /// The amount does not fit 64 bits.
    #[error("the amount is beyond 64 bits of minor units")]
    Overflow,
    /// Two currencies met.
    #[error("{left} and {right} are two currencies and do not add up")]
    Mixed {
        /// The one.
        left: Currency,
        /// The other.
        right: Currency,
    },
}

/// A currency of ISO 4217, known by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Returns the three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Returns the number of decimals: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(&self) -> u32 {
        iso_currency::Currency::from_code(self.code())
            .and_then(|currency| currency.exponent())
            .map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let known = <[u8; 3]>::try_from(text.as_bytes()).ok().filter(|code| {
            code.iter().all(u8::is_ascii_uppercase)
                && iso_currency::Currency::from_code(text)
                    .is_some_and(|currency| currency.exponent().is_some())
        });
        known.map(Self).ok_or_else(|| MoneyError::Currency {
            text: text.chars().take(200).collect(),
        })
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in a currency; there is no `+`, because two currencies may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in minor units.
    pub minor_units: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Returns the sum.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] where the currencies differ, [`MoneyError::Overflow`] beyond `i64`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed {
                left: self.currency,
                right: other.currency,
            });
        }
        let minor_units = self
            .minor_units
            .checked_add(other.minor_units)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self {
            minor_units,
            ..self
        })
    }

    /// Returns the decimal without the currency code: `1050.03`.
    pub fn decimal(&self) -> String {
        let exponent = usize::try_from(self.currency.exponent()).unwrap_or(0);
        let sign = if self.minor_units < 0 { "-" } else { "" };
        let digits = format!(
            "{:0>width$}",
            self.minor_units.unsigned_abs(),
            width = exponent.saturating_add(1)
        );
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(exponent));
        if exponent == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.decimal(), self.currency))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let form = || MoneyError::Form {
            text: text.chars().take(200).collect(),
        };
        let (number, code) = text.trim().split_once(' ').ok_or_else(form)?;
        let currency: Currency = code.trim().parse()?;
        let (negative, unsigned) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = unsigned.ends_with('.');
        if whole.is_empty() || dangling || !digits_only(whole) || !digits_only(fraction) {
            return Err(form());
        }
        let exponent = currency.exponent();
        let width = usize::try_from(exponent).unwrap_or(0);
        if fraction.len() > width {
            return Err(MoneyError::Decimals {
                currency,
                exponent,
                text: number.to_owned(),
            });
        }
        let sign = if negative { "-" } else { "" };
        let minor_units = format!("{sign}{whole}{fraction:0<width$}")
            .parse::<i64>()
            .map_err(|_| MoneyError::Overflow)?;
        Ok(Self {
            minor_units,
            currency,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimals_of_their_currency() {
        for (text, minor_units) in [
            ("1050.03 CNY", 105_003),
            ("500 JPY", 500),
            ("1.250 KWD", 1_250),
            ("-0.05 EUR", -5),
            ("0.00 CNY", 0),
            ("92233720368547758.07 CNY", i64::MAX),
            ("-92233720368547758.08 CNY", i64::MIN),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!(money.minor_units, minor_units);
            assert_eq!(money.to_string(), text);
        }
        assert_eq!("7 CNY".parse::<Money>().unwrap().to_string(), "7.00 CNY");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [
            "",
            "5",
            "CNY",
            "5 XYZ",
            "5 cny",
            "1.234 CNY",
            "1.5 JPY",
            "1,5 CNY",
            ".5 CNY",
            "5. CNY",
            "--5 CNY",
            "1e3 CNY",
            "92233720368547758.08 CNY",
            "+5 CNY",
        ] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }

    #[test]
    fn two_currencies_do_not_add_up() {
        let yuan: Money = "1.00 CNY".parse().unwrap();
        let yen: Money = "1 JPY".parse().unwrap();
        assert!(matches!(
            yuan.checked_add(yen),
            Err(MoneyError::Mixed { .. })
        ));
        assert_eq!(yuan.checked_add(yuan).unwrap().minor_units, 200);
        let most = Money {
            minor_units: i64::MAX,
            ..yuan
        };
        assert_eq!(most.checked_add(yuan), Err(MoneyError::Overflow));
    }
}
