//! The worked vectors of `docs/format.md`: written by this test, and compared with the page.

use std::fmt::Write;
use std::path::Path;

use crate::domain::{
    Action, AmendCharter, COMMAND_TYPE, Command, CommandId, ContentHash, Entry, Found, KeyId,
    NewLogKey, Nonce, POSSESSION_TYPE, UnixMillis, Upgrade, signing_bytes,
};
use crate::keys::SecretKey;
use crate::merkle::{
    Checkpoint, Frontier, empty_root, inclusion_proof, leaf_hash, sign_checkpoint, verify_inclusion,
};
use crate::wire::{encode_command, encode_possession};

use super::*;

/// Set to write the page's vectors anew.
const REGENERATE: &str = "FENRUN_REGENERATE";
const BEGIN: &str = "<!-- Vectors: written by a test; FENRUN_REGENERATE=1 writes them anew. -->\n";

const ORIGIN: &str = "log.example/fenrun";
/// 2026-01-02 03:04:05.678 UTC.
const FOUNDED_AT: u64 = 1_767_323_045_678;

/// The page as it grows.
struct Page(String);

impl Page {
    /// A paragraph, in lines that fit.
    fn say(&mut self, text: &str) {
        let mut column = 0;
        for word in text.split(' ') {
            let more = word.chars().count() + 1;
            let gap = if column == 0 { "" } else { " " };
            let gap = if column + more > 100 { "\n" } else { gap };
            column = if gap == "\n" { 0 } else { column };
            column += more;
            write!(self.0, "{gap}{word}").unwrap();
        }
        self.0.push_str("\n\n");
    }

    /// A value by name, in hex, in lines that fit.
    fn hex(&mut self, name: &str, bytes: &[u8]) {
        writeln!(self.0, "```text\n{name} ({} bytes)", bytes.len()).unwrap();
        for line in bytes.chunks(32) {
            writeln!(self.0, "{}", hex::encode(line)).unwrap();
        }
        self.0.push_str("```\n\n");
    }

    fn text(&mut self, name: &str, text: &str) {
        writeln!(self.0, "```text\n{name}\n{}\n```\n", text.trim_end()).unwrap();
    }

    /// A file by offsets; rows of zeros are left out.
    fn dump(&mut self, name: &str, bytes: &[u8]) {
        writeln!(self.0, "```text\n{name} ({} bytes)", bytes.len()).unwrap();
        for (number, row) in bytes.chunks(32).enumerate() {
            if row.iter().any(|byte| *byte != 0) {
                writeln!(self.0, "{:08x} {}", number * 32, hex::encode(row)).unwrap();
            }
        }
        self.0.push_str("```\n\n");
    }
}

struct Ledger {
    operator: SecretKey,
    log_key: SecretKey,
    possession: Vec<u8>,
    found: Vec<u8>,
    upgrade: Vec<u8>,
}

fn ledger() -> Ledger {
    let operator = SecretKey::from_seed(&[1; 32]);
    let log_key = SecretKey::from_seed(&[2; 32]);
    let nonce = Nonce([3; 16]);
    let possession = encode_possession(None, ORIGIN, &log_key.public_key(), &nonce);
    let found = encode_command(&Command {
        ledger: None,
        actor: "operator".parse().unwrap(),
        nonce,
        created_at: UnixMillis(FOUNDED_AT),
        action: Action::Found(Found {
            origin: ORIGIN.parse().unwrap(),
            operator: "operator".parse().unwrap(),
            operator_key: operator.public_key(),
            log_key: log_key.public_key(),
            log_key_possession: log_key.sign(&signing_bytes(POSSESSION_TYPE, &possession)),
            rules_version: 1,
            time_window_ms: 600_000,
            approvals: Vec::new(),
            terms_hash: ContentHash::of(b"terms"),
        }),
    });
    let upgrade = encode_command(&Command {
        ledger: Some(CommandId::of(&found).into()),
        actor: "operator".parse().unwrap(),
        nonce: Nonce([4; 16]),
        created_at: UnixMillis(FOUNDED_AT + 1_000),
        action: Action::Upgrade(Upgrade { rules_version: 1 }),
    });
    Ledger {
        operator,
        log_key,
        possession,
        found,
        upgrade,
    }
}

