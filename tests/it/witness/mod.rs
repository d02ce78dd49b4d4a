//! Witnesses as real processes: one that is killed, and servers that need its word.

mod killed;
mod quorum;

use serde_json::Value;

use crate::cli::machine::{Machine, Service};

/// A witness of a log, with its key in the file `witness.pem`.
pub struct Witness {
    /// The process.
    pub service: Service,
    /// Its key, as a policy has it.
    pub key: String,
}

/// Starts a witness that remembers in the folder `witnessed`.
pub fn start(machine: &Machine, log_key: &str, listen: &str) -> Witness {
    let key_file = machine.path("witness.pem");
    if !key_file.exists() {
        let new = ["key", "new", "witness.pem"];
        machine.run("witness", &new).well();
    }
    let line = [
        "witness",
        "--name",
        "witness.example/one",
        "--key",
        "witness.pem",
        "--log-key",
        log_key,
        "--state",
        "witnessed",
        "--listen",
        listen,
    ];
    let (service, said): (Service, Value) = machine.start("witness", &line);
    let key = said["witness_key"].as_str().unwrap().to_owned();
    Witness { service, key }
}
