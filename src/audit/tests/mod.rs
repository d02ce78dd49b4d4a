//! Logs made in memory, shown in order and tampered with in every way, and what is found.

mod log_keys;
mod money;
mod own;
mod shown;
mod tampering;

use shown::{Shown, scenario, told};
