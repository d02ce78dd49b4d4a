//! What happens in the demo: every step is a signed command or a read over gRPC, as any party of
//! any ledger would send it.

use bytes::Bytes;

use super::cast::{
    CURRENCY, EVALUATOR, OPERATOR, PAYER, PERIOD, POOL, PROVIDERS, Provider, REVENUE, TERMS,
    VALIDATION, applicants,
};
use super::stage::Stage;
use super::valuing::{Used, Valued, value};
use crate::cli::{CommandError, Kind};
use crate::client::{Preview, Recorded, Session};
use crate::domain::{
    Action, Application, ApproveCost, ClaimCost, CommandId, ContentHash, ContributionKind,
    ContributionTerms, CostRecovery, DeclareUse, DerivationConsent, FreezePeriod, ImportWeights,
    KeptReceipt, Licence, Money, OpenPool, OperatorFee, PartyName, Period, PeriodKind, Policy,
    PolicyTerms, PoolConsent, PoolName, PoolPolicy, PostRevenue, PublishPolicy, RecordContribution,
    RevenueKind, Role, Settle, Signer, ThingId, UseClass, UseMode,
};
use crate::wire::{policy_hash, sign_application};

/// What a provider has after the story.
pub(super) struct Told {
    /// The provider.
    pub provider: &'static Provider,
    /// Its contribution.
    pub contribution: ThingId,
    /// Where it was recorded.
    pub recorded_index: u64,
}

/// What the story leaves to report on.
pub(super) struct Story {
    /// The providers, in the order in which they recorded.
    pub providers: Vec<Told>,
    /// What the evaluator found, and the value table that it imported.
    pub valued: Valued,
    /// What was previewed, and then booked.
    pub preview: Preview,
    /// A receipt that the first provider kept: its claim, recorded after the others' approvals.
    pub kept: KeptReceipt,
}

/// Plays the whole story on a founded ledger with its operator's key.
pub(super) async fn play(stage: &mut Stage) -> Result<Story, CommandError> {
    let operator = stage.session(&name(OPERATOR)?).await?;
    for (party, role) in applicants() {
        admit(stage, &operator, &name(party)?, role).await?;
    }
    let mut providers = Vec::with_capacity(PROVIDERS.len());
    for provider in &PROVIDERS {
        providers.push(contribute(stage, provider).await?);
    }
    open_pool(stage, &operator).await?;
    let claims = claim_costs(stage, &operator, &providers).await?;
    bring_revenue(stage, &providers).await?;
    freeze(&operator).await?;
    let (valued, valuation) = import_values(stage, &providers).await?;
    let preview = settle(&operator, valuation).await?;
    let (Some(first), Some(claim)) = (providers.first(), claims.last()) else {
        return Err(fault("nobody of the cast claims a cost"));
    };
    let kept = kept_receipt(stage, first, claim)?;
    Ok(Story {
        providers,
        valued,
        preview,
        kept,
    })
}

/// Says that the demo itself is at fault.
pub(super) fn fault(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
    CommandError::new(Kind::Fault, error)
}

/// Reads a name of the cast.
pub(super) fn name(text: &str) -> Result<PartyName, CommandError> {
    text.parse().map_err(fault)
}

fn pool() -> Result<PoolName, CommandError> {
    POOL.parse().map_err(fault)
}

fn period() -> Result<Period, CommandError> {
    PERIOD.parse().map_err(fault)
}

/// Returns an amount in the currency of the pool.
pub(super) fn money(minor_units: i64) -> Result<Money, CommandError> {
    Ok(Money {
        minor_units,
        currency: CURRENCY.parse().map_err(fault)?,
    })
}

/// A party applies with its own signature, and the operator admits it on that.
async fn admit(
    stage: &mut Stage,
    operator: &Session,
    party: &PartyName,
    role: Role,
) -> Result<Recorded, CommandError> {
    let key = stage.new_key(party)?;
    let application = Application {
        ledger: operator.ledger(),
        name: party.clone(),
        roles: vec![role],
        public_key: key.public_key(),
        terms_hash: ContentHash::of(TERMS.as_bytes()),
    };
    Ok(operator
        .submit(sign_application(key.as_ref(), application))
        .await?)
}

/// A provider uploads its file and records what it uploaded.
async fn contribute(stage: &Stage, provider: &'static Provider) -> Result<Told, CommandError> {
    let session = stage.session(&name(provider.name)?).await?;
    let csv = Bytes::from_static(provider.csv);
    let content_hash = session.connection().upload(csv).await?;
    let lines = provider.csv.iter().filter(|byte| **byte == b'\n').count();
    let record = RecordContribution {
        dataset: "digits".parse().map_err(fault)?,
        version: 1,
        kind: ContributionKind::Original,
        content_hash,
        content_bytes: u64::try_from(provider.csv.len()).unwrap_or(u64::MAX),
        // The first line is the header.
        rows: u64::try_from(lines.saturating_sub(1)).unwrap_or(u64::MAX),
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::None,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: "Handwritten digits, 8 by 8 pixels".to_owned(),
    };
    let recorded = session.submit(record).await?;
    Ok(Told {
        provider,
        contribution: recorded.command_id.thing(0),
        recorded_index: recorded.receipt.index,
    })
}

