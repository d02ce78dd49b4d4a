//! What a party can ask for, as plain values: a command is one of a closed list of actions.

use serde::{Deserialize, Serialize};

use super::{
    ContentHash, ContributionName, CostClass, Currency, DatasetName, FailPayout, IssuePayout,
    LedgerId, Money, Nonce, Origin, PartyName, Period, PeriodKind, PolicyName, PolicyTerms,
    PoolName, PublicKey, Reveal, SettlePayout, Signature, ThingId, UnixMillis,
};

/// The most characters of a text for people in a command.
pub const TEXT_CHARACTERS_MAX: usize = 1_000;
/// The most characters of an external reference.
pub const REFERENCE_CHARACTERS_MAX: usize = 128;
/// The most parents of one contribution.
pub const PARENTS_MAX: usize = 64;
/// The most contributions of one bulk command.
pub const BULK_MAX: usize = 1_000;
/// The most policies that a pool names.
pub const POOL_POLICIES_MAX: usize = 100;
/// The time windows that a charter may name, in milliseconds.
pub const TIME_WINDOW_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;
/// The most days of objection.
pub const OBJECTION_DAYS_MAX: u32 = 3_650;
/// The most bytes of the name of a time zone.
pub const TIME_ZONE_BYTES_MAX: usize = 64;
/// The most characters of the name of a valuation method.
pub const METHOD_CHARACTERS_MAX: usize = 64;
/// The most bytes of a valuation's parameters.
pub const PARAMETERS_BYTES_MAX: usize = 4_096;

/// A decoded command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The ledger it is for; none only in `Found`.
    pub ledger: Option<LedgerId>,
    /// The party that asks.
    pub actor: PartyName,
    /// What makes the command's id its own.
    pub nonce: Nonce,
    /// When it was signed, by the clock of the party, floored to milliseconds.
    pub created_at: UnixMillis,
    /// What is asked for.
    pub action: Action,
}

/// What a party was admitted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the service, admits parties, publishes policies, settles.
    Operator,
    /// Submits contributions, claims costs, is paid.
    Provider,
    /// Uses data in a model, declares the use, brings the revenue.
    Payer,
    /// Values contributions with a model of its own.
    Evaluator,
    /// Checks everything.
    Auditor,
    /// The service's own party.
    Service,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What is asked for.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $name($name),)*
        }

        /// The kinds of action, by which permissions and lists go.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ActionKind {
            $($(#[$doc])* $name = $number,)*
        }

        impl Action {
            /// Returns the kind of the action.
            pub fn kind(&self) -> ActionKind {
                match self {
                    $(Self::$name(_) => ActionKind::$name,)*
                }
            }
        }

        impl ActionKind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the name of the action's message.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Returns the number of the action's field in a command.
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }

        $(impl From<$name> for Action {
            fn from(action: $name) -> Self {
                Self::$name(action)
            }
        })*
    };
}

actions! {
    /// Founds the ledger.
    Found = 16,
    /// Changes the charter.
    AmendCharter = 17,
    /// Puts a new rules version in force.
    Upgrade = 18,
    /// Admits a party.
    AdmitParty = 20,
    /// Replaces the actor's key.
    RotateKey = 21,
    /// Ends a key.
    RevokeKey = 22,
    /// Gives a party that lost its key a new one.
    ReplaceKey = 23,
    /// Records one sealed version of a dataset.
    RecordContribution = 24,
    /// Records many under one signature.
    RecordContributions = 25,
    /// Ends the use of a contribution.
    WithdrawContribution = 26,
    /// Allows a use or a derivation.
    GrantUse = 27,
    /// Ends an allowance.
    RevokeUse = 28,
    /// Publishes a policy.
    PublishPolicy = 29,
    /// Opens a pool.
    OpenPool = 30,
    /// Declares which contributions were used.
    DeclareUse = 32,
    /// Posts money in, or money taken back.
    PostRevenue = 33,
    /// Claims money spent on a contribution.
    ClaimCost = 34,
    /// Decides on a claim.
    ApproveCost = 35,
    /// Imports weights computed elsewhere.
    ImportWeights = 36,
    /// Commits to bytes that a seed is made from.
    CommitReveal = 38,
    /// Asks the service for a valuation.
    StartValuation = 39,
    /// Records what a requested valuation came to.
    FinishValuation = 40,
    /// Seals the inputs of a pool's period.
    FreezePeriod = 41,
    /// Books a settlement.
    Settle = 42,
    /// Begins to pay a party.
    IssuePayout = 44,
    /// Says that a payout has gone out.
    SettlePayout = 45,
    /// Says that a payout did not go out.
    FailPayout = 46,
}

/// Founds the ledger; entry 0 and only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name of the log in checkpoints.
    pub origin: Origin,
    /// The operator's party.
    pub operator: PartyName,
    /// The operator's key, which signs the command.
    pub operator_key: PublicKey,
    /// The key that signs checkpoints.
    pub log_key: PublicKey,
    /// The log key's proof of possession.
    pub log_key_possession: Signature,
    /// The rules version in force from entry 0 on.
    pub rules_version: u32,
    /// How far a command's time may be from the recorded time, in milliseconds.
    pub time_window_ms: u64,
    /// The numbers of the actions that wait for a second operator.
    pub approvals: Vec<u32>,
    /// The hash of the terms that every party accepts.
    pub terms_hash: ContentHash,
}

