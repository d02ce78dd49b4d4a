//! `fenrun witness`: cosigns the checkpoints of logs that only grow, and remembers them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::context::read_key;
use super::report::{Report, facts};
use super::serve::stop_signal;
use super::{CommandError, Context, Kind};
use crate::client::write_durably;
use crate::domain::{Origin, Signer};
use crate::engine::SystemClock;
use crate::keys::StrictVerifier;
use crate::merkle::{VerifierKey, WitnessKey};
use crate::telemetry::{DEFAULT_FILTER, LogFormat, init};
use crate::web::{Memory, Witnessing, witness_router};

/// Where a witness listens where nobody says.
const LISTEN_DEFAULT: &str = "127.0.0.1:7412";
/// The file that one witness at a time has locked.
const LOCK: &str = "lock";

/// Runs a witness until ctrl-c or SIGTERM: cosigns checkpoints of logs that only grow
///
/// It speaks C2SP tlog-witness over plain HTTP; put a proxy that ends TLS before it where the log
/// is on another machine. Its key must serve nothing else: make one with `fenrun key new`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The name of the witness, such as witness.example/one
    #[arg(long, value_name = "NAME")]
    name: Origin,
    /// A log to watch, by its verifier key; repeatable
    #[arg(long, value_name = "KEY", required = true)]
    log_key: Vec<VerifierKey>,
    /// The folder in which it remembers what it has cosigned; never go back to an older copy
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = LISTEN_DEFAULT)]
    listen: String,
    /// The form of the log on standard error
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Debug, Serialize)]
struct Listening {
    url: String,
    witness_key: String,
}

impl Report for Listening {
    fn text(&self) -> String {
        facts(&[
            ("witness key", self.witness_key.clone()),
            ("listening at", self.url.clone()),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    init(args.log_format, DEFAULT_FILTER).map_err(CommandError::input)?;
    let signer = read_key(&context.key_path()?)?;
    let key = WitnessKey {
        name: args.name.clone(),
        key: signer.public_key(),
    };
    let shown = args.state.display().to_string();
    let memory = Remembered::open(args.state)
        .map_err(|error| CommandError::input(format!("{shown} cannot be used: {error}")))?;
    let listener = TcpListener::bind(&args.listen).await.map_err(|error| {
        CommandError::input(format!("{} cannot be listened at: {error}", args.listen))
    })?;
    let bound = listener.local_addr().map_err(CommandError::input)?;
    let witness = Witnessing {
        name: args.name,
        signer: Arc::new(signer),
        logs: args.log_key,
        verifier: Arc::new(StrictVerifier),
        clock: Arc::new(SystemClock::new()),
        memory: Mutex::new(Box::new(memory)),
    };
    let stop = stop_signal()?;
    context.show(&Listening {
        url: format!("http://{bound}"),
        witness_key: key.to_string(),
    })?;
    axum::serve(listener, witness_router(Arc::new(witness)))
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| CommandError::new(Kind::Fault, error))
}

/// A folder with the last checkpoint of each log, in files that are replaced in one step.
struct Remembered {
    folder: PathBuf,
    /// Locked as long as the witness runs.
    _lock: File,
}

impl Remembered {
    fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        lock.try_lock()
            .map_err(|error| io::Error::other(format!("another witness has it: {error}")))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    fn path(&self, log: &Origin) -> PathBuf {
        let digest = Sha256::digest(log.as_str().as_bytes());
        Path::new(&self.folder).join(format!("{}.checkpoint", hex::encode(digest)))
    }
}

impl Memory for Remembered {
    fn last(&self, log: &Origin) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.path(log)) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep(&self, log: &Origin, note: &str) -> io::Result<()> {
        write_durably(&self.path(log), note.as_bytes(), false)
    }
}
