//! How every read runs: who asks, as of which size, on a thread that may wait for a disk.
//!
//! A bounded number of reads is worked on at once and a bounded number waits; more are refused. A
//! read that its client has left runs to its end and holds its place until then, so that the bound
//! is one on work and not on callers.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::calls::Call;
use super::identity::{Desk, Identity, Presented};
use super::limits::ServeLimits;
use super::page_token::{List, Place, page_size};
use super::status::Failure;
use crate::domain::Reason;
use crate::engine::{Engine, Handed, Published};
use crate::keys::VerifyingKeys;
use crate::ledger::query::{Cursor, Page};
use crate::ledger::{Attachments, Caller, KeyPart, Locator, View};
use crate::wire::proto;

/// How many keys of callers are kept decoded.
const CALLER_KEYS_MAX: usize = 4_096;

/// A request that asks for a least log size.
pub(super) trait Query: Send + 'static {
    /// Returns the least log size that the answer may be as of.
    fn min_log_size(&self) -> u64;
}

/// A request for a page of a list.
pub(super) trait ListQuery: Query + prost::Message {
    /// The name of the list, which its page tokens are bound to.
    const LIST: &'static str;

    /// Takes page size and page token out of the request, and what is no filter.
    fn take_page(&mut self) -> (u32, String);
}

macro_rules! queries {
    ($($name:ident)*) => {$(
        impl Query for proto::$name {
            fn min_log_size(&self) -> u64 {
                self.min_log_size
            }
        }
    )*};
}

macro_rules! lists {
    ($($name:ident $list:literal)*) => {$(
        queries!($name);

        impl ListQuery for proto::$name {
            const LIST: &'static str = $list;

            fn take_page(&mut self) -> (u32, String) {
                self.min_log_size = 0;
                (std::mem::take(&mut self.page_size), std::mem::take(&mut self.page_token))
            }
        }
    )*};
}

queries! {
    GetLedgerRequest CheckCommandRequest
    GetCheckpointRequest GetEntryRequest ListEntriesRequest ProveInclusionRequest
    ProveConsistencyRequest GetPublishedCheckpointRequest ListPublishedCheckpointsRequest
    GetPartyRequest GetContributionRequest GetCostClaimRequest
    GetPoolRequest GetPolicyRequest
    GetValuationRequest WatchRequest
    PreviewRequest GetSettlementRequest ExplainRequest GetStatementRequest
    GetTrialBalanceRequest GetBalanceRequest GetPayoutRequest
}

lists! {
    ListPartiesRequest "parties"
    ListContributionsRequest "contributions"
    ListCostClaimsRequest "cost claims"
    ListPoolsRequest "pools"
    ListPoliciesRequest "policies"
    ListUsesRequest "uses"
    ListRevenueRequest "revenue"
    ListValuationsRequest "valuations"
    GetTableRequest "table"
    ListRequestsRequest "requests"
    ListSettlementsRequest "settlements"
    ListLinesRequest "lines"
    ListAccountsRequest "accounts"
    ListPostingsRequest "postings"
    ListPayablesRequest "payables"
    ListPayoutsRequest "payouts"
}

/// The answer to a unary call.
pub(super) type Answer<T> = Result<Response<T>, Status>;

/// Runs reads.
#[derive(Clone)]
pub(super) struct Reads {
    engine: Engine,
    verifier: Arc<VerifyingKeys>,
    /// One place for each read that is worked on.
    working: Arc<Semaphore>,
    /// One place for each read that is worked on or waits.
    admitted: Arc<Semaphore>,
}

/// What a read works with.
pub(super) struct Reading {
    /// The state that it is as of.
    pub state: Arc<Published>,
    presented: Presented,
    desk: Reads,
}

impl Reading {
    /// Returns the rows.
    pub fn view(&self) -> &dyn View {
        &self.state.view
    }

    /// Returns the log size that the answer is as of.
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// Returns who asks, where a read is public in part.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, or a fault of the storage.
    pub fn identity(&self) -> Result<Identity, Failure> {
        self.presented.require(self.desk.checks(&self.state))
    }

    /// Returns who asks, if the call says so.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where a token is there and is not good, or a fault of the storage.
    pub fn identity_if_any(&self) -> Result<Option<Identity>, Failure> {
        self.presented.check(self.desk.checks(&self.state))
    }

