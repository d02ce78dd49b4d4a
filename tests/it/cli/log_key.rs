//! The log's key is changed while the service runs, and everybody follows.

use serde_json::Value;

use super::machine::Machine;

const CONTRIBUTE: [&str; 5] = ["contribute", "rows.csv", "--licence", "CC-BY-4.0", "--name"];

fn keys_of(machine: &Machine, who: &str) -> Vec<String> {
    let config = machine
        .run(who, &["config", "--output", "json"])
        .well()
        .json();
    let rows = config["settings"].as_array().unwrap();
    let keys = rows
        .iter()
        .find(|row| row["name"] == "verifier keys")
        .unwrap();
    let keys = keys["value"].as_str().unwrap();
    keys.split(' ').map(str::to_owned).collect()
}

fn contribute(machine: &Machine, name: &str) -> Value {
    let line = [&CONTRIBUTE[..], &[name, "--output", "json"]].concat();
    machine.run("school", &line).well().json()
}

#[test]
fn everybody_follows_a_log_that_changes_its_key() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    machine.admit(&service, "anna", "auditor");
    machine.file("rows.csv", "x\n1\n");
    let first = contribute(&machine, "rows@1");
    let old = keys_of(&machine, "school");
    assert_eq!(old.len(), 1);

    // Folder and operator's key are on one machine: one step.
    let rotate = ["key", "rotate-log", "--dir", "data", "--output", "json"];
    let rotated = machine.run("operator", &rotate).well().json();
    let new = rotated["verifier_key"].as_str().unwrap().to_owned();
    assert_ne!(old[0], new);
    // Who has pinned the old key learns the new one from the log, and keeps it.
    contribute(&machine, "rows@2");
    assert_eq!(keys_of(&machine, "school"), [old[0].clone(), new.clone()]);
    // They are elsewhere: two steps.
    let request = [
        "key",
        "rotate-log",
        "--dir",
        "data",
        "--request",
        "request.json",
    ];
    machine.run("server", &request).well();
    machine
        .run("operator", &["key", "rotate-log", "request.json"])
        .well();
    let last = contribute(&machine, "rows@3");
    let third = keys_of(&machine, "school");
    assert_eq!(third[..2], [old[0].clone(), new.clone()]);
    assert_eq!(third.len(), 3);

    // The receipts of all three keys prove what they proved.
    let receipts = [&first, &last].map(|made| made["receipt"].as_str().unwrap().to_owned());
    let pinned = machine
        .run("anna", &["config", "--output", "json"])
        .well()
        .json();
    let rows = pinned["settings"].as_array().unwrap();
    let ledger = rows.iter().find(|row| row["name"] == "ledger").unwrap();
    let ledger = ledger["value"].as_str().unwrap();
    // An auditor with any one of the keys sees the whole log as equal.
    for key in &third {
        let [first, last] = &receipts;
        let audit = ["audit", &service.url, "--log-key", key, "--ledger", ledger];
        let kept = match key == &old[0] {
            true => vec!["--receipt", first, "--receipt", last],
            false => vec!["--receipt", last],
        };
        let audit = [&audit[..], &kept, &["--output", "json"]].concat();
        let report = machine.run("anna", &audit).well().json();
        assert_eq!(report["verdict"], "equal", "{report}");
    }
    // A key that never was the log's is refused.
    let stranger = machine.run("anna", &["key", "new", "stranger.pem", "--output", "json"]);
    let stranger = stranger.well().json()["public_key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!third.iter().any(|key| key.contains(&stranger)));
    assert_eq!(service.stop(), 0);

    let fsck = ["fsck", "--dir", "data", "--output", "json"];
    let checked = machine.run("operator", &fsck).well().json();
    assert_eq!(checked["findings"], Value::Array(Vec::new()));
    std::fs::remove_dir_all(machine.path("data/index")).unwrap();
    drop(machine.serve());
    let service = machine.serve();
    machine.run("school", &["connect", &service.url]).well();
    contribute(&machine, "rows@4");
    assert_eq!(service.stop(), 0);

    // Without the secret of the key in force, it says so.
    for entry in std::fs::read_dir(machine.path("data/keys")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "log.pem" {
            std::fs::remove_file(path).unwrap();
        }
    }
    let said = machine
        .run("operator", &["serve", "--dir", "data"])
        .ended_with(2);
    assert!(
        said.contains("whose secret key is not among those"),
        "{said}"
    );
}

#[test]
fn a_key_that_is_not_on_the_server_is_refused() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    let request = [
        "key",
        "rotate-log",
        "--dir",
        "data",
        "--request",
        "request.json",
    ];
    machine.run("server", &request).well();
    for entry in std::fs::read_dir(machine.path("data/keys")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "log.pem" {
            std::fs::rename(&path, machine.path("taken.pem")).unwrap();
        }
    }
    let rotate = ["key", "rotate-log", "request.json"];
    let said = machine.run("operator", &rotate).ended_with(3);
    assert!(said.starts_with("error: LOG_KEY_MISSING"), "{said}");
    // The server finds it as soon as it is there, without being started again.
    std::fs::rename(
        machine.path("taken.pem"),
        machine.path("data/keys/log-2.pem"),
    )
    .unwrap();
    machine.run("operator", &rotate).well();
    drop(service);
    assert_eq!(machine.serve().stop(), 0);
}
