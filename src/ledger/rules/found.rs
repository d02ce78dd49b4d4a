//! The founding of a ledger.
