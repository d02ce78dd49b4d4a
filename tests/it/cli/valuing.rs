//! Valuations by the service: asked for, revealed, watched, audited; and computed by a server that
//! is killed again and again.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::machine::{Machine, Service};

/// The files of the digits in the repository.
const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits");
/// The providers of the test.
const PROVIDERS: [&str; 2] = ["lin-school", "copycat"];
/// How often the server is killed at a random moment while it values.
const KILLS: u64 = 6;
/// The latest of those moments after the start, in milliseconds.
const MOMENT_MAX_MS: u64 = 400;

/// Digits that are used in a pool, ready to be valued.
struct Valuing {
    machine: Machine,
}

impl Valuing {
    /// Begins with so many rows of each provider and of the validation set, and returns the
    /// service that runs.
    fn begin(rows: usize, validation: usize) -> (Self, Service) {
        let machine = Machine::new();
        machine.found().well();
        let service = machine.serve();
        let others = [
            ("payer", "payer"),
            ("lab", "evaluator"),
            ("watch", "auditor"),
        ];
        for (who, role) in PROVIDERS
            .map(|who| (who, "provider"))
            .into_iter()
            .chain(others)
        {
            machine.admit(&service, who, role);
        }
        let valuing = Self { machine };
        valuing.open_pool(validation);
        valuing.contribute(rows);
        (valuing, service)
    }

    /// Writes the first rows of one of the digits' files.
    fn digits(&self, name: &str, rows: usize) -> String {
        let text = std::fs::read_to_string(format!("{DIGITS}/{name}.csv")).unwrap();
        let lines: Vec<&str> = text.lines().take(rows + 1).collect();
        let file = format!("{name}.csv");
        self.machine.file(&file, &(lines.join("\n") + "\n"));
        file
    }

    fn open_pool(&self, validation: usize) {
        let policy = r#"{"name": "plain", "time_zone": "UTC", "objection_days": 0}"#;
        self.machine.file("policy.json", policy);
        let published = self.json("operator", &["policy", "publish", "policy.json"]);
        let policy = format!("2026-01={}", text(&published["policy_hash"]));
        let validation = self.digits("validation", validation);
        self.json("lab", &["contribution", "upload", &validation]);
        let open = [
            "pool",
            "open",
            "digits",
            "--payer",
            "payer",
            "--evaluator",
            "lab",
        ];
        let terms = [
            "--currency",
            "CNY",
            "--policy",
            &policy,
            "--validation",
            &validation,
        ];
        self.json("operator", &[&open[..], &terms].concat());
    }

    fn contribute(&self, rows: usize) {
        let ids = PROVIDERS.map(|who| {
            let file = self.digits(who, rows);
            let contribute = [
                "contribute",
                &file,
                "--name",
                "digits@1",
                "--licence",
                "MIT",
            ];
            text(&self.json(who, &contribute)["id"]).to_owned()
        });
        let declare = ["use", "declare", "digits", "2026-10", &ids[0], &ids[1]];
        self.json("payer", &declare);
    }

    /// Makes the key of the service's party and admits it.
    fn admit_service(&self) {
        let applied = self.json("operator", &["key", "service", "--dir", "data"]);
        let fingerprint = text(&applied["fingerprint"]).to_owned();
        let file = "service.application.json";
        self.json(
            "operator",
            &["party", "admit", file, "--fingerprint", &fingerprint],
        );
    }

    fn start(&self, more: &[&str]) -> String {
        let start = ["valuation", "start", "digits", "2026-10"];
        let started = self.json("operator", &[&start[..], more].concat());
        text(&started["id"]).to_owned()
    }

    /// Returns the hash of the table of the valuation that answers a request.
    fn table_of(&self, who: &str, request: &str) -> String {
        let watched = self.json(who, &["valuation", "watch", request]);
        assert_eq!(watched["stage"], "finished");
        let valuation = text(&watched["request"]["valuation"]).to_owned();
        let shown = self.json(who, &["valuation", "show", &valuation]);
        assert_eq!(shown["valuation"]["request"], request);
        text(&shown["valuation"]["table_hash"]).to_owned()
    }

