//! Fixed-size values with a type each, so that a content hash never stands where a key id belongs.
//!
//! All of them show as lower-case hex, parse from it, and order by their bytes.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why bytes or hex digits are not a value of a fixed size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The number of bytes is wrong.
    #[error("{what} takes {expected} bytes, {found} were given")]
    Length {
        /// The kind of value.
        what: &'static str,
        /// How many bytes it takes.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The text is not hex.
    #[error("{what} is written as {expected} hex digits; this is not hex: {text}")]
    NotHex {
        /// The kind of value.
        what: &'static str,
        /// How many digits it takes.
        expected: usize,
        /// The text as given.
        text: String,
    },
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $size:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            /// The number of bytes.
            pub const SIZE: usize = $size;

            /// Returns the bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                <[u8; $size]>::try_from(bytes).map(Self).map_err(|_| IdError::Length {
                    what: $what,
                    expected: $size,
                    found: bytes.len(),
                })
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = hex::decode(text).map_err(|_| IdError::NotHex {
                    what: $what,
                    expected: $size * 2,
                    text: text.chars().take(200).collect(),
                })?;
                Self::try_from(bytes.as_slice())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
                } else {
                    let bytes = <&[u8]>::deserialize(deserializer)?;
                    Self::try_from(bytes).map_err(D::Error::custom)
                }
            }
        }
    };
}

fixed_bytes!(
    /// The id of a command: BLAKE3 of its serialized bytes.
    CommandId, 32, "a command id"
);
fixed_bytes!(
    /// The id of a ledger: the command id of its founding command.
    LedgerId, 32, "a ledger id"
);
fixed_bytes!(
    /// The id of something that a command created: a contribution, a pool, a claim.
    ThingId, 32, "an id"
);
fixed_bytes!(
    /// BLAKE3 of bytes outside the log: a file, a manifest, an attachment, a terms text.
    ContentHash, 32, "a content hash"
);
fixed_bytes!(
    /// BLAKE3 of a public key, the name of a key in tokens and lists.
    KeyId, 32, "a key id"
);
fixed_bytes!(
    /// A SHA-256 hash in an RFC 6962 tree: of a leaf, a node or a root.
    TreeHash, 32, "a tree hash"
);
fixed_bytes!(
    /// An Ed25519 public key, encoded.
    PublicKey, 32, "a public key"
);
fixed_bytes!(
    /// An Ed25519 signature, encoded.
    Signature, 64, "a signature"
);
fixed_bytes!(
    /// Secret bytes that were committed to and are revealed, so that a seed can be made from them.
    Reveal, 32, "a reveal"
);
fixed_bytes!(
    /// The random part of a command that makes its id its own.
    Nonce, 16, "a nonce"
);

impl CommandId {
    /// Returns the id of a command from its serialized bytes.
    pub fn of(command: &[u8]) -> Self {
        Self(blake3::hash(command).into())
    }

    /// Returns the id of the `n`-th thing that this command creates, `n` from 0.
    pub fn thing(&self, n: u32) -> ThingId {
        // Every entry asks for an id or two: the hash of the context is made once.
        static THING: LazyLock<blake3::Hasher> =
            LazyLock::new(|| blake3::Hasher::new_derive_key("fenrun v1 thing"));
        let mut hasher = THING.clone();
        hasher.update(&self.0);
        hasher.update(&n.to_be_bytes());
        ThingId(hasher.finalize().into())
    }
}

impl ContentHash {
    /// Returns the hash of `bytes`, as `b3sum` prints it for a file that holds them.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }
}

impl Reveal {
    /// Returns the commitment to these bytes, which is the hash of a file that holds them.
    pub fn commitment(&self) -> ContentHash {
        ContentHash::of(&self.0)
    }
}

impl KeyId {
    /// Returns the id of a public key.
    pub fn of(key: &PublicKey) -> Self {
        Self(blake3::hash(&key.0).into())
    }
}

impl From<CommandId> for LedgerId {
    fn from(founding: CommandId) -> Self {
        Self(founding.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_parses_as_hex() {
        let id = CommandId::of(b"");
        let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse::<CommandId>().unwrap(), id);
        assert!("af13".parse::<CommandId>().is_err());
        assert!("zz".parse::<CommandId>().is_err());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<CommandId>(&json).unwrap(), id);
        let packed = postcard::to_allocvec(&id).unwrap();
        assert_eq!(postcard::from_bytes::<CommandId>(&packed).unwrap(), id);
    }

    #[test]
    fn things_of_one_command_differ() {
        let id = CommandId::of(b"command");
        assert_ne!(id.thing(0), id.thing(1));
        assert_ne!(id.thing(0).0, id.0);
        let material = [&id.0[..], &7_u32.to_be_bytes()].concat();
        assert_eq!(
            id.thing(7).0,
            blake3::derive_key("fenrun v1 thing", &material)
        );
    }
}
