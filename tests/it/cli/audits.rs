//! Audits that remember: of a log that grows, of its tiles, and of a second history of it.

use std::fs;
use std::io::Lines;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command};

use serde_json::Value;

use super::machine::{Ended, Machine, Service};

/// An audit that follows, and what it has said.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(machine: &Machine, url: &str) -> Self {
        let line = ["audit", url, "--follow", "--poll", "1", "--output", "json"];
        let mut child = machine.spawn("inspector", &line);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Returns the next event of a kind; whatever comes before is passed over.
    fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.next().unwrap().unwrap();
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["event"] == event {
                return said;
            }
            assert_ne!(said["event"], "ended", "{said}");
        }
    }

    /// Waits until so many entries are verified.
    fn verified(&mut self, size: u64) {
        while self.wait_for("verified")["size"] != size {}
    }

    fn ended_with(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

/// Copies a folder that nobody has open.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// A ledger with a provider and an auditor, in `data` and, as it was then, in `copy`.
fn with_a_copy() -> Machine {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    machine.admit(&service, "inspector", "auditor");
    assert_eq!(service.stop(), 0);
    copy(&machine.path("data"), &machine.path("copy"));
    // The guard would notice it; it is copied, too.
    copy(&machine.path("data.guard"), &machine.path("copy.guard"));
    machine
}

fn serve(machine: &Machine, dir: &str) -> Service {
    let line = ["serve", "--dir", dir, "--listen", "127.0.0.1:0"];
    machine.start("operator", &line).0
}

fn contribute(machine: &Machine, at: &Service, name: &str) {
    let file = machine.file("rows.csv", name);
    let line = ["contribute", &file, "--name", name];
    let more = ["--licence", "CC-BY-4.0", "--server", &at.url];
    machine.run("school", &[line, more].concat()).well();
}

fn audit(machine: &Machine, who: &str, line: &[&str]) -> (Ended, Value) {
    let ended = machine.run(who, &[&["audit"], line, &["--output", "json"]].concat());
    assert!(
        ended.code == 0 || ended.code == 1,
        "{} {}",
        ended.stdout,
        ended.stderr
    );
    let report = ended.json();
    (ended, report)
}

/// Exports tiles once so many entries are published, which is at most a second after the last.
fn export(machine: &Machine, at: &Service, dir: &str, size: u64) {
    let line = [
        "log", "export", dir, "--server", &at.url, "--output", "json",
    ];
    loop {
        let exported = machine.run("inspector", &line).well().json();
        if exported["size"] == size {
            break;
        }
    }
}

fn verifier_key(machine: &Machine, at: &Service) -> String {
    let line = ["connect", &at.url, "--output", "json"];
    let facts = machine.run("operator", &line).well().json();
    facts["verifier_keys"][0].as_str().unwrap().to_owned()
}

/// Returns the files of evidence that a person has.
fn evidence(machine: &Machine, who: &str) -> Vec<PathBuf> {
    let folder = machine.path(&format!("config-{who}/audits"));
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let is_evidence = |path: &PathBuf| path.to_string_lossy().ends_with(".json");
    files.filter(is_evidence).collect()
}

#[test]
fn an_auditor_that_saw_one_server_detects_the_other() {
    let machine = with_a_copy();
    let (first, second) = (serve(&machine, "data"), serve(&machine, "copy"));
    contribute(&machine, &first, "rows@1");
    for who in ["inspector", "school"] {
        let (ended, report) = audit(&machine, who, &[&first.url]);
        assert_eq!(ended.code, 0, "{report}");
    }
    // The second server tells another story: first of the same length, then a longer one.
    contribute(&machine, &second, "other@1");
    for (size, verdict) in [(4, "one size"), (5, "does not begin with")] {
        for who in ["inspector", "school"] {
            let (ended, report) = audit(&machine, who, &[&second.url]);
            assert_eq!(ended.code, 1, "{report}");
            let finding = &report["findings"][0];
            assert_eq!(finding["kind"], "LOG_FORKED", "{report}");
            assert_eq!(finding["place"], format!("checkpoint of size {size}"));
            let named = |path: &&PathBuf| {
                let message = finding["message"].as_str().unwrap();
                message.contains(&path.display().to_string())
            };
            let files = evidence(&machine, who);
            let file = files.iter().find(named).unwrap().display().to_string();
            // Anybody checks it offline, with the verifier key alone.
            let key = verifier_key(&machine, &first);
            let line = ["verify", "--fork", &file, "--log-key", &key];
            let judged = machine.run("stranger", &line).well();
            assert!(judged.stdout.contains(verdict), "{}", judged.stdout);
        }
        contribute(&machine, &second, &format!("other@{size}"));
    }
    // What is remembered is still the first story, which goes on.
    contribute(&machine, &first, "rows@2");
    let (ended, report) = audit(&machine, "inspector", &[&first.url]);
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(
        (&report["resumed_at"], &report["size"]),
        (&4.into(), &5.into())
    );
    assert_eq!(report["checked"]["entries"], 1);
    let (_, report) = audit(&machine, "inspector", &[&first.url, "--replay-all"]);
    assert_eq!(report["checked"]["entries"], 5);
    // An auditor without a memory sees nothing wrong with either.
    let (ended, report) = audit(&machine, "inspector", &[&second.url, "--no-state"]);
    assert_eq!(ended.code, 0, "{report}");
}

#[test]
fn a_log_that_was_rolled_back_is_found_and_is_no_proven_fork() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    contribute(&machine, &first, "rows@1");
    audit(&machine, "inspector", &[&first.url]);
    let key = verifier_key(&machine, &first);
    assert_eq!(first.stop(), 0);
    let second = serve(&machine, "copy");
    let file = machine.path("evidence.json").display().to_string();
    let line = [&second.url, "--evidence", &file];
    let (ended, report) = audit(&machine, "inspector", &line);
    assert_eq!(ended.code, 1);
    assert_eq!(report["findings"][0]["kind"], "LOG_ROLLED_BACK", "{report}");
    let line = ["verify", "--fork", &file, "--log-key", &key];
    let judged = machine.run("stranger", &line);
    assert!(judged.stdout.contains("no fork: "), "{}", judged.stdout);
    assert!(judged.ended_with(1).contains("proves no fork"));
}

