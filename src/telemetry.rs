//! Where the log of the process goes: standard error, as text for people or as JSON for machines.
//!
//! What is logged is each module's to say; none of them may log a secret, a token or the content
//! of a command. Data goes to standard output, so the two never mix.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged where nobody says otherwise: what is out of the ordinary and each refused call.
pub const DEFAULT_FILTER: &str = "fenrun=info,warn";

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: colours on a terminal only.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why the log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("{filter:?} is no log filter; write it like {DEFAULT_FILTER:?}")]
    Filter {
        /// As given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// There is one already.
    #[error("the log of this process is set up already")]
    Again(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes the log of this process to standard error, from now on.
///
/// # Errors
/// The filter is not one, or the log was set up before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = read_filter(filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(TelemetryError::Again)
}

fn read_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.chars().take(200).collect(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_or_refused_with_what_to_write() {
        read_filter(DEFAULT_FILTER).unwrap();
        read_filter("debug").unwrap();
        let error = read_filter("fenrun=loud").unwrap_err();
        assert!(error.to_string().contains(DEFAULT_FILTER), "{error}");
    }
}
