//! Receipts as parties hold them: what proves that a command was recorded.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::Entry;
use super::ids::{CommandId, LedgerId, PublicKey, Signature, TreeHash};
use super::time::UnixMillis;

/// Proof that a command was recorded; with the command, the leaf can be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The entry's index in the log, from 0.
    pub index: u64,
    /// When the entry was recorded, in milliseconds.
    pub recorded_at: UnixMillis,
    /// The key in the entry.
    pub public_key: PublicKey,
    /// The signature in the entry.
    pub signature: Signature,
    /// The inclusion proof, from the leaf to the root.
    pub inclusion_proof: Vec<TreeHash>,
    /// A checkpoint that covers the entry, as a signed note.
    pub checkpoint: String,
}

impl Receipt {
    /// Returns the entry that it is of, given its command's exact bytes.
    pub fn entry(&self, command: Bytes) -> Entry {
        Entry {
            recorded_at: self.recorded_at,
            public_key: self.public_key,
            signature: self.signature,
            command,
        }
    }

    /// Tells whether two receipts of one command name the same entry.
    pub fn same_entry(&self, other: &Self) -> bool {
        self.index == other.index
            && self.recorded_at == other.recorded_at
            && self.public_key == other.public_key
            && self.signature == other.signature
    }
}

/// A receipt with the command that it is of, as a party keeps it for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptReceipt {
    /// The ledger that it is of.
    pub ledger: LedgerId,
    /// The id of the command.
    pub command_id: CommandId,
    /// The exact bytes of the command, in hex.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub command: Bytes,
    /// The receipt.
    pub receipt: Receipt,
}

fn to_hex<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = hex::decode(text).map_err(serde::de::Error::custom)?;
    Ok(Bytes::from(bytes))
}
