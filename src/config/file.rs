//! The configuration file: profiles, each a pinned ledger and who one is there, and the server's
//! own settings.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::client::write_durably;

/// The name of the file within the configuration folder.
pub const CONFIG_FILE: &str = "config.toml";

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system does not say where the user's files are.
    #[error("no folder for the configuration: neither HOME nor FENRUN_CONFIG is set")]
    NoFolder,
    /// The file cannot be read or written.
    #[error("the configuration {} cannot be read or written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not as it must be.
    #[error("the configuration {} is not in order", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The settings cannot be written as TOML.
    #[error("the configuration cannot be written as TOML")]
    Write(#[source] toml::ser::Error),
    /// A value is not one of this setting.
    #[error("{source_name} says {value:?}: {detail}")]
    Value {
        /// Where the value came from.
        source_name: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// What stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    /// The profile that is used where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How results are printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The language of what is printed for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// The file of the data folder's guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<PathBuf>,
    /// What `fenrun serve` is told.
    #[serde(skip_serializing_if = "ServeTable::is_empty")]
    pub serve: ServeTable,
    /// The profiles by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, Profile>,
}

/// One ledger, where it is reached, and who one is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The URL of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The pinned ledger id, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// The pinned keys that sign checkpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verifier_keys: Vec<String>,
    /// The party that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// The file of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// A PEM file of certificates to trust instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Whether plain http to another machine is allowed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
}

/// What `fenrun serve` is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeTable {
    /// The address to listen at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The file of the policy that says who cosigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_policy: Option<PathBuf>,
    /// The PEM file of the certificate chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The PEM file of the certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
}

impl ServeTable {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ConfigFile {
    /// Reads the file in a configuration folder; one that is not there says nothing.
    ///
    /// # Errors
    /// The file is there and cannot be read, or has keys that are not known.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(CONFIG_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|source| ConfigError::Form {
                path,
                source: Box::new(source),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::File { path, source }),
        }
    }

    /// Writes the file durably; remarks that stood in it are lost.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ConfigError> {
        let path = folder.join(CONFIG_FILE);
        let text = toml::to_string(self).map_err(ConfigError::Write)?;
        match write_durably(&path, text.as_bytes(), false) {
            Ok(()) => Ok(path),
            Err(source) => Err(ConfigError::File { path, source }),
        }
    }

    /// Changes the file of a folder and writes it.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn change(folder: &Path, change: impl FnOnce(&mut Self)) -> Result<PathBuf, ConfigError> {
        let mut file = Self::read(folder)?;
        change(&mut file);
        file.write(folder)
    }
}
