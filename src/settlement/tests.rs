//! The examples to the unit, every refusal, and the properties of a settlement.

use serde_json::{Value, json};

use super::*;

const WORKED: &str = include_str!("../../examples/settlement/worked-example.json");
const WORKED_RESULT: &str = include_str!("../../examples/settlement/worked-example.result.json");
const SECOND: &str = include_str!("../../examples/settlement/example-2.json");
const SECOND_RESULT: &str = include_str!("../../examples/settlement/example-2.result.json");
/// Scenario and expected result as they were handed out, without lines.
const SECOND_GIVEN: &str = include_str!("../../examples/settlement/settlement-example-2.json");

fn run(scenario: &str) -> String {
    let scenario = read_scenario(scenario).unwrap();
    canonical_json(&settle(&scenario).unwrap()).unwrap()
}

fn result(scenario: &str) -> Value {
    serde_json::from_str(&run(scenario)).unwrap()
}

#[test]
fn zz_print() {
    std::fs::write("/tmp/settlement-worked.json", run(WORKED)).unwrap();
    std::fs::write("/tmp/settlement-second.json", run(SECOND)).unwrap();
}
