//! What a command works with: the settings, the streams, the clock, and ways to the ledger.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{CommandError, Kind};
use super::report::Report;
use crate::client::{
    ClientError, Connection, Identity, Now, Outbox, Pins, Receipts, Recorded, Session, Target,
};
use crate::config::{ConfigFile, Output, Settings};
use crate::domain::{PartyName, UnixMillis};
use crate::keys::SecretKey;

/// The streams of a process, or of a test.
pub struct Streams<'a> {
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Where data goes.
    pub stdout: &'a mut dyn Write,
    /// Where everything else goes.
    pub stderr: &'a mut dyn Write,
    /// Whether a person reads standard error.
    pub terminal: bool,
}

/// What a command works with.
pub struct Context<'c, 's> {
    /// What is meant.
    pub settings: Settings,
    /// The streams.
    pub streams: &'c mut Streams<'s>,
    now: Now,
}

impl<'c, 's> Context<'c, 's> {
    pub(super) fn new(settings: Settings, streams: &'c mut Streams<'s>, now: Now) -> Self {
        Self {
            settings,
            streams,
            now,
        }
    }

    /// Returns the time.
    pub fn now(&self) -> UnixMillis {
        (self.now)()
    }

    /// Returns the clock, for those who ask it later.
    pub(super) fn clock(&self) -> Now {
        Arc::clone(&self.now)
    }

    /// Returns how results are printed, `default` where nobody says.
    ///
    /// # Errors
    /// Values separated by commas are asked for, which few commands have.
    pub fn output_or(&self, default: Output) -> Result<Output, CommandError> {
        match self.settings.output.as_ref().map(|output| output.value) {
            Some(Output::Csv) => Err(CommandError::input("this command prints text or json")
                .hint("Only `fenrun calc knn` prints csv.")),
            Some(output) => Ok(output),
            None => Ok(default),
        }
    }

    /// Prints a result to standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn show(&mut self, report: &impl Report) -> Result<(), CommandError> {
        let mut text = match self.output_or(Output::Text)? {
            Output::Json => serde_json::to_string_pretty(report)
                .map_err(|error| CommandError::new(Kind::Fault, error))?,
            Output::Text | Output::Csv => report.text(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.streams.stdout.write_all(text.as_bytes())?;
        Ok(self.streams.stdout.flush()?)
    }

    /// Says something to people on standard error.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, text: &str) -> Result<(), CommandError> {
        writeln!(self.streams.stderr, "{text}")?;
        Ok(self.streams.stderr.flush()?)
    }

    /// Asks on standard error and tells whether the answer on standard input is yes.
    ///
    /// # Errors
    /// The question cannot be written, or the answer not read.
    pub(super) fn says_yes(&mut self, question: &str) -> Result<bool, CommandError> {
        let streams = &mut *self.streams;
        write!(streams.stderr, "{question} Type yes: ")?;
        streams.stderr.flush()?;
        let mut answer = String::new();
        BufReader::new(&mut *streams.stdin)
            .read_line(&mut answer)
            .map_err(CommandError::input)?;
        if !answer.ends_with('\n') {
            // Nobody pressed the key that ends the line of the question.
            writeln!(streams.stderr)?;
        }
        Ok(answer.trim() == "yes")
    }

