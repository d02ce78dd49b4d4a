//! Sending commands: outbox first, then the call, then the proof, then the receipt is kept.

use std::path::PathBuf;

use super::answer;
use super::receipt::agree;
use super::{
    ClientError, Connection, Outbox, ReceiptError, Receipts, SignedCommand, random, sign_command,
    verify_receipt,
};
use crate::domain::{Action, CommandId, KeptReceipt, LedgerId, Nonce, Receipt, UnixMillis};
use crate::keys::StrictVerifier;
use crate::wire::proto;
use crate::wire::proto::ledger_service_client::LedgerServiceClient;

/// A command that is recorded, with the proof of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The id of the command.
    pub command_id: CommandId,
    /// The verified receipt.
    pub receipt: Receipt,
    /// Where the receipt is kept; none where receipts are not.
    pub kept: Option<PathBuf>,
}

/// What became of a command that had been left in the outbox.
#[derive(Debug)]
pub struct Resent {
    /// The id of the command.
    pub command_id: CommandId,
    /// The answer; a refusal that is not final leaves the command in the outbox.
    pub result: Result<Recorded, ClientError>,
}

/// A connection that sends commands of one party.
#[derive(Debug, Clone)]
pub struct Session {
    connection: Connection,
    outbox: Option<Outbox>,
    receipts: Option<Receipts>,
}

impl Session {
    /// Makes a session; without an outbox a killed client forgets what it sent, and without
    /// receipts nothing is kept.
    pub fn new(connection: Connection, outbox: Option<Outbox>, receipts: Option<Receipts>) -> Self {
        Self {
            connection,
            outbox,
            receipts,
        }
    }

    /// Returns the connection, for reads and uploads.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the ledger that commands go to.
    pub fn ledger(&self) -> LedgerId {
        self.connection.pins().ledger
    }

    /// Signs a command with a fresh nonce, now.
    ///
    /// # Errors
    /// There is no identity, or the system has no random bytes.
    pub fn sign(&self, action: impl Into<Action>) -> Result<SignedCommand, ClientError> {
        self.sign_with(Nonce(random()?), action)
    }

    /// Signs a command whose nonce was needed before, for a proof of possession.
    ///
    /// # Errors
    /// There is no identity.
    pub fn sign_with(
        &self,
        nonce: Nonce,
        action: impl Into<Action>,
    ) -> Result<SignedCommand, ClientError> {
        let identity = self.connection.identity()?;
        Ok(sign_command(
            identity.key.as_ref(),
            &identity.party,
            Some(self.ledger()),
            nonce,
            self.connection.now(),
            action.into(),
        ))
    }

    /// Signs and sends a command and returns when its receipt is verified.
    ///
    /// # Errors
    /// The command is refused, or its receipt proves nothing.
    pub async fn submit(&self, action: impl Into<Action>) -> Result<Recorded, ClientError> {
        let signed = self.sign(action)?;
        self.send(&signed).await
    }

    /// Sends a signed command: first into the outbox, out of it when it is answered for good.
    ///
    /// # Errors
    /// The command is refused, or its receipt proves nothing.
    pub async fn send(&self, signed: &SignedCommand) -> Result<Recorded, ClientError> {
        let file = match &self.outbox {
            Some(outbox) => Some(outbox.put(signed)?),
            None => None,
        };
        let result = self.call(signed).await;
        if let (Some(outbox), Some(file)) = (&self.outbox, &file)
            && is_answered(&result)
        {
            outbox.remove(file)?;
        }
        result
    }

    /// Sends again what waits in the outbox, in its order, and stops where the service does not
    /// answer.
    ///
    /// # Errors
    /// The outbox cannot be read; what the service says stands in the result of each command.
    pub async fn resend(&self) -> Result<Vec<Resent>, ClientError> {
        let Some(outbox) = &self.outbox else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for waiting in outbox.waiting()? {
            let result = self.call(&waiting.command).await;
            let answered = is_answered(&result);
            if answered {
                outbox.remove(&waiting.file)?;
            }
            all.push(Resent {
                command_id: waiting.command.command_id(),
                result,
            });
            if !answered {
                break;
            }
        }
        Ok(all)
    }

