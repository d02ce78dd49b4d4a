//! What an auditor can find to be wrong: a closed list, because findings are recorded in the log.

use std::fmt;

macro_rules! finding_kinds {
    ($($name:ident = $number:literal, $text:literal, $doc:literal;)*) => {
        /// What kind of thing is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind {
            $(#[doc = $doc] $name = $number,)*
        }

        impl FindingKind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the kind as reports have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns what the kind means, as a sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $doc,)*
                }
            }

            /// Returns the number of the kind in commands.
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }
    };
}

finding_kinds! {
    EntryUnreadable = 1, "ENTRY_UNREADABLE",
        "The bytes of an entry are no entry, or hold no command.";
    SignatureInvalid = 2, "SIGNATURE_INVALID", "The signature in an entry does not verify.";
    TimeReversed = 3, "TIME_REVERSED", "An entry is older than the one before it.";
    EntryRefused = 4, "ENTRY_REFUSED", "The rules refuse the command of an entry.";
    AttachmentMissing = 5, "ATTACHMENT_MISSING",
        "The log needs bytes that the server does not show.";
    OrderWrong = 6, "ORDER_WRONG", "Entries were shown in another order, or some were left out.";
    CheckpointInvalid = 7, "CHECKPOINT_INVALID",
        "A checkpoint is not one that the log has signed.";
    RootDiffers = 8, "ROOT_DIFFERS", "The entries have another root than a checkpoint says.";
    LogTruncated = 9, "LOG_TRUNCATED", "There are fewer entries than were promised.";
    NotCovered = 10, "NOT_COVERED", "The last entries are under no checkpoint.";
    FoundingDiffers = 11, "FOUNDING_DIFFERS",
        "The log belongs to another ledger or another log key.";
    InvariantBroken = 12, "INVARIANT_BROKEN", "Rows that the log gives contradict each other.";
    ValuationDiffers = 13, "VALUATION_DIFFERS",
        "A valuation gives another result from its inputs.";
    AccountDiffers = 14, "ACCOUNT_DIFFERS",
        "The server shows another balance than the log gives.";
    ReceiptInvalid = 15, "RECEIPT_INVALID", "A kept receipt proves nothing.";
    ReceiptContradicted = 16, "RECEIPT_CONTRADICTED",
        "The log contradicts a receipt that it gave.";
    LineInvalid = 17, "LINE_INVALID",
        "A settlement's line is not under its root, or does not add up.";
    LogForked = 18, "LOG_FORKED",
        "The log has signed two histories: one checkpoint is not part of the other's tree.";
    LogRolledBack = 19, "LOG_ROLLED_BACK",
        "The log shows fewer entries than it had signed before.";
    TileDiffers = 20, "TILE_DIFFERS",
        "A tile has another length or other hashes than the entries give.";
    BlobDiffers = 21, "BLOB_DIFFERS", "Bytes have another hash or size than the log records.";
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
