//! `fenrun connect`: shows what a service is and pins it in a profile.

use serde::Serialize;

use super::report::{Report, facts};
use super::{CommandError, Context, Kind};
use crate::client::{Connection, LedgerFacts};
use crate::config::ConfigFile;
use crate::domain::LedgerId;
use crate::merkle::VerifierKey;

/// Shows the ledger of a service and pins its id and verifier keys in a profile
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The service: http://HOST:PORT, or https:// for other machines
    #[arg(value_name = "URL")]
    url: String,
    /// The verifier key that the operator gave you another way; refused if it is not the one
    #[arg(long, value_name = "KEY")]
    verifier_key: Option<VerifierKey>,
    /// The ledger id that the operator gave you another way; refused if it is not the one
    #[arg(long, value_name = "ID")]
    ledger: Option<LedgerId>,
}

#[derive(Debug, Serialize)]
struct Pinned {
    profile: String,
    server: String,
    #[serde(flatten)]
    facts: LedgerFacts,
    checked: bool,
}

impl Report for Pinned {
    fn text(&self) -> String {
        let keys = &self.facts.verifier_keys;
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let mut text = facts(&[
            ("server", self.server.clone()),
            ("log", self.facts.origin.to_string()),
            ("ledger", self.facts.ledger.to_string()),
            ("verifier key", keys.join(" ")),
            ("rules version", self.facts.rules_version.to_string()),
            ("profile", self.profile.clone()),
        ]);
        if !self.checked {
            text.push_str(
                "\n\nPinned as shown. Compare ledger id and verifier key with what the operator \
                 published elsewhere.",
            );
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let target = context.target_at(&args.url)?;
    let facts = Connection::look(&target).await?;
    compare(&args, &facts)?;
    let name = context.settings.profile.value.clone();
    let known = context.settings.pins.as_ref();
    if let Some(pins) = known
        && pins.value.ledger != facts.ledger
    {
        let (pinned, found) = (pins.value.ledger, facts.ledger);
        let error = format!("the profile {name} is pinned to ledger {pinned}, and this is {found}");
        return Err(CommandError::new(Kind::Finding, error)
            .hint("For another ledger say --profile with a new name."));
    }
    let settings = &context.settings;
    let party = settings.party.as_ref().map(|party| party.value.to_string());
    let key = settings.key.as_ref().map(|key| absolute(&key.value));
    let ca = settings.ca.as_ref().map(|ca| absolute(&ca.value));
    let keys: Vec<String> = facts
        .verifier_keys
        .iter()
        .map(ToString::to_string)
        .collect();
    let insecure = settings.insecure.value;
    ConfigFile::change(&settings.folder.value, |file| {
        file.profile.get_or_insert_with(|| name.clone());
        let profile = file.profiles.entry(name.clone()).or_default();
        profile.server = Some(args.url.clone());
        profile.ledger = Some(facts.ledger.to_string());
        profile.verifier_keys = keys;
        profile.party = party.or(profile.party.take());
        profile.key = key.or(profile.key.take());
        profile.ca = ca.or(profile.ca.take());
        profile.insecure = insecure;
    })?;
    context.show(&Pinned {
        profile: name,
        server: args.url,
        checked: args.verifier_key.is_some() && args.ledger.is_some(),
        facts,
    })
}

fn compare(args: &Args, facts: &LedgerFacts) -> Result<(), CommandError> {
    let finding = |what: &str, expected: String, found: String| {
        let error = format!("the service has the {what} {found}, not {expected}");
        Err(CommandError::new(Kind::Finding, error)
            .hint("Nothing was pinned. This is not the ledger that you were told of."))
    };
    if let Some(ledger) = args.ledger.filter(|ledger| *ledger != facts.ledger) {
        return finding("ledger id", ledger.to_string(), facts.ledger.to_string());
    }
    if let Some(key) = &args.verifier_key
        && !facts.verifier_keys.contains(key)
    {
        let found: Vec<String> = facts
            .verifier_keys
            .iter()
            .map(ToString::to_string)
            .collect();
        return finding("verifier key", key.to_string(), found.join(" "));
    }
    Ok(())
}

/// Returns a path that means the same from another folder.
pub(super) fn absolute(path: &std::path::Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
