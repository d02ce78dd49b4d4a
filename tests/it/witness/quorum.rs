//! Servers that publish with a quorum of witnesses only, and one that runs on a copied folder.

use std::path::Path;

use fenrun::keys::StrictVerifier;
use fenrun::merkle::{Checkpoint, Policy, SignedNote};
use serde_json::Value;

use crate::cli::machine::{Machine, Service};
use crate::running::PATIENCE;
use crate::web::{Got, get};

/// A founded ledger with a provider, a witness and a policy that asks for it.
struct Scene {
    machine: Machine,
    witness: super::Witness,
    policy: Policy,
}

impl Scene {
    fn begin() -> Self {
        let machine = Machine::new();
        machine.found().well();
        let service = machine.serve();
        machine.admit(&service, "school", "provider");
        let facts = ["connect", &service.url, "--output", "json"];
        let facts: Value = machine.run("operator", &facts).well().json();
        let log_key = facts["verifier_keys"][0].as_str().unwrap().to_owned();
        assert_eq!(service.stop(), 0);
        let witness = super::start(&machine, &log_key, "127.0.0.1:0");
        let text = format!(
            "log {log_key}\nwitness one {} {}\nquorum one\n",
            witness.key, witness.service.url
        );
        machine.file("policy.txt", &text);
        Self {
            machine,
            witness,
            policy: Policy::parse(text.as_bytes()).unwrap(),
        }
    }

    /// Starts a server over a folder that needs the quorum.
    fn serve(&self, dir: &str) -> Service {
        let line = [
            "serve",
            "--dir",
            dir,
            "--listen",
            "127.0.0.1:0",
            "--witness-policy",
            "policy.txt",
            "--log",
            "fenrun=error",
        ];
        self.machine.start("operator", &line).0
    }

    /// Records a contribution at a server and returns the size of its log.
    fn contribute(&self, at: &Service, name: &str, content: &str) -> u64 {
        self.machine.file("rows.csv", content);
        let line = [
            "contribute",
            "rows.csv",
            "--name",
            name,
            "--licence",
            "CC-BY-4.0",
            "--server",
            &at.url,
            "--output",
            "json",
        ];
        let recorded = self.machine.run("school", &line).well().json();
        recorded["index"].as_u64().unwrap() + 1
    }

    /// Returns the size of what a server publishes, having checked that the quorum has cosigned.
    fn published(&self, got: &Got) -> u64 {
        assert_eq!(got.status, 200, "{got:?}");
        let note = SignedNote::parse(&got.body).unwrap();
        let cosigned = self.policy.cosigned(&note, &StrictVerifier);
        assert!(self.policy.holds(&cosigned), "{note}");
        note.text().parse::<Checkpoint>().unwrap().size
    }

