//! A folder that is put back to an older copy of itself, and the ways out.

use std::fs;
use std::path::Path;

use super::machine::Machine;

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

/// A machine with a ledger in `data`, and in `older` the folder as it was a batch earlier.
fn with_an_older_copy() -> Machine {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    assert_eq!(service.stop(), 0);
    copy(&machine.path("data"), &machine.path("older"));
    let service = machine.serve();
    machine.admit(&service, "studio", "provider");
    assert_eq!(service.stop(), 0);
    machine
}

#[test]
fn an_older_copy_is_refused_and_only_the_missing_segments_clear_it() {
    let machine = with_an_older_copy();
    let line = ["serve", "--dir", "older", "--guard", "data.guard"];
    let refused = |what: &str, code: i32| {
        let said = machine.run("operator", &line).ended_with(code);
        assert!(said.starts_with(&format!("error: {what}")), "{said}");
        said
    };
    let said = refused("ROLLBACK: the guard has seen 3 entries", 1);
    assert!(
        said.contains("hint: Nothing was changed. What to do: docs/operations.md"),
        "{said}"
    );
    let reindex = ["reindex", "--dir", "older", "--guard", "data.guard"];
    let said = machine.run("operator", &reindex).ended_with(1);
    assert!(said.starts_with("error: ROLLBACK"), "{said}");
    refused("ROLLBACK: the guard has seen 3 entries", 1);
    let fsck = [
        "fsck",
        "--dir",
        "older",
        "--guard",
        "data.guard",
        "--output",
        "json",
    ];
    let found = machine.run("operator", &fsck);
    assert_eq!(
        (found.code, &found.json()["findings"][0]["file"]),
        (1, &"guard".into())
    );
    // In place of the folder it is refused without a word about the guard.
    fs::rename(machine.path("data"), machine.path("newer")).unwrap();
    fs::rename(machine.path("older"), machine.path("data")).unwrap();
    let said = machine
        .run("operator", &["serve", "--dir", "data"])
        .ended_with(1);
    assert!(said.starts_with("error: ROLLBACK"), "{said}");
    fs::remove_dir_all(machine.path("data/segments")).unwrap();
    copy(
        &machine.path("newer/segments"),
        &machine.path("data/segments"),
    );
    assert_eq!(machine.serve().stop(), 0);
}

#[test]
fn a_copied_folder_does_not_start_beside_the_first_without_a_word() {
    let machine = with_an_older_copy();
    let serve = ["serve", "--dir", "older"];
    let said = machine.run("operator", &serve).ended_with(2);
    assert!(said.starts_with("error: there is no guard "), "{said}");
    assert!(said.contains("--new-guard"), "{said}");
    let again = ["serve", "--dir", "data", "--new-guard"];
    let said = machine.run("operator", &again).ended_with(2);
    assert!(said.starts_with("error: there is a file "), "{said}");
    let init = [
        "init",
        "--origin",
        "log.example/new",
        "--terms",
        "terms.txt",
        "--dir",
        "fresh",
    ];
    let other = [&init[..], &["--guard", "data.guard", "--profile", "new"]].concat();
    let said = machine.run("operator", &other).ended_with(2);
    assert!(said.starts_with("error: there is a file "), "{said}");
    machine
        .run("operator", &[&init[..], &["--profile", "new"]].concat())
        .well();
    let swapped = ["serve", "--dir", "data", "--guard", "fresh.guard"];
    let said = machine.run("operator", &swapped).ended_with(2);
    assert!(said.contains("is that of ledger"), "{said}");
}