/// The operator publishes the rules and opens the pool; the evaluator's validation set is named
/// before anybody declares a use.
async fn open_pool(stage: &Stage, operator: &Session) -> Result<(), CommandError> {
    let policy = Policy {
        name: "costs-first".parse().map_err(fault)?,
        time_zone: "Asia/Shanghai".to_owned(),
        objection_days: 14,
        terms: PolicyTerms {
            operator_fee: Some(OperatorFee {
                bps: 500,
                flat: 0,
                cap: None,
            }),
            cost_recovery: Some(CostRecovery {
                tier_cap_bps: 4_000,
                classes: vec!["direct".to_owned(), "labelling".to_owned()],
            }),
            ..PolicyTerms::default()
        },
    };
    let policy_hash = policy_hash(&policy);
    let publish = PublishPolicy {
        policy,
        policy_hash,
    };
    operator.submit(publish).await?;
    let evaluator = stage.session(&name(EVALUATOR)?).await?;
    let validation = Bytes::from_static(VALIDATION);
    let validation_hash = evaluator.connection().upload(validation).await?;
    let from_period = period()?;
    let open = OpenPool {
        name: pool()?,
        payer: name(PAYER)?,
        currency: money(0)?.currency,
        period_kind: PeriodKind::Month,
        evaluator: name(EVALUATOR)?,
        policies: vec![PoolPolicy {
            from_period,
            policy_hash,
        }],
        validation_hash: Some(validation_hash),
    };
    operator.submit(open).await?;
    Ok(())
}

/// Who spent money claims it, with evidence; the operator decides. Those who recorded last come
/// first here, so that the first provider's receipt covers what was approved for the others.
async fn claim_costs(
    stage: &Stage,
    operator: &Session,
    providers: &[Told],
) -> Result<Vec<CommandId>, CommandError> {
    let mut claims = Vec::new();
    for told in providers.iter().rev() {
        let provider = told.provider;
        if provider.claimed == 0 {
            continue;
        }
        let session = stage.session(&name(provider.name)?).await?;
        let claim = ClaimCost {
            contribution: told.contribution,
            class: "labelling".parse().map_err(fault)?,
            amount: money(provider.claimed)?,
            evidence_hash: ContentHash::of(b"The invoices of the labellers.\n"),
            note: "Paid to people who labelled".to_owned(),
        };
        let claimed = session.submit(claim).await?.command_id;
        let less = provider.approved < provider.claimed;
        let reason = if less {
            "One invoice is of another project"
        } else {
            ""
        };
        let approve = ApproveCost {
            claim: claimed.thing(0),
            approved: money(provider.approved)?,
            reason: reason.to_owned(),
        };
        operator.submit(approve).await?;
        claims.push(claimed);
    }
    Ok(claims)
}

/// The payer declares what its model used and brings the revenue.
async fn bring_revenue(stage: &Stage, providers: &[Told]) -> Result<(), CommandError> {
    let payer = stage.session(&name(PAYER)?).await?;
    let mut ids: Vec<ThingId> = providers.iter().map(|told| told.contribution).collect();
    ids.sort();
    let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let use_list = payer.connection().upload(Bytes::from(list)).await?;
    let declare = DeclareUse {
        pool: pool()?,
        period: period()?,
        mode: UseMode::Add,
        class: UseClass::Commercial,
        use_list,
    };
    payer.submit(declare).await?;
    let post = PostRevenue {
        pool: pool()?,
        period: period()?,
        kind: RevenueKind::Receipt,
        amount: money(REVENUE)?,
        reference: "bank-2026-10-0001".to_owned(),
    };
    payer.submit(post).await?;
    Ok(())
}

async fn freeze(operator: &Session) -> Result<Recorded, CommandError> {
    let freeze = FreezePeriod {
        pool: pool()?,
        period: period()?,
    };
    Ok(operator.submit(freeze).await?)
}

/// The evaluator values what is in use and signs the table.
async fn import_values(
    stage: &Stage,
    providers: &[Told],
) -> Result<(Valued, ThingId), CommandError> {
    let evaluator = stage.session(&name(EVALUATOR)?).await?;
    let mut used = Vec::with_capacity(providers.len());
    for told in providers {
        used.push(Used {
            id: told.contribution,
            place: (told.recorded_index, 0),
            owner: name(told.provider.name)?,
            csv: told.provider.csv,
        });
    }
    let valued = value(&used)?;
    let table = &valued.table;
    let bytes = table.encode().map_err(fault)?;
    let table_hash = evaluator.connection().upload(Bytes::from(bytes)).await?;
    let import = ImportWeights {
        pool: pool()?,
        period: period()?,
        method: table.method.clone(),
        parameters: table.parameters_json().map_err(fault)?,
        validation_hash: Some(ContentHash::of(VALIDATION)),
        table_hash,
    };
    let imported = evaluator.submit(import).await?;
    Ok((valued, imported.command_id.thing(0)))
}

/// The operator looks at the result first, and then books exactly that.
async fn settle(operator: &Session, valuation: ThingId) -> Result<Preview, CommandError> {
    let connection = operator.connection();
    let preview = connection
        .preview(&pool()?, &period()?, &valuation.to_string())
        .await?;
    let action: Action = Settle {
        pool: pool()?,
        period: period()?,
        valuation,
        result_hash: preview.result_hash,
    }
    .into();
    operator.submit(action).await?;
    Ok(preview)
}

/// Returns the receipt that a provider kept of a command.
fn kept_receipt(
    stage: &Stage,
    told: &Told,
    command: &CommandId,
) -> Result<KeptReceipt, CommandError> {
    let receipts = stage.receipts(&name(told.provider.name)?);
    let kept = receipts.get(&stage.pins.ledger, command);
    kept.map_err(fault)?
        .ok_or_else(|| fault("a receipt was not kept"))
}
