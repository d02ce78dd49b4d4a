//! Commands one by one: what they print, which exit code they end with, what they hint at.

use super::machine::Machine;

#[test]
fn init_founds_once_and_keeps_the_operators_key_outside() {
    let machine = Machine::new();
    let founded = machine.found().well();
    assert!(
        founded.stdout.contains("verifier key    log.example/test+"),
        "{}",
        founded.stdout
    );
    assert!(machine.path("data/keys/log.pem").is_file());
    assert!(machine.path("config-operator/keys/operator.pem").is_file());
    let again = machine.found().ended_with(2);
    assert!(again.contains("is pinned to ledger"), "{again}");
    let other = [
        "init",
        "--origin",
        "a.example/b",
        "--terms",
        "terms.txt",
        "--dir",
        "data",
    ];
    let line = [&other[..], &["--profile", "other"]].concat();
    let again = machine.run("operator", &line).ended_with(2);
    assert!(
        again.contains("already\nhint: A ledger is founded once."),
        "{again}"
    );
    let inside = [
        "--profile",
        "new",
        "--dir",
        "new",
        "--key",
        "new/operator.pem",
    ];
    let line = [
        &["init", "--origin", "a.example/b", "--terms", "terms.txt"],
        &inside[..],
    ]
    .concat();
    let refused = machine.run("operator", &line).ended_with(2);
    assert!(
        refused.contains("lies in the data folder\nhint: Say --key"),
        "{refused}"
    );
}

#[test]
fn serve_says_what_to_do_where_there_is_no_ledger() {
    let machine = Machine::new();
    let missing = machine
        .run("anna", &["serve", "--dir", "nowhere"])
        .ended_with(2);
    assert!(
        missing.ends_with("hint: Found a ledger there first: `fenrun init`.\n"),
        "{missing}"
    );
    std::fs::create_dir(machine.path("empty")).unwrap();
    let empty = machine
        .run("anna", &["serve", "--dir", "empty"])
        .ended_with(2);
    assert!(
        empty.contains("hint: Found a ledger there first: `fenrun init`.\n"),
        "{empty}"
    );
}

#[test]
fn serve_refuses_a_network_without_tls_and_stops_when_asked() {
    let machine = Machine::new();
    machine.found().well();
    let line = ["serve", "--dir", "data", "--listen", "0.0.0.0:0"];
    let plain = machine.run("operator", &line).ended_with(2);
    assert!(
        plain.contains("hint: Say --tls-cert and --tls-key"),
        "{plain}"
    );
    let half = [&line[..], &["--tls-cert", "terms.txt"]].concat();
    let half = machine.run("operator", &half).ended_with(2);
    assert!(half.contains("TLS needs both"), "{half}");
    let service = machine.serve();
    let busy = machine
        .run("operator", &["serve", "--dir", "data"])
        .ended_with(2);
    assert!(busy.contains("in use by another process"), "{busy}");
    assert_eq!(service.stop(), 0);
    machine.serve();
}

#[test]
fn connect_pins_and_notices_another_ledger() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    let connected = machine
        .run("anna", &["connect", &service.url, "--output", "json"])
        .well();
    let facts = connected.json();
    assert_eq!(facts["profile"], "default");
    assert_eq!(facts["origin"], "log.example/test");
    let key = facts["verifier_keys"][0].as_str().unwrap();
    let ledger = facts["ledger"].as_str().unwrap();
    let line = [
        "connect",
        &service.url,
        "--verifier-key",
        key,
        "--ledger",
        ledger,
    ];
    let checked = machine.run("bert", &line).well();
    assert!(!checked.stdout.contains("Compare"), "{}", checked.stdout);
    let other = "00".repeat(32);
    let line = ["connect", &service.url, "--ledger", &other];
    let said = machine.run("carl", &line).ended_with(1);
    assert!(said.contains("hint: Nothing was pinned."), "{said}");
    assert!(!machine.path("config-carl").exists());

    drop(service);
    let again = Machine::new();
    again.found().well();
    let impostor = again.serve();
    let line = ["connect", &impostor.url];
    let said = machine.run("anna", &line).ended_with(1);
    assert!(said.contains("is pinned to ledger"), "{said}");
    let line = ["log", "prove", "0", "--server", &impostor.url];
    let said = machine.run("anna", &line).ended_with(1);
    assert!(said.starts_with("error: this is not the ledger that the profile is pinned to"));
}

