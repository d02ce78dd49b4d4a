//! A backup under a running service, restored, and refused where it is older than the guard.

use std::fs;

use super::machine::{Machine, Service};

fn contribute(machine: &Machine, version: u32) {
    let file = format!("rows-{version}.csv");
    machine.file(&file, &format!("x\n{version}\n"));
    let name = format!("rows@{version}");
    let line = [
        "contribute",
        &file,
        "--licence",
        "CC-BY-4.0",
        "--name",
        &name,
    ];
    machine.run("school", &line).well();
}

fn backup(machine: &Machine, folder: &str) -> serde_json::Value {
    let line = ["backup", folder, "--dir", "data", "--output", "json"];
    machine.run("operator", &line).well().json()
}

fn running() -> (Machine, Service) {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    (machine, service)
}

fn keys_into(machine: &Machine, folder: &str) {
    let keys = machine.path(folder).join("keys");
    fs::create_dir(&keys).unwrap();
    fs::copy(machine.path("data/keys/log.pem"), keys.join("log.pem")).unwrap();
}

#[test]
fn a_backup_of_a_running_service_is_restored_and_goes_on() {
    let (machine, service) = running();
    contribute(&machine, 1);
    let first = backup(&machine, "backup");
    assert_eq!((&first["entries"], &first["blobs"]), (&3.into(), &1.into()));
    contribute(&machine, 2);
    let second = backup(&machine, "backup");
    assert_eq!(
        (&second["entries"], &second["blobs_written"]),
        (&4.into(), &1.into())
    );
    let again = backup(&machine, "backup");
    assert_eq!(
        (&again["segments_written"], &again["blobs_written"]),
        (&0.into(), &0.into())
    );
    assert!(!machine.path("backup/keys").exists(), "keys are kept apart");
    assert_eq!(service.stop(), 0);

    let restore = ["restore", "backup", "--dir", "new", "--output", "json"];
    let restored = machine.run("operator", &restore).well().json();
    assert_eq!(
        (&restored["entries"], &restored["root"]),
        (&4.into(), &second["root"])
    );
    let said = machine.run("operator", &restore).ended_with(2);
    assert!(said.contains("is there and not empty"), "{said}");
    let serve = ["serve", "--dir", "new", "--guard", "data.guard"];
    let said = machine.run("operator", &serve).ended_with(2);
    assert!(said.starts_with("error: there is no log key"), "{said}");
    keys_into(&machine, "new");
    fs::rename(machine.path("data"), machine.path("old")).unwrap();
    fs::rename(machine.path("new"), machine.path("data")).unwrap();
    let service = machine.serve();
    machine.run("school", &["connect", &service.url]).well();
    contribute(&machine, 3);
    let verify = ["verify", "rows-1.csv", "--contribution", "school/rows@1"];
    machine.run("school", &verify).well();
    // The backup of the old folder goes on with the new one.
    assert_eq!(backup(&machine, "backup")["entries"], 5);
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_backup_that_is_older_than_the_guard_is_restored_and_not_started() {
    let (machine, service) = running();
    contribute(&machine, 1);
    backup(&machine, "backup");
    contribute(&machine, 2);
    assert_eq!(service.stop(), 0);
    machine
        .run("operator", &["restore", "backup", "--dir", "new"])
        .well();
    keys_into(&machine, "new");
    let serve = ["serve", "--dir", "new", "--guard", "data.guard"];
    let said = machine.run("operator", &serve).ended_with(1);
    assert!(
        said.starts_with("error: ROLLBACK: the guard has seen 4 entries"),
        "{said}"
    );
    // Backing the older folder up over a newer backup would lose the newer one.
    backup(&machine, "newest");
    let line = ["backup", "newest", "--dir", "new"];
    let said = machine.run("operator", &line).ended_with(1);
    assert!(
        said.starts_with("error: ROLLBACK: the copy has 4 entries"),
        "{said}"
    );
}

#[test]
fn a_damaged_backup_is_not_restored_and_a_foreign_folder_not_written_to() {
    let (machine, service) = running();
    contribute(&machine, 1);
    backup(&machine, "backup");
    assert_eq!(service.stop(), 0);
    let blobs = fs::read_dir(machine.path("backup/blobs")).unwrap();
    let folder = blobs.map(|entry| entry.unwrap().path()).next().unwrap();
    let blob = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&blob, "x\n7\n").unwrap();
    let restore = ["restore", "backup", "--dir", "new"];
    machine.run("operator", &restore).ended_with(1);
    assert!(!machine.path("new").exists());
    fs::create_dir(machine.path("notes")).unwrap();
    machine.file("notes/mine", "keep");
    let line = ["backup", "notes", "--dir", "data"];
    let said = machine.run("operator", &line).ended_with(2);
    assert!(said.contains("name an empty folder"), "{said}");
    assert_eq!(fs::read_dir(machine.path("notes")).unwrap().count(), 1);
}