fn entry(ledger: &Ledger, command: &[u8], recorded_at: u64) -> Entry {
    let signature = ledger.operator.sign(&signing_bytes(COMMAND_TYPE, command));
    Entry {
        recorded_at: UnixMillis(recorded_at),
        public_key: ledger.operator.public_key(),
        signature,
        command: command.to_vec().into(),
    }
}

fn commands(page: &mut Page, ledger: &Ledger) {
    page.say("### Commands, ids, entries");
    page.say(
        "The operator's key has the seed of 32 bytes 01, the log's key 32 bytes 02. The founding \
         command has the nonce of 16 bytes 03; `created_at` is 2026-01-02 03:04:05.678 UTC.",
    );
    page.hex("operator's public key", &ledger.operator.public_key().0);
    page.hex("its key id", &KeyId::of(&ledger.operator.public_key()).0);
    page.hex("log's public key", &ledger.log_key.public_key().0);
    page.hex(
        "possession of the log's key, the payload",
        &ledger.possession,
    );
    page.hex("entry 0: command", &ledger.found);
    let id = CommandId::of(&ledger.found);
    page.hex("entry 0: command id, and so the ledger id", &id.0);
    page.hex("the first thing that it would create", &id.thing(0).0);
    let signed = signing_bytes(COMMAND_TYPE, &ledger.found);
    page.hex("entry 0: signed bytes", &signed);
    let founding = entry(ledger, &ledger.found, FOUNDED_AT + 5);
    page.hex("entry 0: signature", &founding.signature.0);
    page.hex("entry 0: leaf", &founding.leaf().unwrap());
    page.hex("entry 1: command", &ledger.upgrade);
    let second = entry(ledger, &ledger.upgrade, FOUNDED_AT + 1_007);
    page.hex("entry 1: leaf", &second.leaf().unwrap());
}

fn batches(ledger: &Ledger) -> Vec<Made> {
    let entries = [
        entry(ledger, &ledger.found, FOUNDED_AT + 5),
        entry(ledger, &ledger.upgrade, FOUNDED_AT + 1_007),
    ];
    let mut tree = Frontier::new();
    let mut made = Vec::new();
    for (first_index, entry) in (0..).zip(&entries) {
        let leaf = entry.leaf().unwrap();
        let hash = leaf_hash(&leaf);
        tree.push(hash);
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size: tree.size(),
            root: tree.root(),
        };
        made.push(Made {
            first_index,
            leaves: vec![leaf],
            hashes: vec![hash],
            checkpoint: sign_checkpoint(&checkpoint, &[&ledger.log_key]),
        });
    }
    made
}

fn tree_and_checkpoint(page: &mut Page, ledger: &Ledger, made: &[Made], log: &SegmentLog) {
    page.say("### Tree, checkpoint, receipt");
    let name = ORIGIN.parse().unwrap();
    let key = ledger.log_key.public_key();
    let verifier_key = VerifierKey { name, key };
    page.text("verifier key", &verifier_key.to_string());
    page.hex("root of the empty tree", &empty_root().0);
    for made in made {
        let index = made.first_index;
        page.hex(&format!("leaf hash of entry {index}"), &made.hashes[0].0);
    }
    page.hex("root at size 2", &log.tree().root().0);
    for made in made {
        let size = made.first_index + 1;
        page.text(&format!("checkpoint note at size {size}"), &made.checkpoint);
    }
    let reader = log.reader();
    let proof = inclusion_proof(0, 2, &ReaderNodes(reader.as_ref())).unwrap();
    verify_inclusion(0, 2, &made[0].hashes[0], &proof, &log.tree().root()).unwrap();
    page.say(
        "A receipt of entry 0 at size 2 has index 0, the recorded time 2026-01-02 03:04:05.683 \
         UTC, key and signature as in its leaf, the note at size 2, and a proof of one hash:",
    );
    page.hex("inclusion proof of entry 0 at size 2", &proof[0].0);
}

