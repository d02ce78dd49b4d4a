//! `fenrun serve`: runs the service over a data folder until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::data_folder::open;
use super::guarding::guarding;
use super::report::Report;
use super::service_keys::FolderServiceKeys;
use super::{CommandError, Context, Kind};
use crate::config::{CONFIG_FILE, pick};
use crate::domain::LedgerId;
use crate::engine::{JobOptions, Jobs, OpenedFolder, SystemClock};
use crate::merkle::{Policy, VerifierKey};
use crate::service::{ServeError, ServeLimits, ServeOptions, TlsIdentity, serve};
use crate::telemetry::{DEFAULT_FILTER, LogFormat, init};
use crate::web::WitnessPolicy;

/// Where the service listens where nobody says.
pub(super) const LISTEN_DEFAULT: &str = "127.0.0.1:7411";
/// How long calls have to finish when the service stops, in seconds.
const STOP_SECONDS_DEFAULT: u64 = 10;

/// Runs the service over a data folder until ctrl-c or SIGTERM
///
/// A listener that is not on this machine's loopback needs TLS, or --insecure.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen [env: FENRUN_LISTEN] [default: 127.0.0.1:7411]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The certificate chain, PEM [env: FENRUN_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's secret key, PEM [env: FENRUN_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A C2SP tlog-policy file: nothing is published without its quorum of witnesses
    /// [env: FENRUN_WITNESS_POLICY]
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Publishes without waiting for the quorum; cosignatures are added when they are there
    #[arg(long)]
    cosign_in_background: bool,
    /// The form of the log on standard error
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// What is logged: targets and levels [env: FENRUN_LOG] [default: fenrun=info,warn]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Makes the guard from the log as it is; where there never was one, and only then
    #[arg(long)]
    new_guard: bool,
    /// How long calls may still take after the word to stop
    #[arg(long, value_name = "SECONDS", default_value_t = STOP_SECONDS_DEFAULT)]
    stop_within: u64,
}

#[derive(Debug, Serialize)]
struct Serving {
    url: String,
    ledger: LedgerId,
    verifier_key: String,
    entries: u64,
}

impl Report for Serving {
    fn text(&self) -> String {
        let (url, ledger, entries) = (&self.url, &self.ledger, self.entries);
        format!("serving ledger {ledger} with {entries} entries at {url}")
    }
}

/// Where to listen and with which files.
struct Listening {
    address: SocketAddr,
    tls: Option<TlsIdentity>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let listening = listening(&args, context)?;
    start_log(&args, context)?;
    let dir = context.settings.dir.value.clone();
    let guard = guarding(context, args.new_guard)?;
    let clock = Arc::new(SystemClock::new());
    let folder = tokio::task::spawn_blocking(move || open(&dir, guard, clock));
    let OpenedFolder {
        engine,
        blobs,
        disk,
        ledger,
        verifier_key,
        ..
    } = folder
        .await
        .map_err(|error| CommandError::new(Kind::Fault, error))??;
    let witnesses = witnesses(&args, context, &verifier_key)?;
    let address = listening.address;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CommandError::input(format!("{address} cannot be listened at: {error}"))
            .hint("Another program may have it; say --listen with another port.")
    })?;
    let bound = listener.local_addr().map_err(CommandError::input)?;
    let scheme = if listening.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let stop = stop_signal()?;
    let deadline = Duration::from_secs(args.stop_within);
    context.show(&Serving {
        url: format!("{scheme}://{bound}"),
        ledger,
        verifier_key: verifier_key.to_string(),
        entries: engine.published().size,
    })?;
    let jobs = Jobs::start(JobOptions {
        engine: engine.clone(),
        blobs: blobs.clone(),
        disk,
        keys: Arc::new(FolderServiceKeys(context.settings.dir.value.clone())),
    });
    let jobs = jobs.map_err(|error| CommandError::new(Kind::Fault, error))?;
    let options = ServeOptions {
        listener,
        tls: listening.tls,
        insecure: context.settings.insecure.value,
        witnesses,
        jobs: Some(jobs),
        limits: ServeLimits::default(),
        shutdown: stop,
        shutdown_deadline: deadline,
    };
    let served = serve(engine.clone(), blobs, options).await;
    // What was taken in is answered or lost with its connection; the log is whole either way.
    let finished = engine.shutdown(deadline).await;
    served.map_err(serve_error)?;
    if !finished {
        context.note("some commands were still waiting; their senders will send them again")?;
    }
    context.note("stopped")
}

