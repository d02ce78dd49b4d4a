//! The lines that `b3sum` prints and checks: 64 hex digits, two spaces, a name.
//!
//! A name with a backslash, line feed or carriage return is written with `\\`, `\n` and `\r`, and
//! the line then starts with a backslash. Not every name that can be printed may be checked: NUL
//! and U+FFFD could stand for another file's name.

use std::fmt::{self, Write};

use crate::domain::ContentHash;

/// One line of `b3sum`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumLine {
    /// The hash of the file.
    pub hash: ContentHash,
    /// The file's name, unescaped.
    pub name: String,
}

/// Why a line is none that `b3sum` would check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SumLineError {
    /// There are no two spaces between a hash and a name.
    #[error("a checksum line is 64 hex digits, two spaces and a name; this is not: {line:?}")]
    Form {
        /// The line as given, cut after 200 characters.
        line: String,
    },
    /// The hash is not 64 lower-case hex digits.
    #[error("a checksum is 64 lower-case hex digits; this is not: {digits:?}")]
    Hash {
        /// What stands in its place, cut after 200 characters.
        digits: String,
    },
    /// A backslash in an escaped name is not followed by `\`, `n` or `r`.
    #[error(
        "in an escaped name a backslash is followed by \\, n or r; in this it is not: {name:?}"
    )]
    Escape {
        /// The name as given, cut after 200 characters.
        name: String,
    },
    /// The name is empty or holds NUL or U+FFFD.
    #[error("a name is not empty and holds neither NUL nor U+FFFD; this one is refused: {name:?}")]
    Name {
        /// The name, cut after 200 characters.
        name: String,
    },
}

impl SumLine {
    /// Reads a line, with or without its line end.
    ///
    /// # Errors
    /// Refuses what `b3sum --check` refuses, and its `--tag` form.
    pub fn parse(line: &str) -> Result<Self, SumLineError> {
        let line = line.trim_end_matches(['\r', '\n']);
        let (escaped, rest) = match line.strip_prefix('\\') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (digits, name) = rest.split_once("  ").ok_or_else(|| SumLineError::Form {
            line: shortened(line),
        })?;
        let hash = lower_case_hash(digits).ok_or_else(|| SumLineError::Hash {
            digits: shortened(digits),
        })?;
        let name = if escaped {
            unescaped(name).ok_or_else(|| SumLineError::Escape {
                name: shortened(name),
            })?
        } else {
            name.to_owned()
        };
        if name.is_empty() || name.contains(['\0', char::REPLACEMENT_CHARACTER]) {
            return Err(SumLineError::Name {
                name: shortened(&name),
            });
        }
        Ok(Self { hash, name })
    }
}

/// Shows the line without its line end.
impl fmt::Display for SumLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(['\\', '\n', '\r']) {
            f.write_char('\\')?;
        }
        write!(f, "{}  ", self.hash)?;
        for character in self.name.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

fn lower_case_hash(digits: &str) -> Option<ContentHash> {
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    digits.parse().ok()
}

fn unescaped(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    fn shown(name: &str) -> String {
        let line = SumLine {
            hash: ContentHash::of(b""),
            name: name.to_owned(),
        };
        line.to_string()
    }

    #[test]
    fn prints_what_b3sum_prints() {
        assert_eq!(shown("a file.csv"), format!("{EMPTY}  a file.csv"));
        assert_eq!(shown("two  spaces"), format!("{EMPTY}  two  spaces"));
        assert_eq!(shown("a\\b"), format!("\\{EMPTY}  a\\\\b"));
        assert_eq!(shown("a\nb\rc"), format!("\\{EMPTY}  a\\nb\\rc"));
        assert_eq!(shown("数据"), format!("{EMPTY}  数据"));
    }

    #[test]
    fn refuses_what_b3sum_refuses() {
        let refused = |line: String| SumLine::parse(&line).unwrap_err();
        assert!(matches!(refused(String::new()), SumLineError::Form { .. }));
        assert!(matches!(
            refused(format!("{EMPTY} one space")),
            SumLineError::Form { .. }
        ));
        assert!(matches!(
            refused(format!("{}  f", EMPTY.to_uppercase())),
            SumLineError::Hash { .. }
        ));
        assert!(matches!(
            refused(format!("{}  f", &EMPTY[1..])),
            SumLineError::Hash { .. }
        ));
        assert!(matches!(
            refused(format!("\\{EMPTY}  a\\t")),
            SumLineError::Escape { .. }
        ));
        assert!(matches!(
            refused(format!("\\{EMPTY}  a\\")),
            SumLineError::Escape { .. }
        ));
        assert!(matches!(
            refused(format!("{EMPTY}  ")),
            SumLineError::Name { .. }
        ));
        assert!(matches!(
            refused(format!("{EMPTY}  a\0b")),
            SumLineError::Name { .. }
        ));
        assert!(matches!(
            refused(format!("{EMPTY}  a\u{fffd}b")),
            SumLineError::Name { .. }
        ));
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(name in "[a-zé \\\\\n\rnr]{1,12}", end in "(\r?\n)?") {
            let line = SumLine { hash: ContentHash::of(name.as_bytes()), name };
            prop_assert_eq!(SumLine::parse(&format!("{line}{end}")), Ok(line));
        }
    }
}