/// Changes the charter from its own index on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendCharter {
    /// The new time window, in milliseconds.
    pub time_window_ms: u64,
    /// The log's new key; none where the key stays.
    pub log_key: Option<NewLogKey>,
}

/// A key that signs a log's checkpoints from an entry on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogKey {
    /// The key.
    pub key: PublicKey,
    /// Its proof of possession.
    pub possession: Signature,
}

/// Puts a new rules version in force from the next index on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The version.
    pub rules_version: u32,
}

/// What a party signed to be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The ledger that it applies to.
    pub ledger: LedgerId,
    /// The name it wants.
    pub name: PartyName,
    /// The roles it asks for, ascending, none twice.
    pub roles: Vec<Role>,
    /// Its key, which signs the application.
    pub public_key: PublicKey,
    /// The hash of the terms that it accepts.
    pub terms_hash: ContentHash,
}

/// Admits a party on its own signed application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmitParty {
    /// The decoded application.
    pub application: Application,
    /// The exact bytes of the application, which were signed.
    pub application_bytes: Vec<u8>,
    /// The applicant's signature.
    pub signature: Signature,
    /// Who stands behind the party; none means the party itself.
    pub beneficial_owner: Option<PartyName>,
}

/// Replaces the actor's key, which signs the command, by a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateKey {
    /// The new key.
    pub new_key: PublicKey,
    /// The new key's proof of possession.
    pub possession: Signature,
}

/// Ends a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeKey {
    /// The key.
    pub public_key: PublicKey,
    /// The first log index whose commands under this key are suspect.
    pub suspect_from: Option<u64>,
}

/// Ends all keys of a party and gives it a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceKey {
    /// The party.
    pub party: PartyName,
    /// The new key.
    pub new_key: PublicKey,
    /// The new key's proof of possession.
    pub possession: Signature,
}

/// How data came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContributionKind {
    /// Collected or made by the provider.
    Original,
    /// Labels on another contribution.
    Labels,
    /// Synthesized from other contributions.
    Synthesis,
    /// A cleaned form of another contribution.
    Cleaning,
    /// Several contributions merged.
    Merge,
}

/// Which pools may use a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolConsent {
    /// Every pool.
    Any,
    /// Only pools with a grant.
    Granted,
}

/// Who may derive from a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DerivationConsent {
    /// Every provider.
    Free,
    /// Only parties with a grant.
    Granted,
    /// Nobody.
    None,
}

/// The licence of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Licence {
    /// An SPDX licence expression.
    Spdx(String),
    /// The hash of a licence text.
    Text(ContentHash),
}

/// What a provider allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContributionTerms {
    /// Which pools may use the contribution.
    pub pools: PoolConsent,
    /// Who may derive from it.
    pub derivation: DerivationConsent,
    /// The least upstream that a child must name, in basis points.
    pub upstream_bps_min: u32,
    /// The licence.
    pub licence: Licence,
}

/// A contribution that another was derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parent {
    /// The id of the parent.
    pub contribution: ThingId,
    /// The part that the child passes up, in basis points.
    pub upstream_bps: u32,
}

/// Records one sealed version of a dataset of the actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordContribution {
    /// The dataset.
    pub dataset: DatasetName,
    /// The version, 1 to 999,999,999.
    pub version: u32,
    /// How the data came to be.
    pub kind: ContributionKind,
    /// The hash of the bytes.
    pub content_hash: ContentHash,
    /// The size of the bytes.
    pub content_bytes: u64,
    /// How many rows they hold, as the provider counts; 0 where rows mean nothing.
    pub rows: u64,
    /// What it was derived from, ascending by id.
    pub parents: Vec<Parent>,
    /// What the provider allows.
    pub terms: ContributionTerms,
    /// A description for people.
    pub description: String,
}

impl RecordContribution {
    /// Returns the full name under a party.
    pub fn name(&self, party: &PartyName) -> ContributionName {
        ContributionName {
            party: party.clone(),
            dataset: self.dataset.clone(),
            version: self.version,
        }
    }
}

/// Records many versions under one signature, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordContributions {
    /// The contributions, 1 to [`BULK_MAX`].
    pub contributions: Vec<RecordContribution>,
}

/// Ends the use of a contribution from a period on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawContribution {
    /// The contribution.
    pub contribution: ThingId,
    /// The first period for which no use may be declared any more.
    pub from_period: Period,
    /// The reason, for people.
    pub reason: String,
}

/// Whom a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// A pool that may use the contribution.
    Pool(PoolName),
    /// A party that may derive from it.
    ChildParty(PartyName),
}

/// Under which policy a grant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantedPolicy {
    /// Any policy.
    Any,
    /// The policy with this hash.
    Only(ContentHash),
}

