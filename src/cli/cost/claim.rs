//! `fenrun cost claim`.

use std::path::PathBuf;

use crate::cli::contribute::upload_attachment;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{ClaimCost, ContentHash, CostClass, Money};

/// Claims money that you spent on a contribution of your own
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(value_name = "CONTRIBUTION")]
    contribution: String,
    /// The amount with its currency, such as "1050.03 CNY"
    #[arg(value_name = "AMOUNT")]
    amount: Money,
    /// The class of cost, as the pool's policy names it
    #[arg(long, value_name = "CLASS")]
    class: CostClass,
    /// The evidence: a file, which is uploaded
    #[arg(long, value_name = "FILE", conflicts_with = "evidence_hash")]
    evidence: Option<PathBuf>,
    /// BLAKE3 of the evidence, which is not uploaded then
    #[arg(long, value_name = "HASH", required_unless_present = "evidence")]
    evidence_hash: Option<ContentHash>,
    /// What the money was spent on, for people
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let contribution = session
        .connection()
        .contribution(&args.contribution)
        .await?;
    let evidence_hash = match (args.evidence_hash, &args.evidence) {
        (Some(hash), _) => hash,
        (None, Some(path)) => upload_attachment(path, &session, context.streams.terminal).await?,
        (None, None) => {
            return Err(CommandError::input(
                "--evidence or --evidence-hash is needed",
            ));
        }
    };
    let amount = args.amount;
    let action = ClaimCost {
        contribution: contribution.id,
        class: args.class,
        amount,
        evidence_hash,
        note: args.note,
    };
    let recorded = session.submit(action).await?;
    let what = format!("{amount} is claimed for {}", contribution.name);
    context.show(&RecordedReport::new(what, &recorded).created())
}
