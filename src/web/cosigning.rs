//! Asks witnesses to cosign what is to be published, as C2SP tlog-witness has it.
//!
//! One checkpoint at a time, the newest that is due; each witness is asked on a thread of its own,
//! and what it answers is verified before it counts. Cosignatures are kept in the log before
//! anybody sees them, so a restart does not forget what was published.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::schedule::{PublishedCheckpoint, Schedule};
use crate::domain::{TreeHash, Verifier};
use crate::merkle::{
    AddCheckpoint, NoteError, NoteSignature, Policy, ProveError, SignedNote, Witness,
    consistency_proof,
};
use crate::store::log::{LogFault, LogReader, ReaderNodes};

/// How often is looked whether a checkpoint is due.
const POLL: Duration = Duration::from_millis(100);
/// How long it takes at most until witnesses that did not answer are asked again.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a witness may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// How often one witness is asked for one checkpoint: it may say which size it knows.
const TRIES: usize = 3;

/// Who has to cosign.
#[derive(Clone)]
pub struct WitnessPolicy {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Whether a checkpoint is published with a quorum only; otherwise cosignatures come later.
    pub required: bool,
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
enum Unwitnessed {
    #[error("the policy has no address for it")]
    NoAddress,
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<ureq::Error>),
    #[error(
        "it has cosigned {size} entries, more than this log has: the log was put back to an older \
         copy, or another server signs for it, too"
    )]
    Ahead { size: u64 },
    #[error("it answers {status}: {text}")]
    Refused { status: u16, text: String },
    #[error("its answer is no signature")]
    Form(#[source] NoteError),
    #[error("its signature is wrong or of another key than the policy says")]
    Signature,
    #[error("the log cannot be read")]
    Log(#[source] LogFault),
    #[error("no proof can be made: {0}")]
    Proof(String),
}

/// Asks one policy's witnesses.
struct Asking {
    schedule: Schedule,
    witnesses: WitnessPolicy,
    verifier: Arc<dyn Verifier>,
    agent: ureq::Agent,
    /// The size that each witness has cosigned last, as far as is known.
    known: Vec<u64>,
    /// The size of the last checkpoint that was cosigned.
    done: u64,
}

/// Asks witnesses until the service stops.
pub async fn keep_cosigned(
    schedule: Schedule,
    witnesses: WitnessPolicy,
    verifier: Arc<dyn Verifier>,
    mut stopping: watch::Receiver<bool>,
) {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_MAX))
        .http_status_as_error(false)
        .build();
    let done = schedule.engine().log().cosigned();
    let mut asking = Asking {
        known: vec![0; witnesses.policy.witnesses.len()],
        schedule,
        witnesses,
        verifier,
        agent: config.into(),
        done: done.map_or(0, |(_, last)| last),
    };
    let mut pause = POLL;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Where the sender is gone the service has stopped already.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let round = tokio::task::spawn_blocking(move || {
            let enough = asking.round();
            (asking, enough)
        });
        let Ok((again, enough)) = round.await else {
            tracing::error!("asking the witnesses has ended by a mistake of this program");
            return;
        };
        asking = again;
        pause = match enough {
            true => POLL,
            false => pause.saturating_mul(2).min(PAUSE_MAX),
        };
    }
}