#[test]
fn each_kind_of_end_has_its_exit_code() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    let hint = |said: String| assert!(said.contains("\nhint: "), "{said}");
    hint(machine.run("nobody", &["party", "show"]).ended_with(2));
    hint(
        machine
            .run("school", &["contribution", "show", "school/none@1"])
            .ended_with(3),
    );
    let policy = machine.file(
        "policy.json",
        r#"{"name": "plain", "time_zone": "UTC", "objection_days": 0}"#,
    );
    hint(
        machine
            .run("school", &["policy", "publish", &policy])
            .ended_with(4),
    );
    let away = ["party", "show", "--server", "http://127.0.0.1:1"];
    hint(machine.run("school", &away).ended_with(5));
    let json = [&away[..], &["--output", "json"]].concat();
    let said = machine.run("school", &json).ended_with(5);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["error"]["kind"], "unreachable");
    hint(
        machine
            .run(
                "school",
                &["party", "show", "--server", "http://192.0.2.1:1"],
            )
            .ended_with(2),
    );
    let stranger = [
        "party",
        "show",
        "--key",
        "config-operator/keys/operator.pem",
    ];
    hint(machine.run("school", &stranger).ended_with(4));
}

#[test]
fn config_says_where_each_value_comes_from() {
    let machine = Machine::new();
    machine.found().well();
    let line = ["config", "--server", "http://flag", "--output", "json"];
    let shown = machine
        .run_with_variable("operator", &line, ("FENRUN_KEY", "env.pem"))
        .well();
    let settings = shown.json();
    let of = |name: &str| {
        let rows = settings["settings"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let source = row["source"].as_str().unwrap().split(' ').next().unwrap();
        format!("{} from {source}", row["value"].as_str().unwrap_or("-"))
    };
    assert_eq!(of("server"), "http://flag from flag");
    assert_eq!(of("key"), "env.pem from environment");
    assert_eq!(of("party"), "operator from file");
    assert_eq!(of("dir"), "fenrun-data from default");
}

#[test]
fn a_changed_application_and_a_wrong_fingerprint_are_refused() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.run("school", &["connect", &service.url]).well();
    let apply = [
        "party",
        "apply",
        "school",
        "--role",
        "provider",
        "--terms",
        "terms.txt",
    ];
    machine.run("school", &apply).well();
    let wrong = "11".repeat(32);
    let line = [
        "party",
        "admit",
        "school.application.json",
        "--fingerprint",
        &wrong,
    ];
    let said = machine.run("operator", &line).ended_with(2);
    assert!(said.contains("hint: Somebody else's key"), "{said}");
    let line = ["party", "admit", "school.application.json"];
    let said = machine
        .run_with_input("operator", &line, "no\n")
        .ended_with(2);
    assert!(said.contains("nobody was admitted"), "{said}");
    // Without an answer the error stands on a line of its own all the same.
    let said = machine.run_with_input("operator", &line, "").ended_with(2);
    assert!(said.contains("Type yes: \nerror: nobody"), "{said}");
    let text = std::fs::read_to_string(machine.path("school.application.json")).unwrap();
    // The hex of the name within the signed bytes.
    let other = text.replace(&hex::encode("school"), &hex::encode("schooL"));
    machine.file("changed.json", &other);
    let line = ["party", "admit", "changed.json", "--yes"];
    machine.run("operator", &line).ended_with(2);
    let other = text.replace(&hex::encode("school"), &hex::encode("schoox"));
    machine.file("changed.json", &other);
    let said = machine.run("operator", &line).ended_with(2);
    assert!(said.contains("the signature does not verify"), "{said}");
    let line = ["party", "admit", "school.application.json"];
    machine.run_with_input("operator", &line, "yes\n").well();
    machine.run("school", &["party", "show"]).well();
}

