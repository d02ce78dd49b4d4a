//! Accounts and postings.

use serde::{Deserialize, Serialize};

use super::key::write_text;
use super::{KeyPart, Locator, Row};
use crate::book::Account;

impl KeyPart for Account {
    fn write(&self, key: &mut Vec<u8>) {
        write_text(&self.to_string(), key);
    }
}

/// What an account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The balance in minor units; a credit is positive.
    pub balance: i64,
    /// The entry of its last posting.
    pub last_index: u64,
}

impl Row for AccountRow {
    const TABLE: u8 = b'L';
    type Key = Account;
}

/// One movement on an account. The key ends with the entry that made it and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostingRow {
    /// Minor units; a credit is positive.
    pub amount: i64,
    /// The balance after it.
    pub balance: i64,
}

impl Row for PostingRow {
    const TABLE: u8 = b'l';
    type Key = (Account, Locator);
}
