//! Who may do and read what: every command and every read by every role, over gRPC.
//!
//! The scenario is that of `running::settled`: what is asked for belongs to `provider`, `lab` is
//! another provider, `solar` is `payer`'s and valued by `evaluator`.

use std::fmt::Write as _;

use fenrun::domain::{ActionKind, Reason};
use fenrun::ledger::permission;
use fenrun::wire::proto;
use proto::blob_service_client::BlobServiceClient;
use proto::book_service_client::BookServiceClient;
use proto::log_service_client::LogServiceClient;
use proto::pool_service_client::PoolServiceClient;
use proto::registry_service_client::RegistryServiceClient;
use proto::settlement_service_client::SettlementServiceClient;
use proto::valuation_service_client::ValuationServiceClient;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::refused;
use crate::running::actions::sample;
use crate::running::settled::{PERIOD, POOL, Settled};
use crate::running::{PEOPLE, Running};

/// The parties in the order of the columns below.
const COLUMNS: [&str; 7] = [
    "operator",
    "provider",
    "lab",
    "payer",
    "evaluator",
    "auditor",
    "service",
];

/// Which parties pass the door with which command; what the rules say then is another matter.
const COMMANDS: &str = "
                         o p l y e a s
    Found                + . . . . . .
    AmendCharter         + . . . . . .
    Upgrade              + . . . . . .
    AdmitParty           + . . . . . .
    RotateKey            + + + + + + +
    RevokeKey            + + + + + + +
    ReplaceKey           + . . . . . .
    RecordContribution   . + + . . . .
    RecordContributions  . + + . . . .
    WithdrawContribution . + + . . . .
    GrantUse             . + + . . . .
    RevokeUse            . + + . . . .
    PublishPolicy        + . . . . . .
    OpenPool             + . . . . . .
    DeclareUse           . . . + . . .
    PostRevenue          + . . + . . .
    ClaimCost            . + + . . . .
    ApproveCost          + . . . . . .
    ImportWeights        . . . . + . .
    CommitReveal         . . . + + + .
    StartValuation       + . . . . . .
    FinishValuation      . . . . . . +
    FreezePeriod         + . . . . . .
    Settle               + . . . . . .
    IssuePayout          + . . . . . .
    SettlePayout         + . . . . . .
    FailPayout           + . . . . . .
";

#[tokio::test]
async fn every_command_by_every_party() {
    let running = Running::peopled().await;
    let mut found = String::from("\n                         o p l y e a s\n");
    for kind in ActionKind::ALL {
        write!(found, "    {:<20}", kind.name()).unwrap();
        for party in COLUMNS {
            let action = sample(&running, party, *kind);
            assert_eq!(action.kind(), *kind);
            let passed = match running.submit(party, action).await {
                Ok(_) => true,
                Err(status) => {
                    let details = status.get_error_details();
                    let reason = details.error_info().unwrap().reason.clone();
                    let stopped = reason == Reason::NotPermitted.as_str();
                    assert_eq!(stopped, status.code() == Code::PermissionDenied, "{reason}");
                    !stopped
                }
            };
            let role = PEOPLE.iter().find(|(name, _)| *name == party);
            let role = role.map_or(fenrun::domain::Role::Operator, |(_, role)| *role);
            assert_eq!(
                passed,
                permission(*kind).allows(&[role]),
                "{party} {}",
                kind.name()
            );
            found.push_str(if passed { " +" } else { " ." });
        }
        found.push('\n');
    }
    assert_eq!(found, COMMANDS);
}

