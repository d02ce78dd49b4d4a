//! The names that people use for parties, pools, datasets and logs; unique and immutable.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The shortest and the longest simple name, in bytes.
pub const NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=39;
/// The longest origin of a log, in bytes.
pub const ORIGIN_LENGTH_MAX: usize = 200;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is not of the form of a simple name.
    #[error("{what} is 2 to 39 of a-z, 0-9 and -, beginning with a letter; not {text:?}")]
    Form {
        /// The kind of name.
        what: &'static str,
        /// The text as given, cut to 200 characters.
        text: String,
    },
    /// The name is kept for something else.
    #[error("the name {text:?} is reserved; choose another")]
    Reserved {
        /// The text as given.
        text: String,
    },
    /// The text is not `party/dataset@version`.
    #[error("a contribution is named party/dataset@version, such as school/digits@2; not {text:?}")]
    Contribution {
        /// The text as given, cut to 200 characters.
        text: String,
    },
    /// The version is out of range.
    #[error("a version is 1 to 999999999, without leading zeros; not {text:?}")]
    Version {
        /// The text as given, cut to 200 characters.
        text: String,
    },
    /// The text is not the origin of a log.
    #[error(
        "an origin is 1 to 200 bytes without a scheme, white space, + or trailing slash; not {text:?}"
    )]
    Origin {
        /// The text as given, cut to 200 characters.
        text: String,
    },
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

fn is_simple_name(text: &str) -> bool {
    NAME_LENGTH.contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

macro_rules! simple_name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let reserved: &[&str] = $reserved;
                if reserved.contains(&text) {
                    return Err(NameError::Reserved { text: text.to_owned() });
                }
                if !is_simple_name(text) {
                    return Err(NameError::Form { what: $what, text: shown(text) });
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

simple_name!(
    /// The name of a party, or of a beneficial owner.
    PartyName, "the name of a party", &["pools"]
);
simple_name!(
    /// The name of a pool, without the `pools/` that people may write before it.
    PoolName, "the name of a pool", &[]
);
simple_name!(
    /// The name of a dataset, unique within its party.
    DatasetName, "the name of a dataset", &[]
);
simple_name!(
    /// The name of a class of cost.
    CostClass, "a class of cost", &[]
);
simple_name!(
    /// The name of a policy, for people; a policy is known by its hash.
    PolicyName, "the name of a policy", &[]
);

/// The name of one sealed version of a dataset: `party/dataset@version`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContributionName {
    /// The party that recorded it.
    pub party: PartyName,
    /// The dataset.
    pub dataset: DatasetName,
    /// The version, 1 to 999,999,999.
    pub version: u32,
}

/// The highest version of a dataset.
pub const VERSION_MAX: u32 = 999_999_999;

impl FromStr for ContributionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let form = || NameError::Contribution { text: shown(text) };
        let (party, rest) = text.split_once('/').ok_or_else(form)?;
        let (dataset, version) = rest.split_once('@').ok_or_else(form)?;
        let number = version
            .parse::<u32>()
            .ok()
            .filter(|number| (1..=VERSION_MAX).contains(number) && number.to_string() == version)
            .ok_or_else(|| NameError::Version {
                text: shown(version),
            })?;
        Ok(Self {
            party: party.parse()?,
            dataset: dataset.parse()?,
            version: number,
        })
    }
}

impl TryFrom<String> for ContributionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ContributionName> for String {
    fn from(name: ContributionName) -> String {
        name.to_string()
    }
}

impl fmt::Display for ContributionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.party, self.dataset, self.version)
    }
}

impl fmt::Debug for ContributionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The origin of a log: the C2SP key name that its checkpoints and keys carry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        let well_formed = !text.is_empty()
            && text.len() <= ORIGIN_LENGTH_MAX
            && !text.contains(forbidden)
            && !text.contains("://")
            && !text.ends_with('/');
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Origin { text: shown(text) })
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_names() {
        for good in ["ab", "a1", "school", "a-b-c", &"a".repeat(39)] {
            assert_eq!(good.parse::<PartyName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a",
            "1a",
            "-a",
            "A1",
            "a_b",
            "ä1",
            "a b",
            &"a".repeat(40),
            "pools",
        ] {
            assert!(bad.parse::<PartyName>().is_err(), "{bad}");
        }
        assert!("pools".parse::<PoolName>().is_ok());
    }

    #[test]
    fn contribution_names() {
        let name: ContributionName = "school/digits@2".parse().unwrap();
        assert_eq!(
            (name.version, name.to_string().as_str()),
            (2, "school/digits@2")
        );
        for bad in [
            "school",
            "school/digits",
            "school/digits@0",
            "school/digits@01",
            "school/digits@1000000000",
            "school/digits@+1",
            "school/@1",
            "pools/digits@1",
            "a/b@1",
        ] {
            assert!(bad.parse::<ContributionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn origins() {
        assert!("log.example/fenrun".parse::<Origin>().is_ok());
        for bad in [
            "",
            "https://log.example",
            "a b",
            "a\u{a0}b",
            "a+b",
            "a/",
            "a\n",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
    }
}
