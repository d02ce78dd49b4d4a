//! The command line: one file a subcommand, a folder a group.
//!
//! Three steps: what was typed ([`args`]), what is meant ([`crate::config`]), what is done (one
//! `run` a command, which gets a [`Context`]). Data goes to standard output and everything else
//! to standard error; each error has a kind, which is the exit code, and says what to do.
//!
//! A new command is a file with an `Args` and a `run`, and a line in the list of its group.

mod all;
pub mod args;
mod audit;
mod backup;
mod book;
mod choices;
mod command;
mod completions;
mod config;
mod connect;
mod context;
mod contribute;
mod contribution;
mod cost;
mod data_folder;
mod demo;
pub mod error;
mod explain;
mod fsck;
mod guarding;
pub mod hash;
mod init;
mod key;
mod log;
mod log_signers;
mod party;
mod payout;
mod policy;
mod pool;
mod progress;
mod recorded;
mod reindex;
mod report;
mod restore;
mod revenue;
mod serve;
mod service_keys;
mod settlement;
mod statement;
mod uses;
mod valuation;
mod verify;
mod witness;

pub mod calc;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::client::Now;
use crate::config::{Environment, Output, Settings};
use crate::engine::{Clock, SystemClock};

pub use context::{Context, Streams};
pub use error::{CommandError, Kind};
pub use report::Report;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let clock = SystemClock::new();
    let now: Now = Arc::new(move || clock.now());
    let mut streams = Streams {
        stdin: &mut io::stdin(),
        stdout: &mut io::stdout().lock(),
        stderr: &mut io::stderr(),
        terminal: io::stderr().is_terminal(),
    };
    let arguments = std::env::args_os().collect();
    ExitCode::from(run(arguments, Environment::of_process(), &mut streams, now))
}

/// Runs one command line and returns the exit code.
pub fn run(
    arguments: Vec<OsString>,
    environment: Environment,
    streams: &mut Streams<'_>,
    now: Now,
) -> u8 {
    let cli = match args::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error, streams),
    };
    let typed = cli.global.typed();
    let wanted = typed.output;
    let result = Settings::new(typed, environment)
        .map_err(CommandError::from)
        .and_then(|settings| {
            let output = settings.output.as_ref().map(|output| output.value);
            execute(cli.commands, Context::new(settings, streams, now))
                .map_err(|error| error.with_output(output))
        });
    match result {
        Ok(()) => 0,
        Err(error) => {
            let output = error.output().or(wanted);
            // What cannot be said on standard error cannot be said at all.
            let _ = error.print(streams.stderr, output == Some(Output::Json));
            error.kind().code()
        }
    }
}

fn execute(commands: all::Args, mut context: Context<'_, '_>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(Kind::Fault, error))?;
    runtime.block_on(all::run(commands, &mut context))?;
    context.flush()
}

/// Prints help and version to standard output and everything else to standard error.
fn print_usage(error: &clap::Error, streams: &mut Streams<'_>) -> u8 {
    let text = error.render().to_string();
    let (output, code): (&mut dyn Write, u8) = if error.use_stderr() {
        (&mut *streams.stderr, Kind::Input.code())
    } else {
        (&mut *streams.stdout, 0)
    };
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Ok(()) => code,
        Err(_) => Kind::Fault.code(),
    }
}
