//! What is typed, and nothing more: which commands and flags there are.

use std::path::PathBuf;

use crate::config::{Language, Output, Typed};

/// Declares a group of commands: each is a module with an `Args` and a `run`.
macro_rules! commands {
    ($(#[$meta:meta])* $($variant:ident => $($module:ident)::+,)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, clap::Args)]
        pub struct Args {
            #[command(subcommand)]
            command: Choice,
        }

        #[derive(Debug, Clone, clap::Subcommand)]
        #[allow(clippy::large_enum_variant, reason = "a process makes one")]
        enum Choice {
            $($variant($($module)::+::Args),)*
        }

        pub(in crate::cli) async fn run(
            args: Args,
            context: &mut $crate::cli::Context<'_, '_>,
        ) -> Result<(), $crate::cli::CommandError> {
            match args.command {
                $(Choice::$variant(args) => $($module)::+::run(args, context).await,)*
            }
        }
    };
}
pub(in crate::cli) use commands;

/// Records who contributed which data to AI, values it, shares the money, and lets anyone check
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "fenrun",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub(in crate::cli) global: GlobalArgs,
    #[command(flatten)]
    pub(in crate::cli) commands: super::all::Args,
}

/// The flags of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct GlobalArgs {
    /// The service: http://HOST:PORT, or https:// for other machines [env: FENRUN_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// The pinned ledger and who one is there [env: FENRUN_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// The party that signs [env: FENRUN_PARTY]
    #[arg(long, global = true, value_name = "NAME")]
    party: Option<String>,
    /// The file of its key, PKCS#8 PEM [env: FENRUN_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The data folder of a ledger on this machine [env: FENRUN_DIR]
    #[arg(long, global = true, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The file of its guard, best on another disk [env: FENRUN_GUARD] [default: FOLDER.guard]
    #[arg(long, global = true, value_name = "FILE")]
    guard: Option<PathBuf>,
    /// Certificates to trust instead of the system's, PEM
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Allows http to and from other machines, which anybody on the way can read and change
    #[arg(long, global = true)]
    insecure: bool,
    /// How results are printed: text or json [env: FENRUN_OUTPUT]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    output: Option<Output>,
    /// The language for people: en [env: FENRUN_LANG]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LANGUAGE",
        hide_possible_values = true
    )]
    lang: Option<Language>,
}

impl GlobalArgs {
    /// Returns the settings as they were typed.
    pub(in crate::cli) fn typed(&self) -> Typed {
        Typed {
            server: self.server.clone(),
            profile: self.profile.clone(),
            party: self.party.clone(),
            key: self.key.clone(),
            dir: self.dir.clone(),
            guard: self.guard.clone(),
            ca: self.ca.clone(),
            insecure: self.insecure,
            output: self.output,
            lang: self.lang,
        }
    }
}
