//! The values: what of a game a player is given. A new one is a file here and a line in each list.

mod banzhaf;
mod beta;
mod leave_one_out;
mod shapley;

use std::fmt;
use std::str::FromStr;

use super::SizeWeights;

pub use beta::BETA_MAX;
pub(super) use leave_one_out::leave_one_out;

/// Which value of a game is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The mean gain over all orders in which players can join; sums to u(all) - u(empty).
    Shapley,
    /// The mean gain over all coalitions of the others.
    Banzhaf,
    /// The mean gain by Beta(A,B) weights; (1,1) is Shapley's, a large A favours small coalitions.
    Beta(u32, u32),
    /// u(all) - u(all without the player).
    LeaveOneOut,
}

impl Value {
    /// Returns the weights by size of a value that has such: all but leave-one-out.
    pub fn size_weights(self, players: usize) -> Option<SizeWeights> {
        match self {
            Self::Shapley => Some(shapley::weights(players)),
            Self::Banzhaf => Some(banzhaf::weights(players)),
            Self::Beta(a, b) => Some(beta::weights(players, a, b)),
            Self::LeaveOneOut => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shapley => f.write_str("shapley"),
            Self::Banzhaf => f.write_str("banzhaf"),
            Self::Beta(a, b) => write!(f, "beta:{a},{b}"),
            Self::LeaveOneOut => f.write_str("leave-one-out"),
        }
    }
}

/// A text that names no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value is shapley, banzhaf, beta:A,B with A and B in 1..{BETA_MAX}, or leave-one-out")]
pub struct UnknownValue;

impl FromStr for Value {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "shapley" => Ok(Self::Shapley),
            "banzhaf" => Ok(Self::Banzhaf),
            "leave-one-out" => Ok(Self::LeaveOneOut),
            _ => beta::parse(text).ok_or(UnknownValue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for text in [
            "shapley",
            "banzhaf",
            "beta:16,1",
            "beta:1,1000",
            "leave-one-out",
        ] {
            assert_eq!(text.parse::<Value>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Shapley",
            "beta",
            "beta:",
            "beta:1",
            "beta:1,2,3",
            "beta:0,1",
            "beta:1,1001",
            "beta:+1,1",
            "beta:1, 1",
            "beta:1.5,1",
            "beta:-1,1",
            "beta:99999999999,1",
        ] {
            assert_eq!(text.parse::<Value>(), Err(UnknownValue), "{text}");
        }
    }
}