/// A third entry, which changes the log's key, and its checkpoint by both keys.
fn change_of_keys(page: &mut Page, ledger: &Ledger, log: &SegmentLog) {
    page.say("### A change of the log's key");
    page.say(
        "Entry 2 gives the log the key with the seed of 32 bytes 05, by a command with the nonce of \
         16 bytes 06. The checkpoint of its batch is signed by the old key and the new one.",
    );
    let (id, nonce) = (CommandId::of(&ledger.found).into(), Nonce([6; 16]));
    let new = SecretKey::from_seed(&[5; 32]);
    let possession = encode_possession(Some(&id), ORIGIN, &new.public_key(), &nonce);
    let change = encode_command(&Command {
        ledger: Some(id),
        actor: "operator".parse().unwrap(),
        nonce,
        created_at: UnixMillis(FOUNDED_AT + 2_000),
        action: Action::AmendCharter(AmendCharter {
            time_window_ms: 600_000,
            log_key: Some(NewLogKey {
                key: new.public_key(),
                possession: new.sign(&signing_bytes(POSSESSION_TYPE, &possession)),
            }),
        }),
    });
    let leaf = entry(ledger, &change, FOUNDED_AT + 2_009).leaf().unwrap();
    let mut tree = log.tree();
    tree.push(leaf_hash(&leaf));
    let checkpoint = Checkpoint {
        origin: ORIGIN.parse().unwrap(),
        size: tree.size(),
        root: tree.root(),
    };
    page.hex("log's new public key", &new.public_key().0);
    page.hex("possession of the new key, the payload", &possession);
    page.hex("entry 2: command", &change);
    page.hex("entry 2: leaf", &leaf);
    let note = sign_checkpoint(&checkpoint, &[&ledger.log_key, &new]);
    page.text("checkpoint note at size 3", &note);
}

fn document() -> String {
    let mut page = Page(String::new());
    let ledger = ledger();
    commands(&mut page, &ledger);
    let made = batches(&ledger);
    let disk = SimDisk::new();
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        prepare_ahead: false,
    };
    let id = CommandId::of(&ledger.found).into();
    let guard = SimDisk::new();
    let place = GuardPlace::on(Arc::new(guard.clone()), "guard");
    let log = SegmentLog::create_guarded(Arc::new(disk.clone()), options, id, &place);
    let mut log = log.unwrap();
    made.iter().for_each(|made| append(&mut log, made).unwrap());
    tree_and_checkpoint(&mut page, &ledger, &made, &log);
    page.say("### Files");
    page.say(
        "The log of these two entries, each a batch of its own, in segments of 4,096 bytes: the \
         second batch does not fit the first segment, which ends with its footer. Rows of 32 zero \
         bytes are left out.",
    );
    for name in disk.names() {
        let bytes = disk.bytes(&name);
        if bytes.iter().any(|byte| *byte != 0) {
            page.dump(&name, &bytes);
        }
    }
    page.say("The guard of this log, whose two batches have each written one of its pages:");
    page.dump("guard", &guard.bytes("guard"));
    change_of_keys(&mut page, &ledger, &log);
    format!("{}\n", page.0.trim_end())
}

#[test]
fn the_vectors_of_the_page_are_what_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (text, vectors) = page.split_once(BEGIN).expect("the page has no vectors");
    let expected = format!("\n{}", document());
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, format!("{text}{BEGIN}{expected}")).unwrap();
        return;
    }
    assert!(
        vectors == expected,
        "the vectors in docs/format.md are old; run with {REGENERATE}=1 to write them anew"
    );
}
