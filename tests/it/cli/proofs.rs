//! Proof files and static exports: what outlives the service.

use serde_json::Value;

use super::machine::{Machine, Service};
use crate::web::get_with;

/// A ledger with a provider, an auditor, and its verifier key.
struct Scene {
    machine: Machine,
    service: Service,
    verifier_key: String,
}

impl Scene {
    fn begin() -> Self {
        let machine = Machine::new();
        machine.found().well();
        let service = machine.serve();
        machine.admit(&service, "school", "provider");
        machine.admit(&service, "auditor", "auditor");
        machine.file("rows.csv", "x,label\n1,a\n2,b\n");
        let facts = machine.run("operator", &["connect", &service.url, "--output", "json"]);
        let keys = facts.well().json()["verifier_keys"].clone();
        Self {
            machine,
            service,
            verifier_key: keys[0].as_str().unwrap().to_owned(),
        }
    }

    fn contribute(&self, name: &str) -> Value {
        let line = [
            "contribute",
            "rows.csv",
            "--name",
            name,
            "--licence",
            "CC-BY-4.0",
            "--proof",
            "rows.tlog-proof",
            "--output",
            "json",
        ];
        self.machine.run("school", &line).well().json()
    }

    /// Waits until the published checkpoint covers so many entries, which takes a second at most.
    fn wait_until_published(&self, size: u64) {
        let list = ["log", "checkpoints", "--output", "json"];
        loop {
            let listed = self.machine.run("operator", &list).well().json();
            let last = listed["checkpoints"].as_array().unwrap().last().cloned();
            if last.is_some_and(|last| last["size"] == size) {
                break;
            }
        }
    }
}

#[test]
fn a_proof_file_verifies_offline_under_the_verifier_key_alone() {
    let scene = Scene::begin();
    let recorded = scene.contribute("rows@1");
    let Scene {
        machine,
        service,
        verifier_key,
    } = scene;
    service.stop();

    // Somebody who has the two files and the key, and no profile and no network.
    let check = ["verify", "--proof", "rows.tlog-proof"];
    let with_key = [&check[..], &["--log-key", &verifier_key]].concat();
    let verify = [&with_key[..], &["rows.csv", "--output", "json"]].concat();
    let proved = machine.run("stranger", &verify).well().json();
    assert_eq!(proved["contributions"][0]["name"], "school/rows@1");
    assert_eq!(proved["party"], "school");
    assert_eq!(proved["index"], recorded["index"]);
    assert_eq!(proved["action"], "RecordContribution");
    assert_eq!(proved["command_id"], recorded["command_id"]);
    assert_eq!(
        proved["contributions"][0]["content_hash"],
        recorded["content_hash"]
    );
    let alone = machine.run("stranger", &with_key).well().stdout;
    assert!(alone.contains("school/rows@1"), "{alone}");
    // With a profile the pinned key and ledger count.
    machine.run("school", &check).well();
    let nothing = machine.run("stranger", &check).ended_with(2);
    assert!(nothing.contains("--log-key"), "{nothing}");

    // What does not verify is a finding.
    let other = machine.file("other.csv", "x,label\n1,a\n2,c\n");
    let file = [&with_key[..], &[other.as_str()]].concat();
    let said = machine.run("stranger", &file).ended_with(1);
    assert!(said.contains("does not record"), "{said}");
    let proof = std::fs::read_to_string(machine.path("rows.tlog-proof")).unwrap();
    let index = recorded["index"].as_u64().unwrap();
    let forged = proof.replace(
        &format!("index {index}\n"),
        &format!("index {}\n", index - 1),
    );
    assert_ne!(forged, proof);
    machine.file("rows.tlog-proof", &forged);
    let said = machine.run("stranger", &with_key).ended_with(1);
    assert!(said.contains("does not lead from entry"), "{said}");
    machine.file("rows.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 1\nx\n");
    let said = machine.run("stranger", &with_key).ended_with(1);
    assert!(said.contains("line 3 of the proof file"), "{said}");
    machine.file("rows.tlog-proof", &proof);
    let (start, end) = verifier_key.split_once('+').unwrap();
    let of_another_log = format!("{start}+{}", end.replace('A', "B"));
    let wrong = [
        "verify",
        "--proof",
        "rows.tlog-proof",
        "--log-key",
        &of_another_log,
    ];
    machine.run("stranger", &wrong).ended_with(2);
}