fn start_log(args: &Args, context: &Context<'_, '_>) -> Result<(), CommandError> {
    let environment = context.settings.environment.get("FENRUN_LOG");
    let filter = args
        .log
        .as_deref()
        .or(environment)
        .unwrap_or(DEFAULT_FILTER);
    init(args.log_format, filter).map_err(CommandError::input)
}

fn listening(args: &Args, context: &Context<'_, '_>) -> Result<Listening, CommandError> {
    let settings = &context.settings;
    let file = || settings.folder.value.join(CONFIG_FILE);
    let table = &settings.file.serve;
    let text = |name: &'static str| (settings.environment.get(name).map(str::to_owned), name);
    let path = |name: &'static str| (settings.environment.get(name).map(PathBuf::from), name);
    let address = pick(
        (args.listen.clone(), "--listen"),
        text("FENRUN_LISTEN"),
        (table.listen.clone(), file()),
    );
    let address = address.map_or_else(|| LISTEN_DEFAULT.to_owned(), |address| address.value);
    let address = address.parse().map_err(|_| {
        CommandError::input(format!("{address} is not an address and a port"))
            .hint("Write 127.0.0.1:7411, [::1]:7411, or 0.0.0.0:7411 for all of this machine's.")
    })?;
    let certificate = pick(
        (args.tls_cert.clone(), "--tls-cert"),
        path("FENRUN_TLS_CERT"),
        (table.tls_cert.clone(), file()),
    );
    let key = pick(
        (args.tls_key.clone(), "--tls-key"),
        path("FENRUN_TLS_KEY"),
        (table.tls_key.clone(), file()),
    );
    let tls = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(TlsIdentity {
            certificate: read_pem(&certificate.value)?,
            key: Zeroizing::new(read_pem(&key.value)?),
        }),
        _ => {
            let error = "TLS needs both a certificate and its key";
            return Err(CommandError::input(error).hint("Say --tls-cert and --tls-key."));
        }
    };
    Ok(Listening { address, tls })
}

/// Reads the policy that says who has to cosign.
fn witnesses(
    args: &Args,
    context: &Context<'_, '_>,
    verifier_key: &VerifierKey,
) -> Result<Option<WitnessPolicy>, CommandError> {
    let settings = &context.settings;
    let environment = settings.environment.get("FENRUN_WITNESS_POLICY");
    let path = pick(
        (args.witness_policy.clone(), "--witness-policy"),
        (environment.map(PathBuf::from), "FENRUN_WITNESS_POLICY"),
        (
            settings.file.serve.witness_policy.clone(),
            settings.folder.value.join(CONFIG_FILE),
        ),
    );
    let Some(path) = path else {
        return Ok(None);
    };
    let shown = path.value.display();
    let bytes = std::fs::read(&path.value)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    let policy = Policy::parse(&bytes).map_err(CommandError::input)?;
    if !policy.logs.is_empty() && !policy.logs.contains(verifier_key) {
        let error = format!("{shown} names logs, and this one, {verifier_key}, is not among them");
        return Err(CommandError::input(error));
    }
    let reachable: Vec<bool> = policy
        .witnesses
        .iter()
        .map(|one| one.url.is_some())
        .collect();
    let required = !args.cosign_in_background;
    if required && !policy.holds(&reachable) {
        let error = format!("{shown} has too few witnesses with a URL for its quorum");
        return Err(CommandError::input(error)
            .hint("Write the URL behind the key of each witness that this service is to ask."));
    }
    Ok(Some(WitnessPolicy {
        policy: Arc::new(policy),
        required,
    }))
}

fn read_pem(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path)
        .map_err(|error| CommandError::input(format!("{} cannot be read: {error}", path.display())))
}

fn serve_error(error: ServeError) -> CommandError {
    match error {
        ServeError::PlainListener { .. } => CommandError::input(error)
            .hint("Say --tls-cert and --tls-key, or --insecure on a network that is protected."),
        ServeError::Tls(_) => CommandError::input(error),
        other => CommandError::new(Kind::Fault, other),
    }
}

/// Returns what ends at ctrl-c or SIGTERM.
#[cfg(unix)]
pub(super) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| CommandError::new(Kind::Fault, error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns what ends at ctrl-c.
#[cfg(not(unix))]
pub(super) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    Ok(async {
        // Where ctrl-c cannot be heard, the service stops at once and says so by stopping.
        let _ = tokio::signal::ctrl_c().await;
    })
}