    pub(super) fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.streams.stdout.flush()?)
    }

    /// Returns the address of the service.
    ///
    /// # Errors
    /// None is known, or it is not one to connect to.
    pub fn target(&self) -> Result<Target, CommandError> {
        let server = self.settings.server.as_ref().ok_or_else(|| {
            CommandError::input("no service is known")
                .hint("Connect first: `fenrun connect URL`, or say --server with a pinned profile.")
        })?;
        self.target_at(&server.value)
    }

    /// Returns an address with the certificates and the permission of the settings.
    ///
    /// # Errors
    /// It is not one to connect to.
    pub fn target_at(&self, url: &str) -> Result<Target, CommandError> {
        let ca = self.settings.ca.as_ref().map(|ca| ca.value.as_path());
        let target = Target::new(url, ca, self.settings.insecure.value);
        Ok(target.map_err(ClientError::from)?)
    }

    /// Returns what is pinned.
    ///
    /// # Errors
    /// Nothing is.
    pub fn pins(&self) -> Result<Pins, CommandError> {
        let pins = self.settings.pins.as_ref().map(|pins| pins.value.clone());
        let profile = &self.settings.profile.value;
        pins.ok_or_else(|| {
            let error = format!("the profile {profile} has no pinned ledger");
            CommandError::input(error).hint("Connect first: `fenrun connect URL`.")
        })
    }

    /// Returns the party that signs.
    ///
    /// # Errors
    /// None is named.
    pub fn party(&self) -> Result<PartyName, CommandError> {
        let party = self.settings.party.as_ref().map(|party| &party.value);
        party.cloned().ok_or_else(|| {
            CommandError::input("no party is named")
                .hint("Say --party NAME, or keep it with `fenrun connect URL --party NAME`.")
        })
    }

    /// Returns where the key is: as set, or in the configuration folder under the party's name.
    ///
    /// # Errors
    /// Neither key nor party is named.
    pub fn key_path(&self) -> Result<PathBuf, CommandError> {
        match &self.settings.key {
            Some(key) => Ok(key.value.clone()),
            None => Ok(self.settings.key_file(self.party()?.as_str())),
        }
    }

    /// Reads the key.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn secret_key(&self) -> Result<SecretKey, CommandError> {
        read_key(&self.key_path()?)
    }

    /// Returns who signs and calls.
    ///
    /// # Errors
    /// Party or key are missing.
    pub fn identity(&self) -> Result<Identity, CommandError> {
        let party = self.party()?;
        let key = Arc::new(self.secret_key()?);
        Ok(Identity { party, key })
    }

    /// Connects as the party of the settings.
    ///
    /// # Errors
    /// Party, key or pins are missing, or the service is not reached or another one.
    pub async fn connect(&self) -> Result<Connection, CommandError> {
        let connection = self.connect_to(&self.target()?, self.pins()?).await?;
        self.keep_learned(&connection)?;
        Ok(connection)
    }

    /// Keeps in the profile the keys that a connection has learned from the log, if it has.
    ///
    /// # Errors
    /// The profile cannot be written.
    pub fn keep_learned(&self, connection: &Connection) -> Result<(), CommandError> {
        let learned = connection.learned_keys();
        if learned.is_empty() {
            return Ok(());
        }
        let name = self.settings.profile.value.clone();
        ConfigFile::change(&self.settings.folder.value, |file| {
            let kept = &mut file.profiles.entry(name).or_default().verifier_keys;
            for key in learned.iter().map(ToString::to_string) {
                if !kept.contains(&key) {
                    kept.push(key);
                }
            }
        })?;
        Ok(())
    }

    /// Connects as the party of the settings to a service and pins that were typed.
    ///
    /// # Errors
    /// Party or key are missing, or the service is not reached or another one.
    pub async fn connect_to(
        &self,
        target: &Target,
        pins: Pins,
    ) -> Result<Connection, CommandError> {
        let identity = Some(self.identity()?);
        Ok(Connection::open(target, pins, identity, self.now.clone()).await?)
    }

    /// Connects as nobody in particular, or as the party of the settings where there is one.
    ///
    /// # Errors
    /// Pins are missing, or the service is not reached or another one.
    pub async fn connect_freely(&self) -> Result<Connection, CommandError> {
        let identity = match &self.settings.party {
            Some(_) if self.key_path()?.exists() => Some(self.identity()?),
            _ => None,
        };
        let (target, pins) = (self.target()?, self.pins()?);
        let connection = Connection::open(&target, pins, identity, self.now.clone()).await?;
        self.keep_learned(&connection)?;
        Ok(connection)
    }

    /// Returns the outbox of the pinned ledger.
    ///
    /// # Errors
    /// Nothing is pinned.
    pub fn outbox(&self) -> Result<Outbox, CommandError> {
        let folder = self.settings.folder.value.join("outbox");
        Ok(Outbox::new(&folder, &self.pins()?.ledger))
    }

    /// Returns where receipts are kept.
    pub fn receipts(&self) -> Receipts {
        Receipts::new(self.settings.folder.value.join("receipts"))
    }

    /// Connects to send commands, and first sends again what waits in the outbox.
    ///
    /// # Errors
    /// As [`Context::connect`], and where the outbox fails.
    pub async fn session(&mut self) -> Result<Session, CommandError> {
        let connection = self.connect().await?;
        let session = Session::new(connection, Some(self.outbox()?), Some(self.receipts()));
        for resent in session.resend().await? {
            let id = resent.command_id;
            match resent.result {
                Ok(Recorded { receipt, .. }) => {
                    let index = receipt.index;
                    self.note(&format!("sent again: command {id} is entry {index}"))?;
                }
                Err(error) if error.refusal().is_some_and(|refusal| refusal.is_final()) => {
                    self.note(&format!("sent again: command {id} is refused: {error}"))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(session)
    }
}

/// Reads a secret key from its file.
///
/// # Errors
/// The file cannot be read or is no key.
pub(super) fn read_key(path: &std::path::Path) -> Result<SecretKey, CommandError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let said = CommandError::input(format!("the key {shown} cannot be read: {error}"));
        if missing {
            said.hint("Make one with `fenrun key new`, or say --key FILE.")
        } else {
            said
        }
    })?;
    SecretKey::from_pem(&zeroize::Zeroizing::new(text))
        .map_err(|error| CommandError::input(format!("the key {shown} is none: {error}")))
}