#[test]
fn entries_are_proved_by_index_command_and_content() {
    let scene = Scene::begin();
    let recorded = scene.contribute("rows@1");
    let machine = &scene.machine;
    let text = |name: &str| recorded[name].as_str().unwrap().to_owned();
    let index = recorded["index"].to_string();
    for entry in [
        vec![index.clone()],
        vec![text("command_id")],
        vec!["--content".to_owned(), text("content_hash")],
    ] {
        let entry = entry.iter().map(String::as_str);
        let line: Vec<&str> = ["log", "prove", "--proof", "again.tlog-proof"]
            .into_iter()
            .chain(entry)
            .collect();
        machine.run("school", &line).well();
        let verify = ["verify", "rows.csv", "--proof", "again.tlog-proof"];
        let proved = machine.run("school", &verify).well().stdout;
        assert!(proved.contains("school/rows@1"), "{proved}");
        std::fs::remove_file(machine.path("again.tlog-proof")).unwrap();
    }
    // Who may not see the entry does not hear that it is there, but by index.
    machine.admit(&scene.service, "studio", "provider");
    for entry in [
        vec!["log", "prove", recorded["command_id"].as_str().unwrap()],
        vec![
            "log",
            "prove",
            "--content",
            recorded["content_hash"].as_str().unwrap(),
        ],
        vec!["log", "prove", &index, "--proof", "no.tlog-proof"],
    ] {
        let said = machine.run("studio", &entry).ended_with(3);
        assert!(said.contains("NOT_FOUND"), "{said}");
    }
    machine.run("studio", &["log", "prove", &index]).well();
    assert!(!machine.path("no.tlog-proof").exists());
}

#[test]
fn an_export_has_the_files_of_the_http_port_and_goes_on() {
    let scene = Scene::begin();
    let machine = &scene.machine;
    scene.wait_until_published(3);
    let export = ["log", "export", "public", "--output", "json"];
    let first = machine.run("auditor", &export).well().json();
    assert_eq!(first["size"], 3);
    scene.contribute("rows@1");
    scene.wait_until_published(4);
    let second = machine.run("auditor", &export).well().json();
    assert_eq!(
        (&second["size"], &second["new_entries"]),
        (&4.into(), &1.into())
    );
    let third = machine.run("auditor", &export).well().json();
    assert_eq!(
        (&third["files"], &third["new_entries"]),
        (&0.into(), &0.into())
    );

    let runtime = tokio::runtime::Runtime::new().unwrap();
    for path in ["checkpoint", "tile/0/000.p/3", "tile/0/000.p/4"] {
        let served = runtime.block_on(get_with(scene.service.port(), &format!("/{path}"), &[]));
        assert_eq!(served.status, 200);
        let exported = std::fs::read(machine.path("public").join(path)).unwrap();
        assert_eq!(exported, served.body, "{path}");
    }
    assert!(machine.path("public/tile/entries/000.p/4").exists());
    let without = ["log", "export", "hashes", "--without-entries"];
    machine.run("auditor", &without).well();
    assert!(machine.path("hashes/tile/0/000.p/4").exists());
    assert!(!machine.path("hashes/tile/entries").exists());
    machine.run("school", &["log", "export", "x"]).ended_with(4);

    // The checkpoint of the export is one to compare with later.
    let kept = machine.path("public/checkpoint").display().to_string();
    machine.run("school", &["log", "consistency", &kept]).well();

    // Changed files are found before anything is added to them.
    scene.contribute("rows@2");
    scene.wait_until_published(5);
    let tile = machine.path("public/tile/0/000.p/4");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let said = machine.run("auditor", &export).ended_with(1);
    assert!(said.contains("do not lead to the root"), "{said}");
    assert!(!machine.path("public/tile/0/000.p/5").exists());
}
