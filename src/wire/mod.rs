//! Generated protobuf, and its conversion to and from domain values, one file a resource.
//!
//! What is signed is bytes, so this is the one place that says which bytes are a command: they
//! decode, they are the bytes that generated code writes for what they decode to, and every field
//! is in its form and range. What must stay true: [`decode_command`] gives back what
//! [`encode_command`] wrote, and never panics, whatever it is handed.

mod canonical;
mod charter;
mod choices;
mod command;
mod contribution;
mod cost;
mod fields;
mod json;
mod party;
mod payout;
mod policy;
mod pool;
pub mod proto;
mod signed;
mod valuation;
mod values;

pub use charter::{encode_possession, new_log_key};
pub use choices::Choice;
pub use command::{check_command_bytes, decode_command, encode_command};
pub use fields::VIOLATIONS_MAX;
pub(crate) use fields::read_message;
pub use json::{application_json, command_bytes, command_json};
pub use party::{decode_application, encode_application};
pub use policy::policy_hash;
pub use signed::{prove_possession, sign_application};
pub use values::timestamp;

#[cfg(test)]
mod tests;
