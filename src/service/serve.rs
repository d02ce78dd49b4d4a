//! The server: a listener in, gRPC and plain HTTP out, until it is told to stop.
//!
//! On the word to stop it takes no more connections and calls, lets those at work finish, ends its
//! streams with `SHUTTING_DOWN`, and after the deadline cuts off what is left. The engine goes on:
//! whoever started it shuts it down afterwards.
//!
//! Health says of every service whether it serves. Once the engine has stopped writing for good the
//! write door does not, and everything else does: reads go on.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::blob::BlobStore;
use super::book::Book;
use super::calls::Calls;
use super::connections::accept;
use super::ledger::Ledger;
use super::limits::{
    CHUNK_BYTES_MAX, CHUNK_FRAME_BYTES, CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX,
    MESSAGE_BYTES_MAX, QUERY_BYTES_MAX, STREAM_WINDOW_BYTES, ServeLimits,
};
use super::log::Log;
use super::pool::Pools;
use super::reads::Reads;
use super::registry::Registry;
use super::settlement::Settlements;
use super::stopping::stopped;
use super::tls::{TlsError, TlsIdentity, acceptor};
use super::valuation::Valuations;
use super::web::{Mounted, unknown};
use crate::engine::{Engine, Jobs};
use crate::keys::StrictVerifier;
use crate::store::blobs::Blobs;
use crate::web::{Schedule, WitnessPolicy, keep_cosigned, router};
use crate::wire::proto::FILE_DESCRIPTORS;
use crate::wire::proto::blob_service_server::BlobServiceServer;
use crate::wire::proto::book_service_server::BookServiceServer;
use crate::wire::proto::ledger_service_server::LedgerServiceServer;
use crate::wire::proto::log_service_server::LogServiceServer;
use crate::wire::proto::pool_service_server::PoolServiceServer;
use crate::wire::proto::registry_service_server::RegistryServiceServer;
use crate::wire::proto::settlement_service_server::SettlementServiceServer;
use crate::wire::proto::valuation_service_server::ValuationServiceServer;

