//! Commands for other languages: what stands in `interop/vectors/commands.json` is what this
//! crate writes, so that `interop/run` can ask other libraries to write the same.

use std::path::PathBuf;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

use super::strategies;
use crate::domain::{Action, ActionKind, Command, UnixMillis};
use crate::wire::{decode_command, encode_command, proto};

/// How many commands of each kind there are.
const OF_EACH_KIND: usize = 4;
/// The longest command in the file, in bytes; more would only make it long.
const BYTES_MAX: usize = 1_500;

/// Draws commands from a fixed seed until there are enough of each kind.
fn commands() -> Vec<Command> {
    let mut runner = TestRunner::deterministic();
    let mut kept: Vec<Command> = vec![super::sample()];
    let strategy = strategies::command();
    for kind in ActionKind::ALL {
        let mut of_kind = 0;
        while of_kind < OF_EACH_KIND {
            let command = strategy.new_tree(&mut runner).unwrap().current();
            if command.action.kind() == *kind && encode_command(&command).len() <= BYTES_MAX {
                kept.push(command);
                of_kind += 1;
            }
        }
    }
    kept.extend(edges());
    kept
}

/// Returns commands at the edges of numbers and times, which libraries write in ways of their own.
fn edges() -> Vec<Command> {
    let with_time = |created_at| Command {
        created_at: UnixMillis(created_at),
        ..super::sample()
    };
    let with_numbers = |bytes: u64, rows: u64, bps: u32| {
        let mut command = super::sample();
        if let Action::RecordContribution(record) = &mut command.action {
            (record.content_bytes, record.rows) = (bytes, rows);
            record.terms.upstream_bps_min = bps;
            record.description = "é, 分润, \u{1F4B0}".to_owned();
        }
        command
    };
    vec![
        with_time(0),
        with_time(1),
        with_time(1_000),
        with_time(253_402_300_799_999),
        with_numbers(0, 0, 0),
        with_numbers(127, 128, 127),
        with_numbers(1 << 53, (1 << 53) + 1, 10_000),
        with_numbers(u64::MAX >> 1, 16_383, 128),
    ]
}

/// Returns a command with its JSON in the form that every protobuf library reads.
fn vector(pool: &DescriptorPool, command: &Command) -> Value {
    let bytes = encode_command(command);
    assert_eq!(decode_command(&bytes).as_ref(), Ok(command));
    let descriptor = pool.get_message_by_name("fenrun.v1.Command").unwrap();
    let message = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    json!({
        "action": command.action.kind().name(),
        "json": serde_json::to_value(&message).unwrap(),
        "hex": hex::encode(bytes),
    })
}

#[test]
fn the_vectors_for_other_languages_are_what_is_written() {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTORS).unwrap();
    let vectors: Vec<String> = commands()
        .iter()
        .map(|command| vector(&pool, command).to_string())
        .collect();
    let written = format!("[\n{}\n]\n", vectors.join(",\n"));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("interop/vectors/commands.json");
    if std::env::var_os("FENRUN_REGENERATE").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let same = kept.lines().zip(written.lines());
    for (number, (kept, written)) in same.enumerate() {
        assert_eq!(kept, written, "line {number}; run with FENRUN_REGENERATE=1");
    }
    assert_eq!(kept.len(), written.len(), "run with FENRUN_REGENERATE=1");
}