/// What each read answers: `+` the thing, a digit how many, `-` not found, `!` not permitted, `?`
/// not authenticated. The last column is somebody without a token.
const READS: &str = "
                      o p l y e a s none
    GetParty          + + - - - + - ?
    ListParties       7 1 1 1 1 7 1 ?
    GetContribution   + + - - - + - ?
    ListContributions 2 1 1 0 0 2 0 ?
    GetCostClaim      + + - - - + - ?
    ListCostClaims    1 1 0 0 0 1 0 ?
    GetPool           + - - + + + - ?
    ListPools         1 0 0 1 1 1 0 ?
    GetPolicy         + + + + + + + ?
    ListPolicies      1 1 1 1 1 1 1 ?
    ListUses          2 - - 2 2 2 - ?
    ListRevenue       1 - - 1 1 1 - ?
    GetValuation      + + + + + + - ?
    ListValuations    1 1 1 1 1 1 0 ?
    GetTable          2 1 1 2 2 2 - ?
    ListRequests      1 0 0 1 1 1 0 ?
    Watch             + - - + + + - ?
    Preview           * ! ! ! ! * ! ?
    GetSettlement     + + + + + + - ?
    ListSettlements   1 1 1 1 1 1 0 ?
    ListLines         # # # # # # - ?
    ExplainLine       + + + + + + - ?
    ExplainContrib    + + - - - + - ?
    GetStatement      + + - - - + - ?
    ListAccounts      # # # # 0 # 0 ?
    ListPostings      # # - - - # - ?
    GetTrialBalance   + ! ! ! ! + ! ?
    GetBalance        + + - - - + - ?
    ListPayables      2 1 1 0 0 2 0 ?
    GetPayout         + + - - - + - ?
    ListPayouts       1 1 0 0 0 1 0 ?
    GetCheckpoint     + + + + + + + +
    GetEntry          + + - - - + - ?
    ListEntries       + ! ! ! ! + ! ?
    ProveByIndex      + + + + + + + +
    ProveByCommand    + + - - - + - ?
";

struct Asking<'a> {
    running: &'a Running,
    channel: tonic::transport::Channel,
    party: Option<&'a str>,
}

fn seen<T>(answer: Result<Response<T>, Status>) -> String {
    counted(answer.map(|_| None))
}

/// Shows an answer with a list of so many items, or of none in particular.
fn counted(answer: Result<Option<usize>, Status>) -> String {
    match answer {
        Ok(None) => "+".to_owned(),
        Ok(Some(count)) => count.to_string(),
        Err(status) => {
            let (sign, reason) = match status.code() {
                Code::NotFound => ("-", Reason::NotFound),
                Code::PermissionDenied => ("!", Reason::NotPermitted),
                Code::Unauthenticated => ("?", Reason::Unauthenticated),
                // A settled period has no preview; that is said to those who may ask.
                Code::FailedPrecondition => ("*", Reason::AlreadySettled),
                _ => panic!("{status:?}"),
            };
            refused(&status, reason);
            sign.to_owned()
        }
    }
}

/// Shows a list by whether it has any items.
fn some(answer: Result<Option<usize>, Status>) -> String {
    match counted(answer).as_str() {
        "0" => "0".to_owned(),
        text if text.parse::<usize>().is_ok() => "#".to_owned(),
        text => text.to_owned(),
    }
}

