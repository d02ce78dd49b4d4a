//! Logs made in memory, shown in order and tampered with in every way, and what is found.

mod log_keys;
mod money;
mod own;
mod remembering;
mod shown;
mod tampering;
mod tiles;

use shown::{Shown, scenario, told};
