//! Recording what a valuation came to, as the service's own party.

use std::sync::Arc;

use bytes::Bytes;

use super::run::{Halt, Worker, chain};
use crate::domain::{
    COMMAND_TYPE, Command, ContentHash, FinishValuation, Nonce, PartyName, Reason, Rejection, Role,
    Signer, signing_bytes,
};
use crate::engine::SignedBytes;
use crate::engine::crash::{self, Point};
use crate::ledger::{
    KeyHolder, KeyRow, KeyState, PartyRow, State, ValuationRequestRow, View, ViewFault,
};
use crate::valuation::{SeedSource, ValueTable};
use crate::wire::encode_command;

/// The service's party and the key that signs for it.
pub(super) struct OwnKey {
    party: PartyName,
    signer: Arc<dyn Signer>,
}

impl Worker {
    /// Returns the key of a party with the role `service` that may sign now.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn own_key(&self, view: &dyn View) -> Result<OwnKey, Halt> {
        for signer in self.keys.all() {
            if let Some(party) = serves(view, signer.as_ref())? {
                return Ok(OwnKey { party, signer });
            }
        }
        let note = "no party with the role service is admitted whose key is on the server: see \
                    `fenrun key service`";
        Err(Halt::Key(note.to_owned()))
    }

    /// Stores the table and records the valuation.
    ///
    /// # Errors
    /// It is refused, or nothing can be written now.
    pub(super) fn finish(
        &self,
        request: &ValuationRequestRow,
        seed: &SeedSource,
        table: &ValueTable,
        own: &OwnKey,
    ) -> Result<(), Halt> {
        let bytes = table
            .encode()
            .map_err(|error| Halt::Failed(chain(&error)))?;
        let stored = self.blobs.put_attachment(&Bytes::from(bytes));
        let table_hash = stored.map_err(|error| Halt::Later(chain(&error)))?;
        crash::at(Point::Valued); // Leaves a table that no entry names: harmless.
        let finish = FinishValuation {
            request: request.id,
            table_hash,
            reveal: seed.revealed.map(|(reveal, _)| reveal),
        };
        let signed = self.sign(own, finish);
        match self.runtime.block_on(self.engine.submit(signed)) {
            Ok(receipt) => {
                let (id, index) = (request.id, receipt.index);
                tracing::info!(%id, index, %table_hash, "the valuation is recorded");
                Ok(())
            }
            Err(rejection) => refused(rejection),
        }
    }

    fn sign(&self, own: &OwnKey, finish: FinishValuation) -> SignedBytes {
        let (created_at, state) = (self.engine.clock().now(), self.engine.published());
        let command = Command {
            ledger: Some(state.charter.ledger),
            actor: own.party.clone(),
            nonce: nonce(&finish, created_at.0),
            created_at,
            action: finish.into(),
        };
        let command = Bytes::from(encode_command(&command));
        let signature = own.signer.sign(&signing_bytes(COMMAND_TYPE, &command));
        SignedBytes {
            command,
            public_key: Bytes::copy_from_slice(&own.signer.public_key().0),
            signature: Bytes::copy_from_slice(&signature.0),
        }
    }
}

/// Returns the nonce of a command that is signed at a time. The same at the same time is the same
/// command, which is answered with the same receipt, so that nothing need be random.
fn nonce(finish: &FinishValuation, created_at: u64) -> Nonce {
    let material = [&finish.request.0[..], &finish.table_hash.0[..]].concat();
    let hash = ContentHash::of(&[&material[..], &created_at.to_be_bytes()[..]].concat());
    let mut nonce = Nonce([0; Nonce::SIZE]);
    for (byte, of_hash) in nonce.0.iter_mut().zip(hash.0) {
        *byte = of_hash;
    }
    nonce
}

/// Returns the party that a key may sign for, if that is the service's.
fn serves(view: &dyn View, signer: &dyn Signer) -> Result<Option<PartyName>, ViewFault> {
    let state = State::new(view);
    let Some(KeyRow {
        holder: KeyHolder::Party(party),
        state: KeyState::Active,
        ..
    }) = state.get::<KeyRow>(&signer.public_key())?
    else {
        return Ok(None);
    };
    let row = state.get::<PartyRow>(&party)?;
    Ok(row.filter(|row| row.has(Role::Service)).map(|_| party))
}

/// Says what becomes of a request whose answer was refused.
fn refused(rejection: Rejection) -> Result<(), Halt> {
    match rejection.reason {
        // Another answer was there first, which the rows will show.
        Reason::RequestAnswered => Ok(()),
        Reason::KeyInactive
        | Reason::KeyUnknown
        | Reason::TimeWindow
        | Reason::QueueFull
        | Reason::NoSpace
        | Reason::ClockFault
        | Reason::StoreFault
        | Reason::ShuttingDown
        | Reason::AttachmentMissing
        | Reason::Internal => Err(Halt::Later(rejection.to_string())),
        _ => Err(Halt::Failed(rejection.to_string())),
    }
}