#[test]
fn evidence_and_memory_that_were_changed_are_not_believed() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    let key = verifier_key(&machine, &first);
    let state = machine.path("mine.state").display().to_string();
    let line = [&first.url, "--state", &state];
    audit(&machine, "inspector", &line);
    let mut bytes = fs::read(&state).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&state, &bytes).unwrap();
    let ended = machine.run("inspector", &[&["audit"], &line[..]].concat());
    let said = ended.ended_with(2);
    assert!(
        said.contains("mine.state, is not used: it is damaged"),
        "{said}"
    );
    assert!(said.contains("hint: Bring a good copy back"), "{said}");
    let forged = machine.file("forged.json", "{\"form\":\"fenrun fork evidence v1\"}");
    let line = ["verify", "--fork", &forged, "--log-key", &key];
    let said = machine.run("stranger", &line).ended_with(2);
    assert!(said.contains("no evidence of a fork"), "{said}");
}

#[test]
fn tiles_are_audited_as_far_as_what_they_need_is_at_hand() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    contribute(&machine, &first, "rows@1");
    export(&machine, &first, "tiles", 4);
    let (ended, report) = audit(&machine, "inspector", &["tiles"]);
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(report["checked"]["commands"], 4);
    assert_eq!(report["checked"]["tiles"], 1);
    assert_eq!(report["not_checked"][0]["what"], "accounts");
    // The port of the service shows the same, bundles to who has a token.
    let place = [&first.url, "--tiles", "--no-state"];
    let (_, report) = audit(&machine, "inspector", &place);
    assert_eq!(report["findings"][0]["kind"], "TILE_DIFFERS", "{report}");
    let (ended, report) = audit(
        &machine,
        "inspector",
        &[&place[..], &["--with-token"]].concat(),
    );
    assert_eq!(ended.code, 0, "{report}");
    // What is remembered of the tiles serves over gRPC, and the other way round.
    contribute(&machine, &first, "rows@2");
    let (_, report) = audit(&machine, "inspector", &[&first.url]);
    assert_eq!(
        (&report["resumed_at"], &report["size"]),
        (&4.into(), &5.into())
    );
    export(&machine, &first, "tiles", 5);
    let (_, report) = audit(&machine, "inspector", &["tiles"]);
    assert_eq!(
        (&report["resumed_at"], &report["size"]),
        (&5.into(), &5.into())
    );
    // Without bundles there is the tree.
    let bare = ["log", "export", "bare", "--server", &first.url];
    let bare = [&bare[..], &["--without-entries"]].concat();
    machine.run("inspector", &bare).well();
    let (ended, report) = audit(&machine, "inspector", &["bare", "--tree-only"]);
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(report["checked"]["tiles"], 1);
    assert_eq!(report["not_checked"][0]["what"], "entries");
    // A byte of a bundle that was changed is found, and the entry named.
    let bundle = machine.path("tiles/tile/entries/000.p/5");
    let mut bytes = fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let (ended, report) = audit(&machine, "inspector", &["tiles", "--no-state"]);
    assert_eq!(ended.code, 1);
    assert_eq!(report["findings"][0]["index"], 4, "{report}");
}

#[test]
fn an_audit_that_follows_lives_through_a_restart_and_ends_with_a_report() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    let mut following = Following::start(&machine, &first.url);
    following.verified(3);
    contribute(&machine, &first, "rows@1");
    following.verified(4);
    let (port, url) = (first.port(), first.url.clone());
    first.kill();
    following.wait_for("unreached");
    let address = format!("127.0.0.1:{port}");
    let again = ["serve", "--dir", "data", "--listen", &address];
    let again = machine.start("operator", &again).0;
    assert_eq!(again.url, url);
    contribute(&machine, &again, "rows@2");
    following.verified(5);
    let id = following.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let ended = following.wait_for("ended");
    let report = &ended["report"];
    assert_eq!(
        (&report["verdict"], &report["size"]),
        (&"equal".into(), &5.into())
    );
    assert_eq!(following.ended_with(), 0);
    // It has remembered how far it got.
    let (_, report) = audit(&machine, "inspector", &[&url]);
    assert_eq!(report["resumed_at"], 5);
}