impl Asking {
    /// Has the checkpoint cosigned that is due; says whether nothing is left to do.
    fn round(&mut self) -> bool {
        let due = match self.schedule.due() {
            Ok(due) => due,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the checkpoint that is due cannot be read");
                return false;
            }
        };
        if due.size <= self.done {
            return true;
        }
        let Ok(mut note) = SignedNote::parse(due.note.as_bytes()) else {
            tracing::error!(size = due.size, "the checkpoint that is due is no note");
            return false;
        };
        let lines = self.ask_all(&due, &note);
        lines.iter().for_each(|line| note.add(line.clone()));
        let policy = &self.witnesses.policy;
        let enough = policy.holds(&policy.cosigned(&note, self.verifier.as_ref()));
        if !enough {
            let (size, found) = (due.size, lines.len());
            tracing::warn!(
                size,
                found,
                "too few witnesses have cosigned the checkpoint"
            );
        }
        if enough || (!self.witnesses.required && !lines.is_empty()) {
            return self.keep(due.size, &lines) && enough;
        }
        enough
    }

    /// Keeps cosignatures in the log and then publishes them.
    fn keep(&mut self, size: u64, lines: &[NoteSignature]) -> bool {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let kept = self.schedule.engine().cosign(size, &lines);
        if let Err(error) = kept {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, size, "cosignatures cannot be kept");
            return false;
        }
        self.done = size;
        match self.schedule.learn(size) {
            Ok(_) => true,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, size, "cosignatures cannot be read");
                false
            }
        }
    }

    /// Asks all witnesses at once and returns the good cosignatures.
    fn ask_all(&mut self, due: &PublishedCheckpoint, note: &SignedNote) -> Vec<NoteSignature> {
        let (agent, verifier) = (&self.agent, self.verifier.as_ref());
        let log = self.schedule.engine().log().as_ref();
        let witnesses = &self.witnesses.policy.witnesses;
        let mut lines = Vec::new();
        std::thread::scope(|scope| {
            let asked = witnesses
                .iter()
                .zip(self.known.iter_mut())
                .map(|(witness, known)| {
                    let ask = move || ask(agent, log, witness, known, due, note, verifier);
                    (witness, scope.spawn(ask))
                });
            // All are begun before the first is waited for.
            for (witness, asked) in asked.collect::<Vec<_>>() {
                match asked.join() {
                    Ok(Ok(line)) => lines.push(line),
                    Ok(Err(error)) => {
                        let (error, size): (&dyn std::error::Error, _) = (&error, due.size);
                        let witness = &witness.key.name;
                        tracing::warn!(error, %witness, size, "a witness has not cosigned");
                    }
                    Err(_) => tracing::error!("asking a witness has ended by a mistake of ours"),
                }
            }
        });
        lines
    }
}

/// Asks one witness for its cosignature; `known` is the size that it is known to have cosigned.
fn ask(
    agent: &ureq::Agent,
    log: &dyn LogReader,
    witness: &Witness,
    known: &mut u64,
    due: &PublishedCheckpoint,
    note: &SignedNote,
    verifier: &dyn Verifier,
) -> Result<NoteSignature, Unwitnessed> {
    let url = witness.url.as_ref().ok_or(Unwitnessed::NoAddress)?;
    let url = format!("{url}/add-checkpoint");
    let mut tries = 0;
    loop {
        let request = AddCheckpoint {
            old_size: *known,
            proof: proof(log, *known, due.size)?,
            note: due.note.to_string(),
        };
        let (status, text) = post(agent, &url, &request.to_string())?;
        tries += 1;
        match status {
            200 => {
                *known = due.size;
                let lines = NoteSignature::parse_lines(&text).map_err(Unwitnessed::Form)?;
                let good = |line: &NoteSignature| {
                    let mut cosigned = note.clone();
                    cosigned.add(line.clone());
                    witness.key.cosigned(&cosigned, verifier).is_some()
                };
                return lines.into_iter().find(good).ok_or(Unwitnessed::Signature);
            }
            409 if tries < TRIES
                && let Ok(size) = text.trim_end().parse::<u64>() =>
            {
                if size > due.size {
                    return Err(Unwitnessed::Ahead { size });
                }
                *known = size;
            }
            _ => return Err(Unwitnessed::Refused { status, text }),
        }
    }
}

/// Proves that the log goes on from a size.
fn proof(log: &dyn LogReader, old: u64, new: u64) -> Result<Vec<TreeHash>, Unwitnessed> {
    if old == 0 {
        return Ok(Vec::new());
    }
    consistency_proof(old, new, &ReaderNodes(log)).map_err(|error| match error {
        ProveError::Nodes(fault) => Unwitnessed::Log(fault),
        error => Unwitnessed::Proof(error.to_string()),
    })
}

/// Sends a request and returns status and text of the answer.
fn post(agent: &ureq::Agent, url: &str, body: &str) -> Result<(u16, String), Unwitnessed> {
    let unreachable = |error| Unwitnessed::Unreachable(Box::new(error));
    let mut answer = agent.post(url).send(body).map_err(unreachable)?;
    let limited = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let text = limited.read_to_string().map_err(unreachable)?;
    Ok((answer.status().as_u16(), text))
}