    #[track_caller]
    fn json(&self, who: &str, line: &[&str]) -> Value {
        let line = [line, &["--output", "json"]].concat();
        self.machine.run(who, &line).well().json()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_valuation_is_asked_for_revealed_and_audited() {
    let (valuing, service) = Valuing::begin(40, 20);
    let committed = valuing.json("lab", &["valuation", "commit", "digits"]);
    let commitment = text(&committed["commitment"]).to_owned();
    // Before a request names it, whoever knew the bytes could choose the seed.
    let early = ["valuation", "reveal", &commitment];
    let early = valuing.machine.run("lab", &early).ended_with(2);
    assert!(early.contains("no request"), "{early}");
    let request = valuing.start(&["--commitment", &commitment, "-p", "k=3"]);
    let once = ["valuation", "watch", &request, "--once"];
    let stage = |who| text(&valuing.json(who, &once)["stage"]).to_owned();
    assert!(["queued", "waits_for_key"].contains(&stage("lab").as_str()));
    valuing.admit_service();
    let hidden = valuing.machine.run("lin-school", &once).ended_with(3);
    assert!(hidden.starts_with("error: NOT_FOUND"), "{hidden}");
    valuing.json("lab", &["valuation", "reveal", &commitment]);
    let table = valuing.table_of("lab", &request);
    let listed = valuing.json("payer", &["valuation", "requests", "digits"]);
    assert_eq!(listed["items"][0]["id"], request.as_str());
    // Another one of the same period stands beside it; the operator chooses its seed.
    let beside = valuing.start(&["--method", "coverage"]);
    assert_ne!(valuing.table_of("payer", &beside), table);
    valuing.json("operator", &["pool", "freeze", "digits", "2026-10"]);
    let audited = valuing.json("watch", &["audit"]);
    assert_eq!(audited["verdict"], "equal", "{audited}");
    assert_eq!(audited["checked"]["valuations"], 2, "{audited}");
    assert_eq!(audited["not_checked"], Value::Array(Vec::new()));
    assert_eq!(service.stop(), 0);
    let fsck = ["fsck", "--dir", "data"];
    valuing.machine.run("operator", &fsck).well();
    valuing
        .machine
        .run("operator", &["reindex", "--dir", "data"])
        .well();
}

#[test]
fn what_cannot_be_valued_fails_and_says_why() {
    let (valuing, _service) = Valuing::begin(5, 5);
    valuing.admit_service();
    let lines = "label,pixel\n1,2\n1\n";
    valuing.machine.file("bad.csv", lines);
    let contribute = [
        "contribute",
        "bad.csv",
        "--name",
        "bad@1",
        "--licence",
        "MIT",
    ];
    let bad = valuing.json("copycat", &contribute);
    let declare = ["use", "declare", "digits", "2026-11", text(&bad["id"])];
    valuing.json("payer", &declare);
    let start = ["valuation", "start", "digits", "2026-11"];
    let request = valuing.json("operator", &start);
    let watch = ["valuation", "watch", text(&request["id"])];
    let said = valuing.machine.run("operator", &watch).ended_with(3);
    assert!(said.contains("copycat/bad@1 cannot be read"), "{said}");
    let listed = valuing.json("operator", &["valuation", "list"]);
    assert_eq!(listed["items"], Value::Array(Vec::new()));
    for (more, reason) in [
        (["--method", "trak"], "INVALID_ARGUMENT"),
        (["-p", "k=0"], "INVALID_ARGUMENT"),
    ] {
        let line = [&start[..], &more].concat();
        let said = valuing.machine.run("operator", &line).ended_with(2);
        assert!(said.starts_with(&format!("error: {reason}")), "{said}");
    }
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Returns the milliseconds that a seed gives.
fn moment(seed: u64, kill: u64) -> Duration {
    let hash = blake3::hash(&[seed.to_be_bytes(), kill.to_be_bytes()].concat());
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().unwrap();
    Duration::from_millis(u64::from_be_bytes(*first) % MOMENT_MAX_MS)
}

#[test]
fn a_server_killed_while_it_values_comes_to_the_same_bytes() {
    let seed = std::env::var("FENRUN_SEED").map_or(4, |seed| seed.parse().unwrap());
    println!("FENRUN_SEED={seed}");
    let (valuing, service) = Valuing::begin(250, 60);
    let machine = &valuing.machine;
    valuing.admit_service();
    // Without the key nothing begins before there is somebody to kill.
    let (key, away) = (machine.path("data/keys/service.pem"), machine.path("away"));
    std::fs::rename(&key, &away).unwrap();
    let request = valuing.start(&[]);
    service.kill();
    std::fs::rename(&away, &key).unwrap();
    // It ends by itself once it has planned what to read.
    machine.serve_until("data", "job-planned").ended();
    // What an undisturbed server makes of the same folder.
    copy(&machine.path("data"), &machine.path("calm"));
    let guard = std::fs::copy(machine.path("data.guard"), machine.path("calm.guard"));
    guard.unwrap();
    let calm = ["serve", "--dir", "calm", "--listen", "127.0.0.1:0"];
    let (calm, _) = machine.start("operator", &calm);
    machine.run("operator", &["connect", &calm.url]).well();
    let expected = valuing.table_of("operator", &request);
    calm.kill();
    // Stored, and not recorded.
    machine.serve_until("data", "job-valued").ended();
    for kill in 0..KILLS {
        let service = machine.serve_with(&[]);
        // Not waiting for anything: the moment is what is random.
        std::thread::sleep(moment(seed, kill));
        service.kill();
    }
    let service = machine.serve_with(&[]);
    machine.run("operator", &["connect", &service.url]).well();
    assert_eq!(valuing.table_of("operator", &request), expected);
    let listed = valuing.json("operator", &["valuation", "list"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
