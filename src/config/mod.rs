//! Settings: what was typed, what the environment says and what stands in the file, made into what
//! is meant.
//!
//! The precedence is the same for every value: flag, environment, file, default; and every value
//! remembers where it came from, so that `fenrun config` can say it. The environment is handed in,
//! so that nothing here depends on the process it runs in.

mod environment;
mod file;
mod settings;
#[cfg(test)]
mod settings_tests;

pub use environment::Environment;
pub use file::{CONFIG_FILE, ConfigError, ConfigFile, Profile, ServeTable};
pub use settings::{
    Language, Output, PROFILE_NAME_LENGTH_MAX, Setting, Settings, Source, Typed, pick,
};
