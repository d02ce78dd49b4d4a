//! Decimal numbers as people and programs write them in JSON, read without a float between.

/// The decimal places of a billionth.
const PLACES: i64 = 9;
/// The most digits before the point, so that a few million numbers add up within `i128`.
const WHOLE_DIGITS_MAX: i64 = 18;

/// Why a number is not one that a game takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// It is no number at all.
    #[error("is not a number")]
    NotANumber,
    /// It is finer than billionths.
    #[error("has more than nine decimal places")]
    TooFine,
    /// It has too many digits before the point.
    #[error("has more than 18 digits before the point")]
    TooLarge,
}

/// Returns a JSON number in billionths.
///
/// What counts is the value: `1e-3` and `0.0010000000000` are both a thousandth.
///
/// # Errors
/// See [`DecimalError`].
pub fn billionths(text: &str) -> Result<i128, DecimalError> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if !digits().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let written = whole.len() + fraction.len();
    let leading = digits().take_while(|digit| *digit == b'0').count();
    if leading == written {
        return Ok(0);
    }
    let trailing = digits().rev().take_while(|digit| *digit == b'0').count();
    let significant = written - leading - trailing;
    // The value is its significant digits times this power of ten, in billionths.
    let scale = PLACES
        .saturating_add(exponent)
        .saturating_sub(length(fraction.len()))
        .saturating_add(length(trailing));
    if scale < 0 {
        return Err(DecimalError::TooFine);
    }
    if scale.saturating_add(length(significant)) > PLACES + WHOLE_DIGITS_MAX {
        return Err(DecimalError::TooLarge);
    }
    // At most 27 digits, which fit.
    let zeros = usize::try_from(scale).unwrap_or(0);
    let number = digits()
        .skip(leading)
        .take(significant)
        .chain(std::iter::repeat_n(b'0', zeros))
        .fold(0i128, |number, digit| {
            number * 10 + i128::from(digit.wrapping_sub(b'0'))
        });
    Ok(if negative { -number } else { number })
}

/// Returns the exponent of a number; one beyond 64 bits counts as the largest or smallest.
fn power(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_value() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("1", 1_000_000_000),
            ("-12.5", -12_500_000_000),
            ("0.000000001", 1),
            ("1e-9", 1),
            ("1.5E+3", 1_500_000_000_000),
            ("0.00100000000000", 1_000_000),
            ("100e-11", 1),
            ("9223372036.854775807", i64::MAX.into()),
            ("-9223372036.854775808", i64::MIN.into()),
            ("0.1", 100_000_000),
            ("123456789012345678", 123_456_789_012_345_678_000_000_000),
        ] {
            assert_eq!(billionths(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_no_game_takes_is_an_error() {
        for text in [
            "0.0000000001",
            "1e-10",
            "1.0000000001",
            "1e-99999999999999999999",
        ] {
            assert_eq!(billionths(text), Err(DecimalError::TooFine), "{text}");
        }
        for text in [
            "1e18",
            "1e999",
            "1234567890123456789",
            "1e99999999999999999999",
        ] {
            assert_eq!(billionths(text), Err(DecimalError::TooLarge), "{text}");
        }
        for text in [
            "", "-", "\"1\"", "null", "NaN", "true", "[1]", "1e", "1x", ".5",
        ] {
            assert_eq!(billionths(text), Err(DecimalError::NotANumber), "{text}");
        }
    }
}