    /// Runs a query that reads attachments.
    ///
    /// # Errors
    /// What the query fails with, or a fault of the storage.
    pub fn with_attachments<T, E: Into<Failure>>(
        &self,
        query: impl FnOnce(&dyn Attachments) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let engine = self.engine();
        let handed = Handed::of_log(engine.attachments(), engine.log().as_ref());
        let answer = query(&handed);
        // Where the storage failed, what the query concluded from nothing means nothing.
        match handed.into_fault() {
            Some(fault) => Err(Failure::Fault(fault.into())),
            None => answer.map_err(Into::into),
        }
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.desk.engine
    }
}

/// The page that a request for a list asks for.
pub(super) struct Paging {
    list: List,
    place: Option<Place>,
    /// The most items.
    pub limit: usize,
}

impl Paging {
    /// Takes the page out of a request, which then holds filters only.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where size or token are not in order.
    pub fn take<Q: ListQuery>(query: &mut Q) -> Result<Self, Failure> {
        let (size, token) = query.take_page();
        let list = List::new(Q::LIST, &query.encode_to_vec());
        Ok(Self {
            list,
            place: list.place(&token)?,
            limit: page_size(size)?,
        })
    }

    /// Returns the size of the log that the list is pinned to.
    pub fn pinned(&self, size: u64) -> u64 {
        self.place.as_ref().map_or(size, |place| place.size)
    }

    /// Returns the place after which the list goes on, in the list's own form; none at its
    /// beginning.
    pub fn after(&self) -> Option<&[u8]> {
        self.place.as_ref().map(|place| place.after.as_slice())
    }

    /// Returns the number with which a list by number goes on; 0 at its beginning.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the token is not one of such a list.
    pub fn number(&self) -> Result<u64, Failure> {
        let Some(after) = self.after() else {
            return Ok(0);
        };
        let number = after.try_into().map(u64::from_be_bytes);
        number.map_err(|_| Self::foreign())
    }

    /// Returns the token of the page that a list by number goes on with; empty where there is
    /// none.
    pub fn token_of_number(&self, size: u64, next: Option<u64>) -> String {
        self.token(size, next.map(|next| next.to_be_bytes().to_vec()))
    }

    /// Refuses a token whose place is none of its list.
    pub fn foreign() -> Failure {
        let text = "is not a page token of this list; leave it empty to begin with the first page";
        Failure::field("page_token", text)
    }

    /// Returns the token of the page after a place; empty where there is none.
    pub fn token(&self, size: u64, after: Option<Vec<u8>>) -> String {
        let size = self.pinned(size);
        let place = after.map(|after| Place { size, after });
        place.map_or_else(String::new, |place| self.list.token(&place))
    }

    /// Returns where a list by place in the log goes on.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the token is not one of such a list.
    pub fn cursor(&self, size: u64) -> Result<Cursor, Failure> {
        let Some(place) = &self.place else {
            return Ok(Cursor::start(size));
        };
        let before = Locator::from_key(&place.after).ok_or_else(Self::foreign)?;
        Ok(Cursor {
            size: place.size,
            before,
        })
    }

    /// Returns the token of the page after this one of a list by place in the log.
    pub fn next<T>(&self, page: &Page<T>) -> String {
        let size = page.next.map_or(0, |next| next.size);
        self.token(size, page.next.map(|next| next.before.prefix()))
    }
}

impl Reads {
    /// Returns what runs the reads of an engine.
    pub fn new(engine: Engine, limits: &ServeLimits) -> Self {
        let admitted = limits.reads_at_once.saturating_add(limits.reads_waiting);
        Self {
            engine,
            verifier: Arc::new(VerifyingKeys::new(CALLER_KEYS_MAX)),
            working: Arc::new(Semaphore::new(limits.reads_at_once)),
            admitted: Arc::new(Semaphore::new(admitted)),
        }
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn checks<'a>(&'a self, state: &'a Published) -> Desk<'a> {
        Desk {
            view: &state.view,
            ledger: &state.charter.ledger,
            now: self.engine.clock().now(),
            verifier: self.verifier.as_ref(),
        }
    }

    /// Answers a read by an admitted party.
    pub async fn answer<Q: Query, A: Send + 'static>(
        &self,
        request: Request<Q>,
        work: impl FnOnce(Q, &Reading, &Caller) -> Result<A, Failure> + Send + 'static,
    ) -> Answer<A> {
        let call = Call::of(&request);
        let noted = call.clone();
        let work = move |query: Q, reading: &Reading| {
            let identity = reading.identity()?;
            noted.by(identity.name());
            work(query, reading, &identity.caller)
        };
        self.finish(&call, self.read(request, 0, work).await)
    }