impl Asking<'_> {
    fn request<T>(&self, message: T) -> Request<T> {
        match self.party {
            Some(party) => self.running.request(party, message),
            None => Request::new(message),
        }
    }

    async fn registry(&self, settled: &Settled) -> [String; 6] {
        let mut client = RegistryServiceClient::new(self.channel.clone());
        let party = proto::GetPartyRequest {
            name: "provider".to_owned(),
            min_log_size: 0,
        };
        let contribution = proto::GetContributionRequest {
            reference: settled.digits.to_string(),
            min_log_size: 0,
        };
        let claim = proto::GetCostClaimRequest {
            reference: settled.claim.to_string(),
            min_log_size: 0,
        };
        let parties = client.list_parties(self.request(Default::default())).await;
        let contributions = client
            .list_contributions(self.request(Default::default()))
            .await;
        let claims = client
            .list_cost_claims(self.request(Default::default()))
            .await;
        [
            seen(client.get_party(self.request(party)).await),
            counted(parties.map(|list| Some(list.into_inner().parties.len()))),
            seen(client.get_contribution(self.request(contribution)).await),
            counted(contributions.map(|list| Some(list.into_inner().contributions.len()))),
            seen(client.get_cost_claim(self.request(claim)).await),
            counted(claims.map(|list| Some(list.into_inner().claims.len()))),
        ]
    }

    async fn pools(&self, settled: &Settled) -> [String; 6] {
        let mut client = PoolServiceClient::new(self.channel.clone());
        let pool = proto::GetPoolRequest {
            name: POOL.to_owned(),
            min_log_size: 0,
        };
        let policy = proto::GetPolicyRequest {
            reference: settled.policy.to_string(),
            min_log_size: 0,
        };
        let uses = proto::ListUsesRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            ..Default::default()
        };
        let revenue = proto::ListRevenueRequest {
            pool: POOL.to_owned(),
            ..Default::default()
        };
        let pools = client.list_pools(self.request(Default::default())).await;
        let policies = client.list_policies(self.request(Default::default())).await;
        let uses = client.list_uses(self.request(uses)).await;
        let revenue = client.list_revenue(self.request(revenue)).await;
        [
            seen(client.get_pool(self.request(pool)).await),
            counted(pools.map(|list| Some(list.into_inner().pools.len()))),
            seen(client.get_policy(self.request(policy)).await),
            counted(policies.map(|list| Some(list.into_inner().policies.len()))),
            counted(uses.map(|list| Some(list.into_inner().uses.len()))),
            counted(revenue.map(|list| Some(list.into_inner().revenue.len()))),
        ]
    }

    async fn valuations(&self, settled: &Settled) -> [String; 5] {
        let mut client = ValuationServiceClient::new(self.channel.clone());
        let valuation = proto::GetValuationRequest {
            reference: settled.valuation.to_string(),
            min_log_size: 0,
        };
        let table = proto::GetTableRequest {
            valuation: settled.valuation.to_string(),
            ..Default::default()
        };
        let valuations = client
            .list_valuations(self.request(Default::default()))
            .await;
        let table = client.get_table(self.request(table)).await;
        let requests = client.list_requests(self.request(Default::default())).await;
        let watch = proto::WatchRequest {
            request: settled.request.to_string(),
            min_log_size: 0,
        };
        [
            seen(client.get_valuation(self.request(valuation)).await),
            counted(valuations.map(|list| Some(list.into_inner().valuations.len()))),
            counted(table.map(|page| Some(page.into_inner().rows.len()))),
            counted(requests.map(|list| Some(list.into_inner().requests.len()))),
            seen(client.watch(self.request(watch)).await),
        ]
    }

    async fn settlements(&self, settled: &Settled) -> [String; 7] {
        let mut client = SettlementServiceClient::new(self.channel.clone());
        let preview = proto::PreviewRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            valuation: settled.valuation.to_string(),
            min_log_size: 0,
        };
        let settlement = proto::GetSettlementRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            min_log_size: 0,
        };
        let lines = proto::ListLinesRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            ..Default::default()
        };
        use proto::explain_request::Subject;
        let line = Subject::Line(proto::LineReference {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            number: 0,
        });
        let contribution = Subject::Contribution(settled.digits.to_string());
        let explain = |subject| proto::ExplainRequest {
            subject: Some(subject),
            min_log_size: 0,
        };
        let statement = proto::GetStatementRequest {
            party: "provider".to_owned(),
            period: PERIOD.to_owned(),
            min_log_size: 0,
        };
        let settlements = client
            .list_settlements(self.request(Default::default()))
            .await;
        let lines = client.list_lines(self.request(lines)).await;
        [
            seen(client.preview(self.request(preview)).await),
            seen(client.get_settlement(self.request(settlement)).await),
            counted(settlements.map(|list| Some(list.into_inner().settlements.len()))),
            some(lines.map(|list| Some(list.into_inner().lines.len()))),
            seen(client.explain(self.request(explain(line))).await),
            seen(client.explain(self.request(explain(contribution))).await),
            seen(client.get_statement(self.request(statement)).await),
        ]
    }

    async fn book(&self, settled: &Settled) -> [String; 7] {
        let mut client = BookServiceClient::new(self.channel.clone());
        let postings = proto::ListPostingsRequest {
            account: "payable/provider/CNY".to_owned(),
            ..Default::default()
        };
        let balance = proto::GetBalanceRequest {
            account: "payable/provider/CNY".to_owned(),
            ..Default::default()
        };
        let payout = proto::GetPayoutRequest {
            reference: settled.payout.to_string(),
            ..Default::default()
        };
        let payables = client.list_payables(self.request(Default::default())).await;
        let payouts = client.list_payouts(self.request(Default::default())).await;
        let accounts = client.list_accounts(self.request(Default::default())).await;
        let postings = client.list_postings(self.request(postings)).await;
        [
            some(accounts.map(|list| Some(list.into_inner().accounts.len()))),
            some(postings.map(|list| Some(list.into_inner().postings.len()))),
            seen(
                client
                    .get_trial_balance(self.request(Default::default()))
                    .await,
            ),
            seen(client.get_balance(self.request(balance)).await),
            counted(payables.map(|list| Some(list.into_inner().payables.len()))),
            seen(client.get_payout(self.request(payout)).await),
            counted(payouts.map(|list| Some(list.into_inner().payouts.len()))),
        ]
    }

    /// Asks for the entry that recorded `provider/digits@1`.
    async fn log(&self) -> [String; 5] {
        let mut client = LogServiceClient::new(self.channel.clone());
        let leaf = self.running.engine.log().leaf(7).unwrap();
        let id = fenrun::domain::Entry::from_leaf(&leaf)
            .unwrap()
            .command_id()
            .to_string();
        let entry = proto::GetEntryRequest {
            entry: Some(proto::get_entry_request::Entry::Index(7)),
            min_log_size: 0,
        };
        use proto::prove_inclusion_request::Entry as By;
        let prove = |entry| proto::ProveInclusionRequest {
            entry: Some(entry),
            tree_size: 0,
            min_log_size: 0,
        };
        [
            seen(
                client
                    .get_checkpoint(self.request(Default::default()))
                    .await,
            ),
            seen(client.get_entry(self.request(entry)).await),
            seen(client.list_entries(self.request(Default::default())).await),
            seen(
                client
                    .prove_inclusion(self.request(prove(By::Index(7))))
                    .await,
            ),
            seen(
                client
                    .prove_inclusion(self.request(prove(By::CommandId(id))))
                    .await,
            ),
        ]
    }
}