    async fn call(&self, signed: &SignedCommand) -> Result<Recorded, ClientError> {
        let request = proto::SubmitRequest {
            signed_command: Some(signed.message()),
        };
        let mut client = LedgerServiceClient::new(self.connection.channel());
        let answered = client.submit(self.connection.unary(request)?).await;
        let answer = answered.map_err(|status| self.connection.failed(status))?;
        let answer = answer.into_inner();
        self.recorded(signed, &answer.command_id, answer.receipt)
            .await
    }

    /// Verifies an answer in full and keeps its receipt.
    ///
    /// The log may have changed its key since the connection was opened: a receipt that no trusted
    /// key has signed is looked at once more after the ledger was asked about that.
    pub(super) async fn recorded(
        &self,
        signed: &SignedCommand,
        answered_id: &[u8],
        receipt: Option<proto::Receipt>,
    ) -> Result<Recorded, ClientError> {
        let command_id = signed.command_id();
        let answered: CommandId = answer::bytes("command_id", answered_id)?;
        if answered != command_id {
            let detail = format!("it is {answered}, and {command_id} was sent");
            return Err(answer::wrong("command_id", &detail));
        }
        let receipt = Receipt::read(receipt)?;
        let mut verified = self.verify(signed, &receipt);
        if matches!(verified, Err(ReceiptError::Checkpoint(_)))
            && self.connection.facts().await.is_ok()
        {
            verified = self.verify(signed, &receipt);
        }
        verified.map_err(|error| ClientError::Receipt(Box::new(error)))?;
        let kept = self.keep(signed, &receipt)?;
        Ok(Recorded {
            command_id,
            receipt,
            kept,
        })
    }

    fn verify(&self, signed: &SignedCommand, receipt: &Receipt) -> Result<(), ReceiptError> {
        let log_keys = self.connection.log_keys_of(&receipt.checkpoint);
        let verified = verify_receipt(&signed.command, receipt, &log_keys, &StrictVerifier);
        verified.map(drop)
    }

    fn keep(
        &self,
        signed: &SignedCommand,
        receipt: &Receipt,
    ) -> Result<Option<PathBuf>, ClientError> {
        let Some(receipts) = &self.receipts else {
            return Ok(None);
        };
        let (ledger, command_id) = (self.ledger(), signed.command_id());
        if let Some(before) = receipts.get(&ledger, &command_id)? {
            agree(&before.receipt, receipt)
                .map_err(|error| ClientError::Receipt(Box::new(error)))?;
        }
        let kept = receipts.keep(&KeptReceipt {
            ledger,
            command_id,
            command: signed.command.clone(),
            receipt: receipt.clone(),
        })?;
        Ok(Some(kept))
    }

    pub(super) fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// Checks a command without recording it, whoever signed it, or nobody.
    ///
    /// # Errors
    /// As any call; what is wrong with the command stands in the answer.
    pub async fn check(
        &self,
        signed: &SignedCommand,
    ) -> Result<super::reads::CommandCheck, ClientError> {
        let request = proto::CheckCommandRequest {
            signed_command: Some(signed.message()),
            min_log_size: 0,
        };
        let mut client = LedgerServiceClient::new(self.connection.channel());
        let answered = client.check_command(self.connection.unary(request)?).await;
        let answer = answered.map_err(|status| self.connection.failed(status))?;
        super::reads::CommandCheck::read(answer.into_inner())
    }

    /// Returns the time by the session's clock.
    pub fn now(&self) -> UnixMillis {
        self.connection.now()
    }
}

/// Tells whether the answer is for good, so that the command need not be sent again.
///
/// A receipt that proves nothing is no answer: the command stays in the outbox as evidence.
pub(super) fn is_answered(result: &Result<Recorded, ClientError>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => error.refusal().is_some_and(super::Refusal::is_final),
    }
}
