//! What is meant: each value by its precedence, with where it came from.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use super::{CONFIG_FILE, ConfigError, ConfigFile, Environment, Profile};
use crate::client::Pins;
use crate::domain::{LedgerId, PartyName};
use crate::merkle::VerifierKey;

/// The most characters of the name of a profile.
pub const PROFILE_NAME_LENGTH_MAX: usize = 64;
/// The data folder where none is named.
const DIR_DEFAULT: &str = "fenrun-data";
/// The profile where none is named.
const PROFILE_DEFAULT: &str = "default";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Comma-separated values, where a command has them.
    #[value(hide = true)]
    Csv,
}

/// The language of what is printed for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
}

impl FromStr for Output {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err("results are printed as text or json"),
        }
    }
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            _ => Err("this version speaks en; say that, or leave it out"),
        }
    }
}

impl Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
        })
    }
}

impl Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::En => f.write_str("en"),
        }
    }
}

/// Settings as they were typed: nothing is looked up and nothing is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// `--server`.
    pub server: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--party`.
    pub party: Option<String>,
    /// `--key`.
    pub key: Option<PathBuf>,
    /// `--dir`.
    pub dir: Option<PathBuf>,
    /// `--guard`.
    pub guard: Option<PathBuf>,
    /// `--ca`.
    pub ca: Option<PathBuf>,
    /// `--insecure`.
    pub insecure: bool,
    /// `--output`.
    pub output: Option<Output>,
    /// `--lang`.
    pub lang: Option<Language>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was typed.
    Flag(&'static str),
    /// It stands in the environment.
    Environment(&'static str),
    /// It stands in the file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T> Setting<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: change(self.value),
            source: self.source,
        }
    }
}

impl<T: AsRef<str>> Setting<T> {
    /// Reads a text with a form of its own.
    ///
    /// # Errors
    /// The text does not have the form.
    pub fn parse<U>(self) -> Result<Setting<U>, ConfigError>
    where
        U: FromStr,
        U::Err: Display,
    {
        let text = self.value.as_ref();
        match text.parse() {
            Ok(value) => Ok(Setting {
                value,
                source: self.source,
            }),
            Err(error) => Err(ConfigError::Value {
                source_name: self.source.to_string(),
                value: text.to_owned(),
                detail: error.to_string(),
            }),
        }
    }
}

/// Returns the first of flag, environment and file that says something.
pub fn pick<T>(
    flag: (Option<T>, &'static str),
    environment: (Option<T>, &'static str),
    file: (Option<T>, PathBuf),
) -> Option<Setting<T>> {
    let setting = |value, source| Setting { value, source };
    let typed = flag.0.map(|value| setting(value, Source::Flag(flag.1)));
    typed
        .or_else(|| {
            let value = environment.0?;
            Some(setting(value, Source::Environment(environment.1)))
        })
        .or_else(|| Some(setting(file.0?, Source::File(file.1))))
}

/// What is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The configuration folder: profiles, keys, outbox, receipts.
    pub folder: Setting<PathBuf>,
    /// The name of the profile.
    pub profile: Setting<String>,
    /// The URL of the service.
    pub server: Option<Setting<String>>,
    /// The party that signs.
    pub party: Option<Setting<PartyName>>,
    /// The file of its key.
    pub key: Option<Setting<PathBuf>>,
    /// A file of certificates to trust.
    pub ca: Option<Setting<PathBuf>>,
    /// Whether plain http to another machine is allowed.
    pub insecure: Setting<bool>,
    /// What is pinned of the ledger; none before `fenrun connect`.
    pub pins: Option<Setting<Pins>>,
    /// The data folder of a ledger on this machine.
    pub dir: Setting<PathBuf>,
    /// The file of its guard; none where it lies beside the folder.
    pub guard: Option<Setting<PathBuf>>,
    /// How results are printed; none where every command has its own way.
    pub output: Option<Setting<Output>>,
    /// The language.
    pub lang: Setting<Language>,
    /// Whether colours are allowed.
    pub color: Setting<bool>,
    /// What stands in the file.
    pub file: ConfigFile,
    /// The environment.
    pub environment: Environment,
}

impl Settings {
    /// Finds out what is meant.
    ///
    /// # Errors
    /// A value does not have its form, or the file cannot be read.
    pub fn new(typed: Typed, environment: Environment) -> Result<Self, ConfigError> {
        let folder = folder(&environment)?;
        let file = ConfigFile::read(&folder.value)?;
        let path = || folder.value.join(CONFIG_FILE);
        let text = |name: &'static str| (environment.get(name).map(str::to_owned), name);
        let of_path = |name: &'static str| (environment.get(name).map(PathBuf::from), name);

        let named = (file.profile.clone(), path());
        let profile = pick((typed.profile, "--profile"), text("FENRUN_PROFILE"), named)
            .unwrap_or_else(|| fallback(PROFILE_DEFAULT.to_owned()));
        check_profile_name(&profile)?;
        let chosen = file
            .profiles
            .get(&profile.value)
            .cloned()
            .unwrap_or_default();

        let server = (chosen.server.clone(), path());
        let server = pick((typed.server, "--server"), text("FENRUN_SERVER"), server);
        let party = (chosen.party.clone(), path());
        let party = pick((typed.party, "--party"), text("FENRUN_PARTY"), party);
        let party = party.map(Setting::parse::<PartyName>).transpose()?;
        let key = (chosen.key.clone(), path());
        let key = pick((typed.key, "--key"), of_path("FENRUN_KEY"), key);
        let ca = (chosen.ca.clone(), path());
        let ca = pick((typed.ca, "--ca"), (None, ""), ca);
        let insecure = (chosen.insecure.then_some(true), path());
        let typed_insecure = (typed.insecure.then_some(true), "--insecure");
        let insecure = pick(typed_insecure, (None, ""), insecure);
        let dir = (file.dir.clone(), path());
        let dir = pick((typed.dir, "--dir"), of_path("FENRUN_DIR"), dir);
        let guard = (file.guard.clone(), path());
        let guard = pick((typed.guard, "--guard"), of_path("FENRUN_GUARD"), guard);
        let output = pick_parsed(
            (typed.output, "--output"),
            text("FENRUN_OUTPUT"),
            (file.output.clone(), path()),
        )?;
        let lang = pick_parsed(
            (typed.lang, "--lang"),
            text("FENRUN_LANG"),
            (file.lang.clone(), path()),
        )?;
        let color = environment.get("NO_COLOR").map(|_| Setting {
            value: false,
            source: Source::Environment("NO_COLOR"),
        });
        Ok(Self {
            pins: pins(&chosen, Source::File(path()))?,
            profile,
            server,
            party,
            key,
            ca,
            insecure: insecure.unwrap_or_else(|| fallback(false)),
            dir: dir.unwrap_or_else(|| fallback(PathBuf::from(DIR_DEFAULT))),
            guard,
            output,
            lang: lang.unwrap_or_else(|| fallback(Language::En)),
            color: color.unwrap_or_else(|| fallback(true)),
            folder,
            file,
            environment,
        })
    }

    /// Returns where keys are kept that are not elsewhere.
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.folder.value.join("keys").join(format!("{name}.pem"))
    }

    /// Returns the profile in use as it stands in the file.
    pub fn chosen(&self) -> Profile {
        let profiles = &self.file.profiles;
        profiles
            .get(&self.profile.value)
            .cloned()
            .unwrap_or_default()
    }
}

fn fallback<T>(value: T) -> Setting<T> {
    Setting {
        value,
        source: Source::Default,
    }
}

fn folder(environment: &Environment) -> Result<Setting<PathBuf>, ConfigError> {
    if let Some(named) = environment.get("FENRUN_CONFIG") {
        return Ok(Setting {
            value: PathBuf::from(named),
            source: Source::Environment("FENRUN_CONFIG"),
        });
    }
    let folder = environment.configuration_folder();
    folder.map(fallback).ok_or(ConfigError::NoFolder)
}

/// Picks a value that is typed as such and written as a text elsewhere.
fn pick_parsed<T>(
    flag: (Option<T>, &'static str),
    environment: (Option<String>, &'static str),
    file: (Option<String>, PathBuf),
) -> Result<Option<Setting<T>>, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    if let Some(value) = flag.0 {
        let source = Source::Flag(flag.1);
        return Ok(Some(Setting { value, source }));
    }
    let written = pick((None, ""), environment, file);
    written.map(Setting::parse).transpose()
}

fn check_profile_name(profile: &Setting<String>) -> Result<(), ConfigError> {
    let name = profile.value.as_str();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=PROFILE_NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(ConfigError::Value {
        source_name: profile.source.to_string(),
        value: name.to_owned(),
        detail: format!("a profile is 1 to {PROFILE_NAME_LENGTH_MAX} of A-Z, a-z, 0-9, -, _ and ."),
    })
}

fn pins(profile: &Profile, source: Source) -> Result<Option<Setting<Pins>>, ConfigError> {
    let Some(ledger) = profile.ledger.clone() else {
        return Ok(None);
    };
    let text = |value| Setting {
        value,
        source: source.clone(),
    };
    let ledger: Setting<LedgerId> = text(ledger).parse()?;
    let keys = profile.verifier_keys.iter().cloned();
    let keys: Vec<VerifierKey> = keys
        .map(|key| Ok(text(key).parse::<VerifierKey>()?.value))
        .collect::<Result<_, ConfigError>>()?;
    Ok(Some(ledger.map(|ledger| Pins {
        ledger,
        log_keys: keys,
    })))
}
