//! What surrounds the services: health, reflection, request ids, the log, TLS, stopping.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fenrun::domain::Reason;
use fenrun::service::{ServeError, ServeLimits, ServeOptions, TlsIdentity, serve};
use fenrun::wire::proto;
use fenrun::wire::proto::submit_stream_response::Result as Sent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;

use super::refused;
use crate::running::actions::record;
use crate::running::{ORIGIN, PATIENCE, Running, Setup};

const SERVICES: [&str; 8] = [
    "fenrun.v1.BlobService",
    "fenrun.v1.BookService",
    "fenrun.v1.LedgerService",
    "fenrun.v1.LogService",
    "fenrun.v1.PoolService",
    "fenrun.v1.RegistryService",
    "fenrun.v1.SettlementService",
    "fenrun.v1.ValuationService",
];

#[tokio::test]
async fn every_service_is_healthy_until_the_server_stops() {
    let mut running = Running::founded(Setup::default()).await;
    let mut client = HealthClient::new(running.channel().await);
    for service in SERVICES.iter().chain(&[""]) {
        let request = HealthCheckRequest {
            service: (*service).to_owned(),
        };
        let answer = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let mut watch = client
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let status = watch.message().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::Serving);
    running.begin_to_stop();
    let status = watch.message().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::NotServing);
    // The stream ends, so that it does not hold the server up.
    assert!(watch.message().await.unwrap().is_none());
    drop(client);
    running.stopped().await;
}

#[tokio::test]
async fn reflection_shows_every_service() {
    let running = Running::founded(Setup::default()).await;
    let mut client = ServerReflectionClient::new(running.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await;
    let answer = answers
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for service in SERVICES {
        assert!(
            names.iter().any(|name| name == service),
            "{service} is not in {names:?}"
        );
    }
}

/// What the log has been told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_the_request_id_and_no_secret() {
    // For the whole process: a subscriber of one thread misses what others were first to say.
    let told = Told::default();
    let writer = told.clone();
    tracing_subscriber::fmt()
        .json()
        .with_env_filter("fenrun=trace")
        .with_writer(move || writer.clone())
        .init();
    let running = Running::peopled().await;
    let mut client = running.registry_client().await;
    let request = proto::GetPartyRequest {
        name: "nobody".to_owned(),
        min_log_size: 0,
    };
    let status = client
        .get_party(running.request("lab", request.clone()))
        .await
        .unwrap_err();
    let details = status.get_error_details();
    let id = details.request_info().unwrap().request_id.clone();
    assert_eq!(
        status
            .metadata()
            .get("x-request-id")
            .unwrap()
            .to_str()
            .unwrap(),
        id
    );
    let forged = crate::running::with_token(request, "forged-token-forged-token");
    client.get_party(forged).await.unwrap_err();

    // A line is written when a call's last part is dropped, which may be after its answer.
    let text = || String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
    let written = async {
        while !text().contains(&id) {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap();
    let told = text();
    let line = told.lines().find(|line| line.contains(&id)).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let fields = &line["fields"];
    assert_eq!(fields["reason"], "NOT_FOUND");
    assert_eq!(fields["party"], "lab");
    assert_eq!(fields["method"], "/fenrun.v1.RegistryService/GetParty");
    assert!(told.lines().count() > 5, "{told}");
    let token = running.token("lab");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for secret in [signed, signature, "forged-token", "Bearer"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

fn certificate() -> (TlsIdentity, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let identity = TlsIdentity {
        certificate: pem.clone(),
        key: made.signing_key.serialize_pem().into(),
    };
    (identity, pem)
}

#[tokio::test]
async fn calls_work_over_tls_and_only_over_tls() {
    let (identity, pem) = certificate();
    let setup = Setup {
        tls: Some(identity),
        ..Setup::default()
    };
    let running = Running::founded(setup).await;
    let endpoint = |scheme: &str| {
        let url = format!("{scheme}://localhost:{}", running.port);
        Endpoint::try_from(url).unwrap().connect_timeout(PATIENCE)
    };
    let trusted = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&pem));
    let channel = endpoint("https")
        .tls_config(trusted)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = proto::ledger_service_client::LedgerServiceClient::new(channel);
    let answer = client
        .get_ledger(proto::GetLedgerRequest::default())
        .await
        .unwrap();
    assert_eq!(answer.into_inner().ledger_id, running.ledger.0.as_slice());

    // A client that does not know the certificate, and one that speaks in the clear.
    let (_, other) = certificate();
    let wrong = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&other));
    assert!(
        endpoint("https")
            .tls_config(wrong)
            .unwrap()
            .connect()
            .await
            .is_err()
    );
    let plain = async {
        let channel = endpoint("http").connect().await.map_err(|_| ())?;
        let mut client = proto::ledger_service_client::LedgerServiceClient::new(channel);
        client
            .get_ledger(proto::GetLedgerRequest::default())
            .await
            .map_err(|_| ())
    };
    assert!(plain.await.is_err());
}

