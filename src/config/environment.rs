//! The environment as a value.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The variables of a process, or of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Takes over the variables of this process; names and values that are no text are left out.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// Returns the value of a variable that is set to something.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns the user's folder for configuration: the system's, and `fenrun` in it.
    pub fn configuration_folder(&self) -> Option<PathBuf> {
        let folder = if cfg!(windows) {
            PathBuf::from(self.get("APPDATA")?)
        } else {
            // A relative path there means nothing (XDG base directories).
            let named = self.get("XDG_CONFIG_HOME").map(PathBuf::from);
            match named.filter(|path| path.is_absolute()) {
                Some(folder) => folder,
                None => PathBuf::from(self.get("HOME")?).join(".config"),
            }
        };
        Some(folder.join("fenrun"))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let owned = |(name, value): (N, V)| (name.into(), value.into());
        Self {
            variables: variables.into_iter().map(owned).collect(),
        }
    }
}
