//! Many commands over one stream, in their order; each answer is verified like a single one.

use std::collections::VecDeque;
use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::answer;
use super::session::is_answered;
use super::{ClientError, Recorded, Session, SignedCommand};
use crate::wire::proto;
use crate::wire::proto::ledger_service_client::LedgerServiceClient;
use crate::wire::proto::submit_stream_response::Result as Answered;

/// The most commands of one stream that wait for their answer; below what a server reads ahead.
pub const STREAM_UNANSWERED_MAX: usize = 1_024;

/// The answer to one command of a stream.
#[derive(Debug)]
pub struct StreamAnswer {
    /// The place of the command in the stream, from 0.
    pub sequence: u64,
    /// What became of it.
    pub result: Result<Recorded, ClientError>,
}

struct Sent {
    command: SignedCommand,
    file: Option<PathBuf>,
}

impl Session {
    /// Sends commands over one stream and hands each verified answer to `each`, in their order.
    ///
    /// Each command is in the outbox before it is sent. After a break those without an answer
    /// stay there for the next run.
    ///
    /// # Errors
    /// The stream breaks or answers out of order, or the outbox fails; refusals of single
    /// commands are answers.
    pub async fn submit_all(
        &self,
        commands: impl IntoIterator<Item = SignedCommand>,
        mut each: impl FnMut(StreamAnswer),
    ) -> Result<u64, ClientError> {
        let (sender, receiver) = mpsc::channel(STREAM_UNANSWERED_MAX);
        let requests = ReceiverStream::new(receiver);
        let request = self.connection().streaming(requests)?;
        let mut client = LedgerServiceClient::new(self.connection().channel());
        let opened = client.submit_stream(request).await;
        let mut answers = opened
            .map_err(|status| self.connection().failed(status))?
            .into_inner();
        let mut sender = Some(sender);
        let mut commands = commands.into_iter();
        let mut unanswered = VecDeque::new();
        let mut sequence: u64 = 0;
        loop {
            while unanswered.len() < STREAM_UNANSWERED_MAX
                && let Some(open) = &sender
            {
                match commands.next() {
                    Some(command) => {
                        let sent = self.put(command)?;
                        let request = proto::SubmitStreamRequest {
                            signed_command: Some(sent.command.message()),
                        };
                        unanswered.push_back(sent);
                        // A closed channel means a broken stream, which the answers tell better.
                        let _ = open.send(request).await;
                    }
                    None => sender = None,
                }
            }
            let next = answers.message().await;
            let Some(message) = next.map_err(|status| self.connection().failed(status))? else {
                break;
            };
            let Some(sent) = unanswered.pop_front() else {
                return Err(answer::wrong("sequence", &"nothing waits for an answer"));
            };
            let result = self.answered(&sent, sequence, message).await?;
            each(StreamAnswer { sequence, result });
            sequence = sequence.saturating_add(1);
        }
        if !unanswered.is_empty() {
            let detail = format!("{} commands were not answered", unanswered.len());
            return Err(answer::wrong("stream", &detail));
        }
        Ok(sequence)
    }

    fn put(&self, command: SignedCommand) -> Result<Sent, ClientError> {
        let file = match self.outbox() {
            Some(outbox) => Some(outbox.put(&command)?),
            None => None,
        };
        Ok(Sent { command, file })
    }

    async fn answered(
        &self,
        sent: &Sent,
        sequence: u64,
        message: proto::SubmitStreamResponse,
    ) -> Result<Result<Recorded, ClientError>, ClientError> {
        if message.sequence != sequence {
            let detail = format!("it is {}, not {sequence}", message.sequence);
            return Err(answer::wrong("sequence", &detail));
        }
        let result = match message.result {
            Some(Answered::Receipt(receipt)) => {
                self.recorded(&sent.command, &message.command_id, Some(receipt))
                    .await
            }
            Some(Answered::Status(status)) => Err(ClientError::from_rpc_status(&status)),
            None => return Err(answer::wrong("result", &"it is missing")),
        };
        if let (Some(outbox), Some(file)) = (self.outbox(), &sent.file)
            && is_answered(&result)
        {
            outbox.remove(file)?;
        }
        Ok(result)
    }
}
