//! `fenrun valuation reveal`.

use bytes::Bytes;
use serde::Serialize;

use super::commit::reveal_path;
use crate::cli::report::Report;
use crate::cli::{CommandError, Context};
use crate::domain::{ContentHash, ThingId};

/// How many requests are looked through for the one that names the commitment.
const REQUESTS_MAX: usize = 10_000;

/// Uploads the bytes that were committed to, once a request names them
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The commitment, as `valuation commit` printed it
    #[arg(value_name = "HASH")]
    commitment: ContentHash,
}

#[derive(Debug, Serialize)]
struct Revealed {
    commitment: ContentHash,
    request: ThingId,
}

impl Report for Revealed {
    fn text(&self) -> String {
        format!(
            "{} is revealed for the request {}",
            self.commitment, self.request
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let commitment = args.commitment;
    let path = reveal_path(&context.settings.folder.value, &commitment);
    let shown = path.display();
    let bytes = std::fs::read(&path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    if ContentHash::of(&bytes) != commitment {
        return Err(CommandError::input(format!(
            "{shown} has other bytes than were committed to"
        )));
    }
    let connection = context.connect().await?;
    let requests = connection
        .valuation_requests(None, None, REQUESTS_MAX)
        .await?;
    let named = requests
        .items
        .iter()
        .find(|one| one.commitment == Some(commitment));
    let Some(request) = named.map(|one| one.id) else {
        let error = "no request for a valuation names the commitment yet";
        return Err(CommandError::input(error).hint(
            "Whoever knows the bytes before that could choose the seed; wait for the operator.",
        ));
    };
    connection.upload(Bytes::from(bytes)).await?;
    context.show(&Revealed {
        commitment,
        request,
    })
}