    /// Waits until a server publishes so many entries.
    async fn wait_for(&self, at: &Service, size: u64) {
        loop {
            let got = get(at.port(), "/checkpoint").await;
            if got.status != 404 && self.published(&got) >= size {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_a_copied_folder_cannot_publish() {
    let scene = Scene::begin();
    let first = scene.serve("data");
    let size = scene.contribute(&first, "rows@1", "1\n");
    scene.wait_for(&first, size).await;
    assert_eq!(first.stop(), 0);
    copy(&scene.machine.path("data"), &scene.machine.path("copy"));
    // The guard would notice it; it is copied, too.
    let guard = scene.machine.path("data.guard");
    std::fs::copy(guard, scene.machine.path("copy.guard")).unwrap();

    // Both go on: the first one is witnessed, and the other has another history then.
    let first = scene.serve("data");
    let second = scene.serve("copy");
    assert_eq!(scene.contribute(&first, "rows@2", "2\n"), size + 1);
    scene.wait_for(&first, size + 1).await;
    assert_eq!(scene.contribute(&second, "rows@2", "other\n"), size + 1);
    assert_eq!(scene.contribute(&second, "rows@3", "more\n"), size + 2);
    // The second one is due to publish for longer than the first one needed: until the first
    // has published twice more.
    for more in 2..4 {
        let name = format!("rows@{}", more + 1);
        let grown = scene.contribute(&first, &name, &name);
        scene.wait_for(&first, grown).await;
    }
    let got = get(second.port(), "/checkpoint").await;
    assert_eq!(
        scene.published(&got),
        size,
        "it shows what was cosigned before, and no more"
    );
    let list = [
        "log",
        "checkpoints",
        "--server",
        &second.url,
        "--output",
        "json",
    ];
    let listed = scene.machine.run("school", &list).well().json();
    let last = listed["checkpoints"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["size"], size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cosignatures_are_in_the_log_and_outlive_server_and_witness() {
    let scene = Scene::begin();
    let server = scene.serve("data");
    let size = scene.contribute(&server, "rows@1", "1\n");
    scene.wait_for(&server, size).await;
    let before = get(server.port(), "/checkpoint").await.body;
    // A proof carries the cosignatures.
    let prove = [
        "log",
        "prove",
        "2",
        "--proof",
        "rows.tlog-proof",
        "--server",
        &server.url,
    ];
    scene.machine.run("school", &prove).well();
    let proof = std::fs::read_to_string(scene.machine.path("rows.tlog-proof")).unwrap();
    assert!(proof.contains("\u{2014} witness.example/one "), "{proof}");
    let verify = [
        "verify",
        "--proof",
        "rows.tlog-proof",
        "--policy",
        "policy.txt",
    ];
    let verified = scene.machine.run("stranger", &verify).well().stdout;
    assert!(verified.contains("witness.example/one"), "{verified}");
    // The log's word alone is not enough for the policy.
    let alone: String = proof
        .lines()
        .filter(|line| !line.contains("witness.example"))
        .map(|line| format!("{line}\n"))
        .collect();
    scene.machine.file("rows.tlog-proof", &alone);
    let refused = scene.machine.run("stranger", &verify).ended_with(1);
    assert!(refused.contains("no quorum"), "{refused}");
    let pinned = ["verify", "--proof", "rows.tlog-proof"];
    scene.machine.run("school", &pinned).well();
    assert_eq!(server.stop(), 0);
    let Scene {
        machine, witness, ..
    } = scene;
    witness.service.kill();
    let fsck = machine
        .run("operator", &["fsck", "--dir", "data"])
        .well()
        .stdout;
    assert!(fsck.contains("All is as it should be"), "{fsck}");
    let line = [
        "serve",
        "--dir",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "fenrun=error",
    ];
    let policy = ["--witness-policy", "policy.txt"];
    let (server, _) = machine.start("operator", &[&line[..], &policy].concat());
    assert_eq!(get(server.port(), "/checkpoint").await.body, before);
    assert_eq!(server.stop(), 0);
    // Without a policy what is cosigned stays so.
    let (server, _) = machine.start("operator", &line);
    assert_eq!(get(server.port(), "/checkpoint").await.body, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_background_it_publishes_at_once_and_is_cosigned_when_the_witness_is_there() {
    let Scene {
        machine,
        witness,
        policy,
    } = Scene::begin();
    let log_key = policy.logs[0].to_string();
    let address = format!("127.0.0.1:{}", witness.service.port());
    witness.service.kill();
    let line = [
        "serve",
        "--dir",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--witness-policy",
        "policy.txt",
        "--cosign-in-background",
        "--log",
        "fenrun=error",
    ];
    let (server, _) = machine.start("operator", &line);
    let got = get(server.port(), "/checkpoint").await;
    assert_eq!(got.status, 200, "{got:?}");
    let holds = |got: &Got| {
        let note = SignedNote::parse(&got.body).unwrap();
        policy.holds(&policy.cosigned(&note, &StrictVerifier))
    };
    assert!(!holds(&got), "nobody was there to cosign");
    let witness = super::start(&machine, &log_key, &address);
    let begun = std::time::Instant::now();
    while !holds(&get(server.port(), "/checkpoint").await) {
        assert!(begun.elapsed() < PATIENCE, "it is not cosigned");
        tokio::task::yield_now().await;
    }
    assert_eq!(server.stop(), 0);
    assert_eq!(witness.service.stop(), 0);
}