/// Allows a pool to use a contribution, or a party to derive from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantUse {
    /// The contribution.
    pub contribution: ThingId,
    /// Whom the grant is for.
    pub grantee: Grantee,
    /// Under which policy; for a child's party always any.
    pub policy: GrantedPolicy,
    /// The first period that the grant covers.
    pub from_period: Period,
}

/// Ends a grant from a period on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeUse {
    /// The contribution.
    pub contribution: ThingId,
    /// Whose grant ends.
    pub grantee: Grantee,
    /// The first period that the grant no longer covers.
    pub from_period: Period,
}

/// A policy: an immutable rule document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The name for people.
    pub name: PolicyName,
    /// The IANA time zone in which periods begin and end.
    pub time_zone: String,
    /// How many days after a settlement its parties may object.
    pub objection_days: u32,
    /// The steps and their numbers.
    pub terms: PolicyTerms,
}

/// Publishes a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishPolicy {
    /// The policy.
    pub policy: Policy,
    /// BLAKE3 of the policy's serialized bytes, by which it is known.
    pub policy_hash: ContentHash,
}

/// The policy of a pool from an earning period on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolPolicy {
    /// The first earning period.
    pub from_period: Period,
    /// The hash of a published policy.
    pub policy_hash: ContentHash,
}

/// Opens a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPool {
    /// The name of the pool.
    pub name: PoolName,
    /// The paying party.
    pub payer: PartyName,
    /// The currency of its money.
    pub currency: Currency,
    /// How long its periods are.
    pub period_kind: PeriodKind,
    /// The party that values its contributions.
    pub evaluator: PartyName,
    /// The policies by earning period, ascending; at least one.
    pub policies: Vec<PoolPolicy>,
    /// The hash of the validation set; none where no valuation needs one.
    pub validation_hash: Option<ContentHash>,
}

/// How a declaration of use meets an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseMode {
    /// Adds to the period's list.
    Add,
    /// Replaces the period's list.
    Replace,
}

/// What data was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseClass {
    /// For profit.
    Commercial,
    /// For research.
    Research,
    /// In the public interest: priced at zero, still recorded and shown.
    PublicInterest,
}

/// Declares which contributions were used in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclareUse {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// Whether the list adds or replaces.
    pub mode: UseMode,
    /// What the data was used for.
    pub class: UseClass,
    /// The hash of the attached use list.
    pub use_list: ContentHash,
}

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevenueKind {
    /// Money in.
    Receipt,
    /// Money given back.
    Refund,
    /// Money taken back by a bank.
    Chargeback,
}

/// Posts money of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRevenue {
    /// The pool.
    pub pool: PoolName,
    /// The period that the money belongs to.
    pub period: Period,
    /// Which way it went.
    pub kind: RevenueKind,
    /// The amount, above zero.
    pub amount: Money,
    /// The external reference, unique in the pool.
    pub reference: String,
}

/// Claims money that the actor spent on a contribution of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimCost {
    /// The contribution.
    pub contribution: ThingId,
    /// The class of cost.
    pub class: CostClass,
    /// The amount, above zero.
    pub amount: Money,
    /// The hash of the evidence.
    pub evidence_hash: ContentHash,
    /// What the money was spent on, for people.
    pub note: String,
}

/// Decides on a claim, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveCost {
    /// The claim.
    pub claim: ThingId,
    /// The amount that is approved, from zero to the amount claimed.
    pub approved: Money,
    /// The reason where less is approved than was claimed.
    pub reason: String,
}

/// Imports a value table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportWeights {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The method.
    pub method: String,
    /// The parameters of the method as canonical JSON.
    pub parameters: String,
    /// The hash of the validation set; none where the method needs none.
    pub validation_hash: Option<ContentHash>,
    /// The hash of the attached value table.
    pub table_hash: ContentHash,
}

/// Commits to 32 secret bytes, which a seed is made from once they are revealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitReveal {
    /// The pool whose valuation the reveal is for.
    pub pool: PoolName,
    /// BLAKE3 of the bytes.
    pub commitment: ContentHash,
}

/// Asks the service to value what is in use in a pool's period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartValuation {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The method.
    pub method: String,
    /// The parameters of the method as canonical JSON.
    pub parameters: String,
    /// The hash of the validation set; none where the method needs none.
    pub validation_hash: Option<ContentHash>,
    /// The commitment of a reveal; none where the operator chooses the seed.
    pub commitment: Option<ContentHash>,
}

/// Records what a requested valuation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishValuation {
    /// The request.
    pub request: ThingId,
    /// The hash of the attached value table.
    pub table_hash: ContentHash,
    /// What was committed to; none where the request names no commitment.
    pub reveal: Option<Reveal>,
}

/// Seals the inputs of a pool's period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezePeriod {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
}

/// Books the settlement that was previewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The valuation whose weights are used.
    pub valuation: ThingId,
    /// The hash of the result's canonical JSON.
    pub result_hash: ContentHash,
}