#[tokio::test]
async fn over_tls_tools_may_speak_http_1_1() {
    let (identity, pem) = certificate();
    let setup = Setup {
        tls: Some(identity),
        limits: ServeLimits {
            handshake: Duration::from_millis(100),
            ..ServeLimits::default()
        },
        ..Setup::default()
    };
    let running = Running::founded(setup).await;
    let connect = async || {
        let stream = TcpStream::connect(("127.0.0.1", running.port)).await;
        stream.unwrap()
    };
    // Whoever says nothing, or does not get as far as TLS, does not keep its place.
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = connect().await;
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest));
        let _ = closed.await.expect("the server closes the connection");
    }
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, connect().await).await.unwrap();
    let request = b"GET /checkpoint HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(ORIGIN), "{answer}");
}

#[tokio::test]
async fn a_listener_that_is_not_loopback_needs_tls_or_the_word() {
    let running = Running::founded(Setup::default()).await;
    let options = async |tls: Option<TlsIdentity>, insecure: bool| ServeOptions {
        listener: tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap(),
        tls,
        insecure,
        witnesses: None,
        jobs: None,
        limits: ServeLimits::default(),
        shutdown: std::future::ready(()),
        shutdown_deadline: Duration::ZERO,
    };
    let engine = || running.engine.clone();
    let refused = serve(engine(), running.blobs.clone(), options(None, false).await)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ServeError::PlainListener { .. }),
        "{refused}"
    );
    serve(engine(), running.blobs.clone(), options(None, true).await)
        .await
        .unwrap();
    serve(
        engine(),
        running.blobs.clone(),
        options(Some(certificate().0), false).await,
    )
    .await
    .unwrap();
    let (mut broken, _) = certificate();
    broken.key = "no key".to_owned().into();
    let refused = serve(
        engine(),
        running.blobs.clone(),
        options(Some(broken), false).await,
    )
    .await
    .unwrap_err();
    assert!(matches!(refused, ServeError::Tls(_)), "{refused}");
}

#[tokio::test]
async fn stopping_under_load_answers_everything_that_was_taken() {
    let mut running = Running::peopled().await;
    let mut client = running.ledger_client().await;
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let stream = client.submit_stream(requests).await.unwrap();
    let mut stream = stream.into_inner();
    let mut sent = 0_u64;
    for version in 1..=40 {
        let signed = running.sign("provider", record("digits", version, b"digits"));
        let request = proto::SubmitStreamRequest {
            signed_command: Some(signed),
        };
        sender.send(request).await.unwrap();
        sent += 1;
    }
    // One is answered, so the stream is at work; its client would go on for ever.
    assert_eq!(stream.message().await.unwrap().unwrap().sequence, 0);
    running.begin_to_stop();
    let mut answered = 1;
    let ended = loop {
        match stream.message().await {
            Ok(Some(answer)) => {
                assert_eq!(answer.sequence, answered);
                assert!(
                    matches!(answer.result, Some(Sent::Receipt(_))),
                    "{answer:?}"
                );
                answered += 1;
            }
            Ok(None) => panic!("the stream ended well"),
            Err(status) => break status,
        }
    };
    refused(&ended, Reason::ShuttingDown);
    assert!(answered <= sent);
    assert_eq!(running.engine.published().size, 7 + answered);
    drop((client, stream, sender));
    let engine = running.engine.clone();
    running.stopped().await;
    // The engine is its starter's to stop.
    assert_eq!(engine.published().size, 7 + answered);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_off_at_the_deadline() {
    let setup = Setup {
        shutdown_deadline: Some(Duration::from_millis(100)),
        ..Setup::default()
    };
    let mut running = Running::founded(setup).await;
    running.admit_people().await;
    running.fill("provider", 40).await;
    // The client does not read on, so the stream stands still.
    let mut client = running.slow_log_client().await;
    let request = running.request("auditor", proto::ListEntriesRequest::default());
    let mut parts = client.list_entries(request).await.unwrap().into_inner();
    assert!(parts.message().await.unwrap().is_some());
    let begun = std::time::Instant::now();
    running.begin_to_stop();
    running.stopped().await;
    assert!(begun.elapsed() < PATIENCE);
    let ended = loop {
        match parts.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ran to its end"),
            Err(status) => break status,
        }
    };
    assert!(
        ended.get_error_details().error_info().is_none(),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_client_that_stops_waiting_leaves_nothing_behind() {
    let running = Running::peopled().await;
    let client = running.log_client().await;
    for _ in 0..20 {
        let mut client = client.clone();
        let mut request = tonic::Request::new(proto::GetCheckpointRequest { min_log_size: 99 });
        request.set_timeout(Duration::from_millis(20));
        client.get_checkpoint(request).await.unwrap_err();
    }
    // The connection and the server go on.
    let mut client = client;
    client
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
    running.stopped().await;
}
