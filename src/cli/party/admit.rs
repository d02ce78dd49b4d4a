//! `fenrun party admit`: admits a party on its own signed application.

use std::path::PathBuf;

use super::application::ApplicationFile;
use crate::cli::recorded::RecordedReport;
use crate::cli::report::Report;
use crate::cli::{CommandError, Context};
use crate::domain::{AdmitParty, KeyId, PartyName};

/// Admits a party on its own signed application; by the operator
///
/// Shows the application and asks, unless --fingerprint says what the applicant told another way.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file that `fenrun party apply` wrote
    #[arg(value_name = "FILE")]
    application: PathBuf,
    /// Who stands behind the party [default: the party itself]
    #[arg(long, value_name = "NAME")]
    owner: Option<PartyName>,
    /// The fingerprint that the applicant told by another way; refused if it is not the one
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<KeyId>,
    /// Does not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let signed = ApplicationFile::read(&args.application)?.verified()?;
    context.note(&signed.text())?;
    match args.fingerprint {
        Some(told) if told != signed.fingerprint => {
            let error = format!(
                "the application is signed by {}, not by {told}",
                signed.fingerprint
            );
            return Err(CommandError::input(error).hint("Somebody else's key is in this file."));
        }
        Some(_) => {}
        None if args.yes => {}
        None => ask(context)?,
    }
    let session = context.session().await?;
    if signed.ledger != session.ledger() {
        let error = format!("the application is for ledger {}", signed.ledger);
        return Err(CommandError::input(error).hint("The applicant has to connect to this one."));
    }
    let name = signed.name.clone();
    let action = AdmitParty {
        application: signed.application,
        application_bytes: signed.bytes,
        signature: signed.signature,
        beneficial_owner: args.owner,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(format!("{name} is admitted"), &recorded).created())
}

fn ask(context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    if context.says_yes("Is this the fingerprint that you were told?")? {
        return Ok(());
    }
    Err(CommandError::input("nobody was admitted")
        .hint("Say --fingerprint HEX with what the applicant told you, or --yes."))
}
