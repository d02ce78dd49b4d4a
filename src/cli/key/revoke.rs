//! `fenrun key revoke`: ends a key.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{PublicKey, RevokeKey, Signer};

/// Ends a key: one's own, or as operator anybody's
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The public key in hex [default: the key in use]
    #[arg(value_name = "PUBLIC-KEY")]
    public_key: Option<PublicKey>,
    /// The first log index whose commands under this key are suspect; undoes nothing
    #[arg(long, value_name = "INDEX")]
    suspect_from: Option<u64>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let public_key = match args.public_key {
        Some(key) => key,
        None => context.secret_key()?.public_key(),
    };
    let session = context.session().await?;
    let action = RevokeKey {
        public_key,
        suspect_from: args.suspect_from,
    };
    let recorded = session.submit(action).await?;
    let what = format!("the key {public_key} is revoked");
    context.show(&RecordedReport::new(what, &recorded))
}
