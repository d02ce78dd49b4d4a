//! `fenrun pool open`.

use std::path::PathBuf;

use crate::cli::choices::{Choice, pool_name};
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{ContentHash, Currency, OpenPool, PartyName, Period, PeriodKind, PoolPolicy};

/// Opens a pool for one payer's model or product; by the operator
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The name, for good
    #[arg(value_name = "POOL")]
    name: String,
    /// The party that pays
    #[arg(long, value_name = "PARTY")]
    payer: PartyName,
    /// The party that values
    #[arg(long, value_name = "PARTY")]
    evaluator: PartyName,
    /// The currency, such as CNY
    #[arg(long, value_name = "CODE")]
    currency: Currency,
    /// How long a period is
    #[arg(long, value_enum, default_value_t = Choice(PeriodKind::Month))]
    periods: Choice<PeriodKind>,
    /// The policy from a period on: PERIOD=HASH, the hash as published; repeatable
    #[arg(long, value_name = "PERIOD=HASH", required = true, value_parser = pool_policy)]
    policy: Vec<PoolPolicy>,
    /// The validation set that valuations use: a file, which is only hashed
    #[arg(long, value_name = "FILE", conflicts_with = "validation_hash")]
    validation: Option<PathBuf>,
    /// BLAKE3 of the validation set instead of its file
    #[arg(long, value_name = "HASH")]
    validation_hash: Option<ContentHash>,
}

fn pool_policy(text: &str) -> Result<PoolPolicy, String> {
    let form = "a policy is written PERIOD=HASH, such as 2026-01=6f3a...";
    let (period, hash) = text.split_once('=').ok_or(form)?;
    Ok(PoolPolicy {
        from_period: period
            .parse::<Period>()
            .map_err(|error| error.to_string())?,
        policy_hash: hash
            .parse::<ContentHash>()
            .map_err(|error| error.to_string())?,
    })
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let name = pool_name(&args.name)?;
    let validation_hash = match (&args.validation, args.validation_hash) {
        (Some(path), _) => Some(crate::cli::hash::of_file(path)?.hash),
        (None, hash) => hash,
    };
    let mut policies = args.policy;
    policies.sort_by_key(|policy| policy.from_period);
    let session = context.session().await?;
    let action = OpenPool {
        name: name.clone(),
        payer: args.payer,
        currency: args.currency,
        period_kind: args.periods.0,
        evaluator: args.evaluator,
        policies,
        validation_hash,
    };
    let recorded = session.submit(action).await?;
    let what = format!("pools/{name} is open");
    context.show(&RecordedReport::new(what, &recorded).created())
}