#[test]
fn an_audit_that_follows_ends_when_another_history_takes_the_place() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    let mut following = Following::start(&machine, &first.url);
    contribute(&machine, &first, "rows@1");
    following.verified(4);
    let address = format!("127.0.0.1:{}", first.port());
    assert_eq!(first.stop(), 0);
    following.wait_for("unreached");
    // Two entries more than the auditor knows of before it is asked again.
    let elsewhere = serve(&machine, "copy");
    for name in ["other@1", "other@2"] {
        contribute(&machine, &elsewhere, name);
    }
    assert_eq!(elsewhere.stop(), 0);
    let line = ["serve", "--dir", "copy", "--listen", &address];
    let _second = machine.start("operator", &line).0;
    let finding = following.wait_for("finding");
    assert_eq!(finding["finding"]["kind"], "LOG_FORKED", "{finding}");
    let ended = following.wait_for("ended");
    assert_eq!(ended["report"]["verdict"], "different");
    assert_eq!(following.ended_with(), 1);
    assert_eq!(evidence(&machine, "inspector").len(), 1);
}

#[test]
fn blobs_are_hashed_again_in_full_and_by_a_sample_that_two_auditors_share() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    for name in ["rows@1", "rows@2", "rows@3"] {
        contribute(&machine, &first, name);
    }
    let (ended, report) = audit(&machine, "inspector", &[&first.url, "--blobs", "all"]);
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(
        (&report["checked"]["blobs"], &report["blobs"]["named"]),
        (&3.into(), &3.into())
    );
    // No entry comes, so no later checkpoint does.
    let sample = [&first.url, "--blobs", "sample:2", "--blobs-wait", "0"];
    let (ended, report) = audit(&machine, "inspector", &sample);
    assert_eq!((ended.code, &report["verdict"]), (1, &"incomplete".into()));
    export(&machine, &first, "tiles", 6);
    contribute(&machine, &first, "rows@4");
    export(&machine, &first, "later", 7);
    let note = machine.path("later/checkpoint").display().to_string();
    let blobs = machine.path("data").display().to_string();
    let sample = ["tiles", "--blobs-from", &blobs, "--blobs", "sample:2"];
    let sample = [&sample[..], &["--seed-checkpoint", &note]].concat();
    let (ended, report) = audit(
        &machine,
        "inspector",
        &[&sample[..], &["--no-state"]].concat(),
    );
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(report["blobs"]["below"], 6);
    assert_eq!(
        report["blobs"]["seed_checkpoint"],
        fs::read_to_string(&note).unwrap()
    );
    let (_, second) = audit(
        &machine,
        "operator",
        &[&sample[..], &["--no-state"]].concat(),
    );
    assert_eq!(second["blobs"], report["blobs"]);
    // What was known before the audit is no seed.
    let early = machine.path("tiles/checkpoint").display().to_string();
    let line = ["audit", "tiles", "--no-state", "--blobs", "sample:1"];
    let ended = machine.run(
        "inspector",
        &[&line[..], &["--seed-checkpoint", &early]].concat(),
    );
    assert!(ended.ended_with(2).contains("it was known before"));
    // A byte of a chosen blob that was changed is found.
    let hash = report["blobs"]["chosen"][0]["hash"].as_str().unwrap();
    let file = machine.path(&format!("data/blobs/{}/{hash}", &hash[..2]));
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::write(&file, bytes).unwrap();
    for line in [&sample[..], &[&first.url, "--blobs", "all"]] {
        let (ended, report) = audit(&machine, "inspector", line);
        assert_eq!(ended.code, 1, "{report}");
        assert_eq!(report["findings"][0]["kind"], "BLOB_DIFFERS", "{report}");
        let place = report["findings"][0]["place"].as_str().unwrap();
        assert!(
            place.starts_with(&format!("blob {hash} of entry ")),
            "{place}"
        );
    }
}

#[test]
fn a_sample_waits_for_the_first_checkpoint_that_is_published_later() {
    let machine = with_a_copy();
    let first = serve(&machine, "data");
    contribute(&machine, &first, "rows@1");
    let report = std::thread::scope(|scope| {
        let line = [&first.url, "--blobs", "sample:5", "--blobs-wait", "120"];
        let machine = &machine;
        let waiting = scope.spawn(move || audit(machine, "inspector", &line).1);
        let mut version = 2;
        while !waiting.is_finished() {
            contribute(machine, &first, &format!("rows@{version}"));
            version += 1;
        }
        waiting.join().unwrap()
    });
    let below = report["blobs"]["below"].as_u64().unwrap();
    let note = report["blobs"]["seed_checkpoint"].as_str().unwrap();
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > below, "{report}");
    assert_eq!(report["verdict"], "equal", "{report}");
}
