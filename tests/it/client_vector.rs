//! The worked example of `docs/client.md`: written by the program, compared with the page.

use std::path::Path;

use bytes::Bytes;
use fenrun::domain::{
    Action, AdmitParty, Application, COMMAND_TYPE, Command, CommandId, ContentHash,
    ContributionKind, ContributionTerms, DerivationConsent, Entry, Found, KeyId, LedgerId, Licence,
    Nonce, PoolConsent, RecordContribution, Role, Signer, UnixMillis, signing_bytes,
};
use fenrun::keys::{BearerToken, SecretKey, StrictVerifier, issue_token};
use fenrun::merkle::{
    Checkpoint, MemoryTree, VerifierKey, inclusion_proof, leaf_hash, sign_checkpoint,
    verify_inclusion,
};
use fenrun::wire::{command_json, encode_command, prove_possession, sign_application};
use serde_json::{Value, json};

const ORIGIN: &str = "log.example/ledger";
const TIME: UnixMillis = UnixMillis(1_767_225_600_000);
const OPERATOR_SEED: [u8; 32] = [1; 32];
const LOG_SEED: [u8; 32] = [2; 32];
const SCHOOL_SEED: [u8; 32] = [3; 32];

/// A signed command with its entry.
struct Signed {
    bytes: Bytes,
    signed_bytes: Vec<u8>,
    entry: Entry,
    leaf: Bytes,
}

fn signed(key: &SecretKey, command: &Command, recorded_at: UnixMillis) -> Signed {
    let bytes = Bytes::from(encode_command(command));
    let signed_bytes = signing_bytes(COMMAND_TYPE, &bytes);
    let entry = Entry {
        recorded_at,
        public_key: key.public_key(),
        signature: key.sign(&signed_bytes),
        command: bytes.clone(),
    };
    let leaf = entry.leaf().unwrap();
    Signed {
        bytes,
        signed_bytes,
        entry,
        leaf,
    }
}

fn command(ledger: Option<LedgerId>, actor: &str, nonce: u8, action: Action) -> Command {
    Command {
        ledger,
        actor: actor.parse().unwrap(),
        nonce: Nonce([nonce; 16]),
        created_at: TIME,
        action,
    }
}

fn founding(operator: &SecretKey, log: &SecretKey) -> Found {
    Found {
        origin: ORIGIN.parse().unwrap(),
        operator: "operator".parse().unwrap(),
        operator_key: operator.public_key(),
        log_key: log.public_key(),
        log_key_possession: prove_possession(log, None, ORIGIN, &Nonce([1; 16])),
        rules_version: 1,
        time_window_ms: 600_000,
        approvals: Vec::new(),
        terms_hash: ContentHash::of(b"terms\n"),
    }
}

fn application(school: &SecretKey, ledger: LedgerId) -> AdmitParty {
    let application = Application {
        ledger,
        name: "school".parse().unwrap(),
        roles: vec![Role::Provider],
        public_key: school.public_key(),
        terms_hash: ContentHash::of(b"terms\n"),
    };
    sign_application(school, application)
}

fn contribution() -> RecordContribution {
    let content = b"label,x,y\na,0,1\n";
    RecordContribution {
        dataset: "digits".parse().unwrap(),
        version: 1,
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(content),
        content_bytes: content.len() as u64,
        rows: 1,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: String::new(),
    }
}

/// Returns the JSON of a command in the order in which it is shown.
fn shown(bytes: &[u8]) -> Value {
    serde_json::from_str(&command_json(bytes).unwrap()).unwrap()
}

fn vector() -> Value {
    let [operator, log, school] =
        [OPERATOR_SEED, LOG_SEED, SCHOOL_SEED].map(|seed| SecretKey::from_seed(&seed));
    let found = command(None, "operator", 1, founding(&operator, &log).into());
    let found = signed(&operator, &found, TIME);
    let ledger = LedgerId::from(CommandId::of(&found.bytes));
    let admission = application(&school, ledger);
    let application = json!({
        "bytes": hex::encode(&admission.application_bytes),
        "signature": admission.signature,
    });
    let admit = command(Some(ledger), "operator", 2, admission.into());
    let admit = signed(&operator, &admit, TIME);
    let record = command(Some(ledger), "school", 3, contribution().into());
    let record = signed(&school, &record, UnixMillis(TIME.0 + 250));
    let leaves = [&found, &admit, &record].map(|signed| leaf_hash(&signed.leaf));
    let tree: MemoryTree = leaves.into_iter().collect();
    let proof = inclusion_proof(2, 3, &tree).unwrap();
    verify_inclusion(2, 3, &leaves[2], &proof, &tree.root()).unwrap();
    let checkpoint = Checkpoint {
        origin: ORIGIN.parse().unwrap(),
        size: 3,
        root: tree.root(),
    };
    let verifier_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: log.public_key(),
    };
    let id = CommandId::of(&record.bytes);
    json!({
        "seeds": {
            "operator": hex::encode(OPERATOR_SEED),
            "log": hex::encode(LOG_SEED),
            "school": hex::encode(SCHOOL_SEED),
        },
        "verifier_key": verifier_key.to_string(),
        "ledger": ledger,
        "application": application,
        "entries_before": [hex::encode(&found.leaf), hex::encode(&admit.leaf)],
        "command": {
            "json": shown(&record.bytes),
            "bytes": hex::encode(&record.bytes),
            "public_key": school.public_key(),
            "signed_bytes": hex::encode(&record.signed_bytes),
            "signature": record.entry.signature,
            "command_id": id,
            "contribution_id": id.thing(0),
        },
        "leaf": hex::encode(&record.leaf),
        "leaf_hash": leaves[2],
        "receipt": {
            "index": 2,
            "recorded_at": record.entry.recorded_at,
            "public_key": record.entry.public_key,
            "signature": record.entry.signature,
            "inclusion_proof": proof,
            "checkpoint": sign_checkpoint(&checkpoint, &[&log]),
        },
        "token": token(&school, &ledger),
    })
}

fn token(school: &SecretKey, ledger: &LedgerId) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = issue_token(school, &"school".parse().unwrap(), ledger, TIME);
    let read = BearerToken::parse(&token).unwrap();
    read.check(&StrictVerifier, &school.public_key(), ledger, TIME)
        .unwrap();
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap_or_default()
    });
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    assert_eq!(header["kid"], KeyId::of(&school.public_key()).to_string());
    json!({"header": header, "claims": claims, "token": token})
}

#[test]
fn the_worked_example_is_what_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/client.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("```json\n").unwrap();
    let (kept, after) = rest.split_once("```\n").unwrap();
    let written = serde_json::to_string_pretty(&vector()).unwrap() + "\n";
    if std::env::var_os("FENRUN_REGENERATE").is_some() {
        let page = format!("{before}```json\n{written}```\n{after}");
        std::fs::write(&path, page).unwrap();
        return;
    }
    assert_eq!(kept, written, "run with FENRUN_REGENERATE=1");
}
