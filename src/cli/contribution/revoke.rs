//! `fenrun contribution revoke`.

use super::grant::{GranteeArgs, shown};
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{Period, RevokeUse};

/// Ends a grant from a period on; what was earned stays earned
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(value_name = "CONTRIBUTION")]
    contribution: String,
    #[command(flatten)]
    grantee: GranteeArgs,
    /// The first period that the grant no longer covers
    #[arg(long, value_name = "PERIOD")]
    from: Period,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let grantee = args.grantee.grantee()?;
    let session = context.session().await?;
    let contribution = session
        .connection()
        .contribution(&args.contribution)
        .await?;
    let what = format!(
        "the grant of {} to {} is revoked",
        contribution.name,
        shown(&grantee)
    );
    let action = RevokeUse {
        contribution: contribution.id,
        grantee,
        from_period: args.from,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded))
}