    /// Answers a read of a list by an admitted party.
    pub async fn list<Q: ListQuery, A: Send + 'static>(
        &self,
        mut request: Request<Q>,
        work: impl FnOnce(Q, &Reading, &Caller, &Paging) -> Result<A, Failure> + Send + 'static,
    ) -> Answer<A> {
        let call = Call::of(&request);
        let least = request.get_ref().min_log_size();
        let paging = match Paging::take(request.get_mut()) {
            Ok(paging) => paging,
            Err(failure) => return Err(call.fail(failure)),
        };
        // Another server of the ledger may have given the token and may be ahead.
        let least = least.max(paging.pinned(0));
        let noted = call.clone();
        let work = move |query: Q, reading: &Reading| {
            let identity = reading.identity()?;
            noted.by(identity.name());
            work(query, reading, &identity.caller, &paging)
        };
        self.finish(&call, self.read(request, least, work).await)
    }

    /// Answers a read that anybody may make.
    pub async fn answer_anybody<Q: Query, A: Send + 'static>(
        &self,
        request: Request<Q>,
        work: impl FnOnce(Q, &Reading) -> Result<A, Failure> + Send + 'static,
    ) -> Answer<A> {
        let call = Call::of(&request);
        self.finish(&call, self.read(request, 0, work).await)
    }

    /// Returns a read of the newest state by who presents a token.
    pub fn reading(&self, presented: Presented) -> Reading {
        Reading {
            state: self.engine.published(),
            presented,
            desk: self.clone(),
        }
    }

    /// Returns who makes a call that is no read of rows.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `QUEUE_FULL`, or a fault of the storage.
    pub async fn identify<T>(
        &self,
        request: &Request<T>,
        call: &Call,
    ) -> Result<Identity, Failure> {
        let reading = self.reading(Presented::take(request.metadata())?);
        let identity = self.run(move || reading.identity()).await?;
        call.by(identity.name());
        Ok(identity)
    }

    /// Runs the first step of a stream, which checks who asks and for what.
    pub async fn open<Q: Query, A: Send + 'static>(
        &self,
        request: Request<Q>,
        work: impl FnOnce(Q, &Reading) -> Result<A, Failure> + Send + 'static,
    ) -> Result<A, Failure> {
        self.read(request, 0, work).await
    }

    fn finish<A>(&self, call: &Call, answer: Result<A, Failure>) -> Answer<A> {
        match answer {
            Ok(answer) => {
                call.answered();
                Ok(Response::new(answer))
            }
            Err(failure) => Err(call.fail(failure)),
        }
    }

    /// Waits for the size that a request asks for and runs the read.
    async fn read<Q: Query, A: Send + 'static>(
        &self,
        request: Request<Q>,
        least: u64,
        work: impl FnOnce(Q, &Reading) -> Result<A, Failure> + Send + 'static,
    ) -> Result<A, Failure> {
        let presented = Presented::take(request.metadata())?;
        let query = request.into_inner();
        let least = least.max(query.min_log_size());
        let state = self.engine.published_at(least).await?;
        let desk = self.clone();
        let reading = Reading {
            state,
            presented,
            desk,
        };
        self.run(move || work(query, &reading)).await
    }

    /// Runs work that may wait for a disk, among a bounded number at once.
    pub async fn run<A: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<A, Failure> + Send + 'static,
    ) -> Result<A, Failure> {
        let full = |_| {
            let message = "more reads are waiting than the service holds; ask again later";
            Failure::refused(Reason::QueueFull, message)
        };
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(full)?;
        let working = Arc::clone(&self.working).acquire_owned().await;
        let working = working.map_err(|error| Failure::Fault(error.into()))?;
        let work = move || {
            let answer = work();
            drop((admitted, working));
            answer
        };
        let answer = tokio::task::spawn_blocking(work).await;
        answer.map_err(|error| Failure::Fault(error.into()))?
    }
}
