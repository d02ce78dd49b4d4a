//! `fenrun audit` against a real server: as an auditor, as a provider, with receipts true and not.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use fenrun::cli::{Streams, run};
use fenrun::client::{Connection, Identity, Now, Pins, Session, Target};
use fenrun::config::Environment;
use fenrun::domain::{FindingKind, KeptReceipt, Signer, UnixMillis};
use fenrun::merkle::VerifierKey;
use serde_json::Value;

use crate::running::{ORIGIN, Running, START, actions, key};

/// What a run of the command line came to.
struct Ended {
    code: u8,
    stdout: String,
    stderr: String,
}

fn log_key() -> VerifierKey {
    VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: key("log").public_key(),
    }
}

fn now() -> Now {
    Arc::new(|| UnixMillis(START.0 + 1_000))
}

/// Runs `fenrun audit` as a party whose key is written to `folder`.
async fn audit(running: &Running, folder: &Path, party: &str, more: &[&str]) -> Ended {
    let key_file = folder.join(format!("{party}.pem"));
    std::fs::write(&key_file, key(party).to_pem().unwrap().as_bytes()).unwrap();
    let (url, log_key) = (running.url(), log_key().to_string());
    let (ledger, key_file) = (running.ledger.to_string(), key_file.display().to_string());
    let mut arguments = vec![
        "fenrun",
        "audit",
        &url,
        "--log-key",
        &log_key,
        "--ledger",
        &ledger,
        "--party",
        party,
        "--key",
        &key_file,
    ];
    arguments.extend(more);
    let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
    let home = folder.display().to_string();
    tokio::task::spawn_blocking(move || {
        let environment: Environment = [("HOME", home)].into_iter().collect();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut streams = Streams {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: false,
        };
        let code = run(arguments, environment, &mut streams, now());
        Ended {
            code,
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    })
    .await
    .unwrap()
}

/// Records a contribution of the provider and keeps its receipt in a file.
async fn record_and_keep(running: &Running, file: &Path) -> KeptReceipt {
    let pins = Pins {
        ledger: running.ledger,
        log_keys: vec![log_key()],
    };
    let identity = Identity {
        party: "provider".parse().unwrap(),
        key: Arc::new(key("provider")),
    };
    let target = Target::new(&running.url(), None, false).unwrap();
    let connection = Connection::open(&target, pins, Some(identity), now())
        .await
        .unwrap();
    let session = Session::new(connection, None, None);
    let signed = session
        .sign(actions::record("digits", 1, b"digits"))
        .unwrap();
    let recorded = session.send(&signed).await.unwrap();
    let kept = KeptReceipt {
        ledger: running.ledger,
        command_id: signed.command_id(),
        command: signed.command,
        receipt: recorded.receipt,
    };
    kept.write(file).unwrap();
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_finds_everything_equal() {
    let running = Running::peopled().await;
    let folder = tempfile::tempdir().unwrap();
    let receipt = folder.path().join("receipt.json");
    record_and_keep(&running, &receipt).await;
    let receipt = receipt.display().to_string();
    let more = ["--receipt", &receipt, "--output", "json"];
    let ended = audit(&running, folder.path(), "auditor", &more).await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"], "equal");
    assert_eq!(report["size"], 8);
    assert_eq!(report["checked"]["commands"], 8);
    assert_eq!(report["checked"]["receipts"], 1);
    assert_eq!(report["not_checked"], Value::Array(Vec::new()));
    let text = audit(&running, folder.path(), "operator", &[]).await.stdout;
    assert!(text.contains("verdict      all is equal"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_audits_its_own_and_is_told_what_it_could_not() {
    let running = Running::peopled().await;
    let folder = tempfile::tempdir().unwrap();
    let receipt = folder.path().join("receipt.json");
    record_and_keep(&running, &receipt).await;
    let ended = audit(&running, folder.path(), "provider", &[]).await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let told = "all that could be checked is equal";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    let others = "not checked  entries of others";
    assert!(ended.stdout.contains(others), "{}", ended.stdout);
    // Founding, admission and contribution.
    assert!(
        ended.stdout.contains("checked      3 entries"),
        "{}",
        ended.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_the_log_contradicts_ends_with_a_finding() {
    let running = Running::peopled().await;
    let other = Running::peopled().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt.json");
    // The same ledger by id and keys, with another eighth entry: a second history.
    assert_eq!(running.ledger, other.ledger);
    record_and_keep(&other, &file).await;
    running
        .record("provider", actions::record("other", 1, b"other"))
        .await;
    let receipt = file.display().to_string();
    let more = ["--receipt", &receipt, "--output", "json"];
    for party in ["auditor", "provider"] {
        let ended = audit(&running, folder.path(), party, &more).await;
        assert_eq!(ended.code, 1, "{}\n{}", ended.stdout, ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let finding = &report["findings"][0];
        assert_eq!(finding["kind"], "RECEIPT_CONTRADICTED", "{report}");
        assert_eq!(finding["index"], 7);
        let message = finding["message"].as_str().unwrap();
        assert!(
            message.contains("dataset is other, not digits"),
            "{message}"
        );
    }
    let mut spoilt = KeptReceipt::read(&file).unwrap();
    spoilt.ledger.0[0] ^= 1;
    let elsewhere = folder.path().join("elsewhere.json");
    spoilt.write(&elsewhere).unwrap();
    let elsewhere = elsewhere.display().to_string();
    let ended = audit(
        &running,
        folder.path(),
        "auditor",
        &["--receipt", &elsewhere],
    )
    .await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ledger_or_key_is_refused_before_anything_is_audited() {
    let running = Running::peopled().await;
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = running.ledger;
    ledger.0[0] ^= 1;
    let ledger = ledger.to_string();
    let ended = audit(&running, folder.path(), "auditor", &["--ledger", &ledger]).await;
    // The flag stands twice, which is no way to say which ledger is meant.
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let ended = audit(&running, folder.path(), "ghost", &[]).await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_period_is_audited_to_the_last_account_and_line() {
    let running = Running::peopled().await;
    running.settle().await;
    let folder = tempfile::tempdir().unwrap();
    let json = ["--output", "json"];
    let ended = audit(&running, folder.path(), "auditor", &json).await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["checked"]["settlements"], 1);
    assert!(report["checked"]["accounts"].as_u64() > Some(3), "{report}");
    let why = report["not_checked"][0]["why"].as_str().unwrap();
    assert!(why.contains("the method is \"measured\""), "{report}");

    let ended = audit(&running, folder.path(), "provider", &json).await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(report["checked"]["lines"].as_u64() > Some(2), "{report}");
    assert!(report["checked"]["entries"].as_u64() > Some(3), "{report}");
}

/// Set to anything, it writes the table anew instead of comparing it.
const REGENERATE: &str = "FENRUN_REGENERATE";

#[test]
fn the_table_of_findings_is_what_the_program_knows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut table = String::from("| kind | number | what |\n|---|---|---|\n");
    for kind in FindingKind::ALL {
        let (number, meaning) = (kind.number(), kind.meaning());
        writeln!(table, "| `{kind}` | {number} | {meaning} |").unwrap();
    }
    let begin = page.find("| kind | number |").unwrap();
    let expected = format!("{}{table}", &page[..begin]);
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(
        found == expected,
        "docs/audit.md is old; run with {REGENERATE}=1 to write its table anew"
    );
}