/// What a server is started with.
pub struct ServeOptions<F> {
    /// Where it listens.
    pub listener: TcpListener,
    /// How it proves who it is; required unless the listener is on a loopback address.
    pub tls: Option<TlsIdentity>,
    /// Listen without TLS wherever the listener is: for a network that is protected otherwise.
    pub insecure: bool,
    /// Who cosigns what is published; none for nobody.
    pub witnesses: Option<WitnessPolicy>,
    /// Who works on the valuations that are asked for; none where nobody does here.
    pub jobs: Option<Jobs>,
    /// Its bounds.
    pub limits: ServeLimits,
    /// Ends when the server has to stop.
    pub shutdown: F,
    /// How long calls at work have to finish after that.
    pub shutdown_deadline: Duration,
}

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener has no address.
    #[error("the listener has no address")]
    Address(#[source] std::io::Error),
    /// Secrets would cross a network in the clear.
    #[error(
        "{address} is not a loopback address, and there tokens and data would travel in the clear; \
         give a certificate and its key, or say --insecure where the network is protected otherwise"
    )]
    PlainListener {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// Certificate or key cannot be used.
    #[error("the certificate or its key cannot be used for TLS")]
    Tls(#[from] TlsError),
    /// The descriptors of the services cannot be shown.
    #[error("the descriptors of the services cannot be shown")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the server failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Serves an engine, and the blobs beside it, until `shutdown` ends and all calls are finished or
/// cut off.
///
/// # Errors
/// See [`ServeError`]; nothing was answered except after [`ServeError::Transport`].
pub async fn serve<F>(
    engine: Engine,
    blobs: Blobs,
    options: ServeOptions<F>,
) -> Result<(), ServeError>
where
    F: Future<Output = ()>,
{
    let address = options.listener.local_addr().map_err(ServeError::Address)?;
    let loopback = address.ip().to_canonical().is_loopback();
    if options.tls.is_none() && !options.insecure && !loopback {
        return Err(ServeError::PlainListener { address });
    }
    let (stop, stopping) = watch::channel(false);
    let (cut, cutting) = watch::channel(false);
    let limits = options.limits;
    let quorum = options.witnesses.as_ref().is_some_and(|one| one.required);
    let schedule = Schedule::new(engine.clone(), quorum);
    if let Some(witnesses) = options.witnesses {
        let (schedule, stopping) = (schedule.clone(), stopping.clone());
        let verifier = Arc::new(StrictVerifier);
        // It ends with the service, and by itself never.
        drop(tokio::spawn(keep_cosigned(
            schedule, witnesses, verifier, stopping,
        )));
    }
    let jobs = options.jobs;
    let (health, routes) = routes(schedule, blobs, jobs.clone(), limits, &stopping).await?;
    let tls = options.tls.as_ref().map(acceptor).transpose()?;
    let connections = accept(options.listener, tls, &limits, cutting);
    let shutdown = options.shutdown;
    let signal = async move {
        tokio::select! {
            () = shutdown => {}
            () = report_stopped_writing(&engine, &health) => {}
        }
        tracing::info!(%address, "stopping: no more connections and calls");
        if let Some(jobs) = &jobs {
            jobs.stop();
        }
        not_serving(&health).await;
        stop.send_replace(true);
    };
    let calls = Calls {
        time_max: limits.call,
    };
    let serving = builder(&limits)
        .layer(calls)
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, signal);
    tokio::pin!(serving);
    tracing::info!(%address, tls = options.tls.is_some(), "serving");
    let served = tokio::select! {
        served = &mut serving => served,
        () = overdue(stopping, options.shutdown_deadline) => {
            tracing::warn!("the deadline to stop is over; cutting off the calls that are left");
            cut.send_replace(true);
            serving.await
        }
    };
    served.map_err(ServeError::Transport)
}

async fn overdue(mut stopping: watch::Receiver<bool>, deadline: Duration) {
    stopped(&mut stopping).await;
    tokio::time::sleep(deadline).await;
}

fn builder(limits: &ServeLimits) -> Server {
    Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(limits.streams_per_connection)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .http2_max_header_list_size(HEADER_BYTES_MAX)
}

/// Returns all services, with the bounds of their messages, and what reports their health.
async fn routes(
    schedule: Schedule,
    blobs: Blobs,
    jobs: Option<Jobs>,
    limits: ServeLimits,
    stopping: &watch::Receiver<bool>,
) -> Result<(HealthReporter, Routes), ServeError> {
    let reads = Reads::new(schedule.engine().clone(), &limits);
    let blob_bytes_max = blobs.limits().blob_bytes_max;
    let ledger = Ledger::new(reads.clone(), limits, blob_bytes_max, stopping.clone());
    let ledger = LedgerServiceServer::new(ledger).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let blob = BlobStore::new(reads.clone(), blobs.clone(), &limits, stopping.clone());
    let blob = BlobServiceServer::new(blob)
        .max_decoding_message_size(CHUNK_BYTES_MAX.saturating_add(CHUNK_FRAME_BYTES));
    let registry = RegistryServiceServer::new(Registry::new(reads.clone(), blobs));
    let registry = registry.max_decoding_message_size(QUERY_BYTES_MAX);
    let pool = PoolServiceServer::new(Pools::new(reads.clone()));
    let pool = pool.max_decoding_message_size(QUERY_BYTES_MAX);
    let valuation =
        ValuationServiceServer::new(Valuations::new(reads.clone(), jobs, stopping.clone()));
    let valuation = valuation.max_decoding_message_size(QUERY_BYTES_MAX);
    let settlement = SettlementServiceServer::new(Settlements::new(reads.clone()));
    let settlement = settlement.max_decoding_message_size(QUERY_BYTES_MAX);
    let book = BookServiceServer::new(Book::new(reads.clone()));
    let book = book.max_decoding_message_size(QUERY_BYTES_MAX);
    let log = LogServiceServer::new(Log::new(reads.clone(), schedule.clone(), stopping.clone()));
    let log = log.max_decoding_message_size(QUERY_BYTES_MAX);
    let (health, health_server) = tonic_health::server::health_reporter();
    for name in SERVICES {
        health
            .set_service_status(*name, ServingStatus::Serving)
            .await;
    }
    let mut routes = Routes::builder();
    routes
        .add_service(ledger)
        .add_service(blob)
        .add_service(registry)
        .add_service(pool)
        .add_service(valuation)
        .add_service(settlement)
        .add_service(book)
        .add_service(log)
        .add_service(health_server)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let web = router(Mounted::new(reads, schedule, stopping.clone()));
    let all = routes.routes().into_axum_router();
    Ok((health, all.merge(web).fallback(unknown).into()))
}

/// The names of the services whose health is reported; the empty one is the server as a whole.
const SERVICES: &[&str] = &[
    "",
    LedgerServiceServer::<Ledger>::NAME,
    BlobServiceServer::<BlobStore>::NAME,
    RegistryServiceServer::<Registry>::NAME,
    PoolServiceServer::<Pools>::NAME,
    ValuationServiceServer::<Valuations>::NAME,
    SettlementServiceServer::<Settlements>::NAME,
    BookServiceServer::<Book>::NAME,
    LogServiceServer::<Log>::NAME,
];

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Tells those who watch that the server stops, and ends their streams.
async fn not_serving(health: &HealthReporter) {
    for name in SERVICES {
        health
            .set_service_status(*name, ServingStatus::NotServing)
            .await;
    }
    for name in SERVICES {
        let mut health = health.clone();
        health.clear_service_status(name).await;
    }
}

/// Tells those who watch the write door that it is closed, once the engine has stopped writing;
/// never returns.
async fn report_stopped_writing(engine: &Engine, health: &HealthReporter) {
    let why = engine.writing_stopped().await;
    tracing::error!(reason = why.reason.as_str(), "no more writes; reads go on");
    health
        .set_not_serving::<LedgerServiceServer<Ledger>>()
        .await;
    std::future::pending().await
}