#[tokio::test]
async fn every_read_by_every_party() {
    let running = Running::peopled().await;
    let settled = running.settle().await;
    let channel = running.channel().await;
    let mut columns = Vec::new();
    for party in COLUMNS.map(Some).into_iter().chain([None]) {
        let asking = Asking {
            running: &running,
            channel: channel.clone(),
            party,
        };
        let mut column = Vec::new();
        column.extend(asking.registry(&settled).await);
        column.extend(asking.pools(&settled).await);
        column.extend(asking.valuations(&settled).await);
        column.extend(asking.settlements(&settled).await);
        column.extend(asking.book(&settled).await);
        column.extend(asking.log().await);
        columns.push(column);
    }
    let names = READS
        .lines()
        .skip(2)
        .filter_map(|line| line.split_whitespace().next());
    let mut found = String::from("\n                      o p l y e a s none\n");
    for (row, name) in names.enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
        writeln!(found, "    {name:<17} {}", cells.join(" ")).unwrap();
    }
    assert_eq!(found, READS);
}

/// Which blobs are read by whom: `provider` and `lab` have both uploaded the same bytes.
const BLOBS: &str = "
                     o p l y e a s none
    Stat of both's   + + + - - + - ?
    Get of both's    + + + - - + - ?
    Stat of lab's    + - + - - + - ?
    Get of lab's     + - + - - + - ?
    Stat of nobody's - - - - - - - ?
    Put              + + + + + + + ?
";

#[tokio::test]
async fn every_blob_by_every_party() {
    let running = Running::peopled().await;
    for (party, bytes) in [("provider", "both"), ("lab", "both"), ("lab", "alone")] {
        running.put(party, bytes).await.unwrap();
    }
    let channel = running.channel().await;
    let hash = |text: &str| fenrun::domain::ContentHash::of(text.as_bytes()).0.to_vec();
    let mut columns = Vec::new();
    for party in COLUMNS.map(Some).into_iter().chain([None]) {
        let asking = Asking {
            running: &running,
            channel: channel.clone(),
            party,
        };
        let mut client = BlobServiceClient::new(channel.clone());
        let mut column = Vec::new();
        for text in ["both", "alone"] {
            let stat = proto::StatRequest {
                hash: hash(text).into(),
            };
            let get = proto::GetRequest {
                hash: hash(text).into(),
                ..Default::default()
            };
            column.push(seen(client.stat(asking.request(stat)).await));
            column.push(seen(client.get(asking.request(get)).await));
        }
        let stat = proto::StatRequest {
            hash: hash("nothing").into(),
        };
        column.push(seen(client.stat(asking.request(stat)).await));
        let parts = tokio_stream::iter(crate::running::upload(b"new"));
        column.push(seen(client.put(asking.request(parts)).await));
        columns.push(column);
    }
    let names = BLOBS.lines().skip(2).filter_map(|line| line.get(4..20));
    let mut found = String::from("\n                     o p l y e a s none\n");
    for (row, name) in names.enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
        writeln!(found, "    {name} {}", cells.join(" ")).unwrap();
    }
    assert_eq!(found, BLOBS);
}
