//! The service of the demo: a founded folder, opened and served on a free port of this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::cast::{OPERATOR, TERMS};
use super::story::{fault, name};
use crate::cli::CommandError;
use crate::cli::data_folder::open;
use crate::cli::guarding::beside;
use crate::cli::init::{Founding, found_in};
use crate::client::{Pins, Target};
use crate::domain::{ContentHash, UnixMillis};
use crate::engine::{Clock, Engine, OpenedFolder, SystemClock};
use crate::keys::SecretKey;
use crate::service::{ServeError, ServeLimits, ServeOptions, serve};
use crate::store::log::Guarding;

/// The name of the demo's log.
const ORIGIN: &str = "fenrun.example/demo";
/// The time window of the demo's ledger, in milliseconds.
const WINDOW_MS: u64 = 600_000;
/// How long calls have to finish when the service stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Founds the demo's ledger in a folder.
pub(super) fn found(
    dir: &Path,
    operator_key: &SecretKey,
    log_key: &SecretKey,
    now: UnixMillis,
) -> Result<Pins, CommandError> {
    let founding = Founding {
        origin: ORIGIN.parse().map_err(fault)?,
        operator: name(OPERATOR)?,
        terms_hash: ContentHash::of(TERMS.as_bytes()),
        time_window_ms: WINDOW_MS,
    };
    let guard = beside(dir);
    let founded = found_in(dir, &guard, &founding, operator_key, log_key, now)?;
    Ok(Pins {
        ledger: founded.ledger,
        log_keys: vec![founded.verifier_key],
    })
}

/// A service that runs.
pub(super) struct House {
    /// Where it listens.
    pub target: Target,
    engine: Engine,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl House {
    /// Opens a folder and serves it.
    pub async fn open(dir: &Path, guard: Guarding) -> Result<Self, CommandError> {
        let dir = dir.to_owned();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let opened = tokio::task::spawn_blocking(move || open(&dir, guard, clock)).await;
        let OpenedFolder { engine, blobs, .. } = opened.map_err(fault)??;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let (stop, stopped) = oneshot::channel();
        let options = ServeOptions {
            listener,
            tls: None,
            insecure: false,
            witnesses: None,
            jobs: None,
            limits: ServeLimits::default(),
            shutdown: async move {
                // A sender that is gone says the same as one that sends.
                let _ = stopped.await;
            },
            shutdown_deadline: STOP_WITHIN,
        };
        let serving = tokio::spawn(serve(engine.clone(), blobs, options));
        let target = Target::new(&format!("http://{address}"), None, false).map_err(fault)?;
        Ok(Self {
            target,
            engine,
            stop,
            serving,
        })
    }

    /// Returns the leaves of the whole log.
    pub fn leaves(&self) -> Result<Vec<Bytes>, CommandError> {
        let log = self.engine.log();
        log.leaves(0, log.size(), usize::MAX).map_err(fault)
    }

    /// Stops the service; the folder is whole and free afterwards.
    pub async fn close(self) -> Result<(), CommandError> {
        // A service that has ended by itself no longer listens, and says why below.
        let _ = self.stop.send(());
        let served = self.serving.await.map_err(fault)?;
        self.engine.shutdown(STOP_WITHIN).await;
        served.map_err(fault)
    }
}
