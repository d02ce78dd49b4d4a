//! Who plays in the demo, with which data: real digits, invented parties.

use crate::domain::Role;

/// The operator of the demo's ledger.
pub(super) const OPERATOR: &str = "guild";
/// Whose model uses the data and brings the revenue.
pub(super) const PAYER: &str = "reader-app";
/// Who values the contributions.
pub(super) const EVALUATOR: &str = "scorer";
/// Who checks everything.
pub(super) const AUDITOR: &str = "watch";
/// The pool of the payer's model.
pub(super) const POOL: &str = "handwriting";
/// The earning period.
pub(super) const PERIOD: &str = "2026-10";
/// The currency of the pool.
pub(super) const CURRENCY: &str = "CNY";
/// What the payer pays, in minor units.
pub(super) const REVENUE: i64 = 5_000_000;
/// How many neighbours vote in the valuation.
pub(super) const NEIGHBOURS: u64 = 5;
/// What orders rows at equal distance; fixed, so that every demo gives the same figures.
pub(super) const SEED: &[u8] = b"fenrun demo";
/// The terms that every party accepts.
pub(super) const TERMS: &str = "The terms of the demo: be honest, keep your receipts.\n";
/// The validation set of the pool.
pub(super) const VALIDATION: &[u8] = include_bytes!("../../../examples/data/digits/validation.csv");
/// Where the data comes from and how it may be used.
pub(super) const DATA_NOTICE: &str = include_str!("../../../examples/data/digits/README.md");

/// A provider and the file that it contributes.
pub(super) struct Provider {
    /// Its name, and the name of its file.
    pub name: &'static str,
    /// The rows of the file, as CSV.
    pub csv: &'static [u8],
    /// How many of its labels were made wrong, as the notice of the data says.
    pub wrong_labels: u64,
    /// What it claims for its labelling, in minor units; 0 where it claims nothing.
    pub claimed: i64,
    /// What of the claim the operator approves.
    pub approved: i64,
}

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../examples/data/digits/", $name, ".csv"))
    };
}

/// The providers, in the order in which they record: who records a row first keeps it.
pub(super) const PROVIDERS: [Provider; 5] = [
    Provider {
        name: "lin-school",
        csv: file!("lin-school"),
        wrong_labels: 0,
        claimed: 90_000,
        approved: 90_000,
    },
    Provider {
        name: "harbor-lab",
        csv: file!("harbor-lab"),
        wrong_labels: 0,
        claimed: 600_000,
        approved: 520_000,
    },
    Provider {
        name: "orchid-studio",
        csv: file!("orchid-studio"),
        wrong_labels: 0,
        claimed: 0,
        approved: 0,
    },
    Provider {
        name: "copycat",
        csv: file!("copycat"),
        wrong_labels: 0,
        claimed: 0,
        approved: 0,
    },
    Provider {
        name: "hasty-labels",
        csv: file!("hasty-labels"),
        wrong_labels: 92,
        claimed: 0,
        approved: 0,
    },
];

/// Everyone that the operator admits, with the role that each asks for.
pub(super) fn applicants() -> impl Iterator<Item = (&'static str, Role)> {
    let others = [
        (PAYER, Role::Payer),
        (EVALUATOR, Role::Evaluator),
        (AUDITOR, Role::Auditor),
    ];
    let providers = PROVIDERS.iter().map(|one| (one.name, Role::Provider));
    providers.chain(others)
}