#[test]
fn keys_are_rotated_revoked_and_replaced() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    machine
        .run("school", &["key", "rotate", "second.pem"])
        .well();
    let shown = machine
        .run("school", &["party", "show", "--output", "json"])
        .well();
    let states: Vec<String> = shown.json()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["active", "rotated"]);
    let old = ["party", "show", "--key", "config-school/keys/school.pem"];
    machine.run("school", &old).ended_with(4);
    machine.run("school", &["key", "revoke"]).well();
    machine.run("school", &["party", "show"]).ended_with(4);
    let request = ["key", "replace", "third.pem", "--request", "request.json"];
    machine.run("school", &request).well();
    machine
        .run("operator", &["key", "replace", "request.json"])
        .well();
    machine
        .run("school", &["party", "show", "--key", "third.pem"])
        .well();
    let twice = machine
        .run("school", &["key", "new", "third.pem"])
        .ended_with(2);
    assert!(twice.contains("a key is not overwritten"), "{twice}");
}

#[test]
fn a_command_can_be_written_by_hand() {
    let machine = Machine::new();
    machine.found().well();
    let _service = machine.serve();
    machine.file(
        "command.json",
        r#"{"publish_policy": {"policy": {"name": "plain", "time_zone": "UTC"}}}"#,
    );
    let sign = [
        "command",
        "sign",
        "command.json",
        "-o",
        "signed",
        "--output",
        "json",
    ];
    let signed = machine.run("operator", &sign).well().json();
    assert_eq!(signed["signature_valid"], true);
    let shown = ["command", "show", "signed", "--output", "json"];
    assert_eq!(machine.run("operator", &shown).well().json(), signed);
    machine
        .run("operator", &["command", "send", "signed", "--check"])
        .well();
    let send = ["command", "send", "signed", "--output", "json"];
    let first = machine.run("operator", &send).well().json();
    assert_eq!(first["index"], 1);
    let second = machine.run("operator", &send).well().json();
    assert_eq!(second, first, "sent again, the first receipt");
    let receipt = first["receipt"].as_str().unwrap();
    let shown = machine
        .run("operator", &["command", "show", receipt])
        .well();
    assert!(shown.stdout.contains("publish_policy"), "{}", shown.stdout);
    machine.file(
        "command.json",
        r#"{"publish_policy": {"policy": {"name": "X"}}, "x": 1}"#,
    );
    let said = machine.run("operator", &sign).ended_with(2);
    assert!(said.contains("MALFORMED"), "{said}");
}

#[test]
fn a_folder_is_checked_reindexed_and_a_flipped_byte_is_found() {
    let machine = Machine::new();
    machine.found().well();
    let service = machine.serve();
    machine.admit(&service, "school", "provider");
    let busy = machine
        .run("operator", &["fsck", "--dir", "data"])
        .ended_with(2);
    assert!(busy.contains("in use by another process"), "{busy}");
    assert_eq!(service.stop(), 0);
    let fsck = ["fsck", "--dir", "data", "--output", "json"];
    let checked = machine.run("operator", &fsck).well().json();
    assert_eq!(
        (&checked["entries"], &checked["segments"]),
        (&2.into(), &1.into())
    );
    let reindex = ["reindex", "--dir", "data", "--output", "json"];
    let rebuilt = machine.run("operator", &reindex).well().json();
    assert_eq!(rebuilt["state_hash"], rebuilt["state_hash_before"]);
    drop(machine.serve());

    let segment = machine.path("data/segments/0000000000.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[700] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let found = machine.run("operator", &fsck);
    assert_eq!(found.code, 1, "{}", found.stderr);
    assert_eq!(
        found.json()["findings"][0]["file"],
        "segments/0000000000.seg"
    );
    let refused = machine
        .run("operator", &["serve", "--dir", "data"])
        .ended_with(1);
    assert!(refused.starts_with("error: LOG_DAMAGED"), "{refused}");
}

#[test]
fn tls_is_spoken_with_whom_the_certificates_say() {
    let machine = Machine::new();
    machine.found().well();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    machine.file("cert.pem", &made.cert.pem());
    machine.file("cert.key", &made.signing_key.serialize_pem());
    let service = machine.serve_with(&["--tls-cert", "cert.pem", "--tls-key", "cert.key"]);
    assert!(
        service.url.starts_with("https://127.0.0.1:"),
        "{}",
        service.url
    );
    let line = ["connect", &service.url, "--ca", "cert.pem"];
    machine.run("operator", &line).well();
    machine.run("operator", &["party", "show"]).well();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    machine.file("other.pem", &other.cert.pem());
    let line = ["party", "show", "--ca", "other.pem"];
    machine.run("operator", &line).ended_with(5);
    let plain = service.url.replace("https", "http");
    machine.run("anna", &["connect", &plain]).ended_with(5);
}
