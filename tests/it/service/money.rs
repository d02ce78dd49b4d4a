//! Pools, policies, uses, revenue, claims, valuations, settlements, statements and the book, as
//! they are shown of one settled pool.

use fenrun::domain::{Reason, TreeHash};
use fenrun::merkle::{leaf_hash, verify_inclusion};
use fenrun::wire::proto;
use proto::book_service_client::BookServiceClient;
use proto::pool_service_client::PoolServiceClient;
use proto::settlement_service_client::SettlementServiceClient;
use proto::valuation_service_client::ValuationServiceClient;

use super::refused;
use crate::running::Running;
use crate::running::settled::{PERIOD, POOL, Settled};

async fn settled() -> (Running, Settled) {
    let running = Running::peopled().await;
    let settled = running.settle().await;
    (running, settled)
}

fn yuan(money: &Option<proto::Money>) -> i64 {
    let money = money.as_ref().unwrap();
    assert_eq!(money.currency_code, "CNY");
    money.minor_units
}

#[tokio::test]
async fn a_pool_with_its_policies_uses_and_revenue() {
    let (running, settled) = settled().await;
    let mut client = PoolServiceClient::new(running.channel().await);
    for name in ["solar", "pools/solar"] {
        let request = proto::GetPoolRequest {
            name: name.to_owned(),
            min_log_size: 0,
        };
        let answer = client
            .get_pool(running.request("payer", request))
            .await
            .unwrap();
        let pool = answer.into_inner().pool.unwrap();
        assert_eq!(
            (pool.payer.as_str(), pool.currency_code.as_str()),
            ("payer", "CNY")
        );
        assert_eq!(pool.policies[0].policy_hash, settled.policy.0.as_slice());
        let period = &pool.periods[0];
        assert_eq!(
            (period.period.as_str(), period.state.as_str()),
            (PERIOD, "settled")
        );
        assert_eq!((period.uses, yuan(&period.revenue)), (2, 100_000));
        assert!(period.frozen_index < period.settled_index);
    }
    let list = running.request("evaluator", proto::ListPoolsRequest::default());
    let answer = client.list_pools(list).await.unwrap().into_inner();
    assert_eq!(answer.pools.len(), 1);

    let policies = running.request("provider", proto::ListPoliciesRequest::default());
    let answer = client.list_policies(policies).await.unwrap().into_inner();
    let hash = settled.policy.to_string();
    let request = proto::GetPolicyRequest {
        reference: hash[..10].to_owned(),
        min_log_size: 0,
    };
    let one = client
        .get_policy(running.request("lab", request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.policies, [one.policy.unwrap()]);

    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = proto::ListUsesRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            page_size: 1,
            page_token,
            min_log_size: 0,
        };
        let answer = client
            .list_uses(running.request("payer", request))
            .await
            .unwrap();
        let answer = answer.into_inner();
        names.extend(answer.uses.into_iter().map(|used| used.contribution));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["provider/digits@1", "lab/letters@1"]);

    let request = proto::ListRevenueRequest {
        pool: POOL.to_owned(),
        ..Default::default()
    };
    let answer = client
        .list_revenue(running.request("payer", request))
        .await
        .unwrap();
    let revenue = &answer.into_inner().revenue[0];
    assert_eq!(
        (revenue.reference.as_str(), yuan(&revenue.amount)),
        ("invoice-1", 100_000)
    );
    assert_eq!(revenue.kind, i32::from(proto::RevenueKind::Receipt));
}

#[tokio::test]
async fn a_cost_claim_and_what_came_back_of_it() {
    let (running, settled) = settled().await;
    let mut client = running.registry_client().await;
    let request = proto::GetCostClaimRequest {
        reference: settled.claim.to_string(),
        min_log_size: 0,
    };
    let answer = client
        .get_cost_claim(running.request("provider", request.clone()))
        .await;
    let claim = answer.unwrap().into_inner().claim.unwrap();
    assert_eq!(claim.contribution, "provider/digits@1");
    assert_eq!(
        (yuan(&claim.claimed), yuan(&claim.approved)),
        (10_000, 10_000)
    );
    assert_eq!(yuan(&claim.outstanding), 0);
    assert!(claim.decided_index > Some(claim.claimed_index));
    let hidden = client
        .get_cost_claim(running.request("lab", request))
        .await
        .unwrap_err();
    refused(&hidden, Reason::NotFound);
    for (undecided, expected) in [(false, 1), (true, 0)] {
        let request = proto::ListCostClaimsRequest {
            undecided,
            party: "provider".to_owned(),
            ..Default::default()
        };
        let answer = client
            .list_cost_claims(running.request("auditor", request))
            .await;
        assert_eq!(answer.unwrap().into_inner().claims.len(), expected);
    }
}

#[tokio::test]
async fn a_valuation_and_the_rows_that_a_provider_may_see() {
    let (running, settled) = settled().await;
    let mut client = ValuationServiceClient::new(running.channel().await);
    let request = proto::GetValuationRequest {
        reference: settled.valuation.to_string()[..12].to_owned(),
        min_log_size: 0,
    };
    let answer = client
        .get_valuation(running.request("provider", request))
        .await
        .unwrap();
    let valuation = answer.into_inner().valuation.unwrap();
    assert_eq!(
        (valuation.pool.as_str(), valuation.evaluator.as_str()),
        (POOL, "evaluator")
    );
    let request = proto::ListValuationsRequest {
        pool: POOL.to_owned(),
        period: PERIOD.to_owned(),
        ..Default::default()
    };
    let answer = client
        .list_valuations(running.request("auditor", request))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().valuations, [valuation]);

    let mut table = async |caller: &str, page_size: u32| {
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::GetTableRequest {
                valuation: settled.valuation.to_string(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = client
                .get_table(running.request(caller, request))
                .await
                .unwrap();
            let answer = answer.into_inner();
            assert_eq!(answer.denominator, "1");
            rows.extend(
                answer
                    .rows
                    .into_iter()
                    .map(|row| (row.owner, row.value, row.weight)),
            );
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                rows.sort();
                return rows;
            }
        }
    };
    let lab = ("lab".to_owned(), "1".to_owned(), 250_000_000_000);
    let provider = ("provider".to_owned(), "3".to_owned(), 750_000_000_000);
    assert_eq!(table("auditor", 1).await, [lab.clone(), provider.clone()]);
    assert_eq!(table("lab", 0).await, [lab]);
    assert_eq!(table("provider", 1).await, [provider]);
}

#[tokio::test]
async fn a_settlement_its_lines_with_proofs_and_a_statement() {
    let (running, settled) = settled().await;
    let mut client = SettlementServiceClient::new(running.channel().await);
    let request = proto::GetSettlementRequest {
        pool: POOL.to_owned(),
        period: PERIOD.to_owned(),
        min_log_size: 0,
    };
    let answer = client
        .get_settlement(running.request("payer", request))
        .await
        .unwrap();
    let settlement = answer.into_inner().settlement.unwrap();
    assert_eq!(settlement.result_hash, settled.result.0.as_slice());
    assert_eq!(
        (yuan(&settlement.net), yuan(&settlement.operator_fee)),
        (100_000, 5_000)
    );
    assert_eq!(
        (yuan(&settlement.cost_recovered), yuan(&settlement.shared)),
        (10_000, 85_000)
    );
    let list = running.request("auditor", proto::ListSettlementsRequest::default());
    let answer = client.list_settlements(list).await.unwrap().into_inner();
    assert_eq!(answer.settlements.first(), Some(&settlement));

    let hash = |bytes: &bytes::Bytes| TreeHash::try_from(bytes.as_ref()).unwrap();
    let root = hash(&settlement.output_root);
    for (caller, contribution) in [("auditor", ""), ("lab", ""), ("lab", "lab/letters@1")] {
        let request = proto::ListLinesRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            contribution: contribution.to_owned(),
            ..Default::default()
        };
        let answer = client
            .list_lines(running.request(caller, request))
            .await
            .unwrap();
        let answer = answer.into_inner();
        assert_eq!(
            (answer.total_lines, hash(&answer.output_root)),
            (settlement.lines, root)
        );
        assert!(!answer.lines.is_empty());
        let all = answer.lines.len() as u64 == settlement.lines;
        assert_eq!(all, caller == "auditor");
        for line in &answer.lines {
            let proof: Vec<TreeHash> = line.inclusion_proof.iter().map(hash).collect();
            let leaf = leaf_hash(line.line_json.as_bytes());
            verify_inclusion(line.number, settlement.lines, &leaf, &proof, &root).unwrap();
            let other = line.line_json.contains(r#""party":"provider""#);
            assert!(!other || caller == "auditor", "{}", line.line_json);
        }
    }

    let request = proto::GetStatementRequest {
        party: "provider".to_owned(),
        period: PERIOD.to_owned(),
        min_log_size: 0,
    };
    let answer = client
        .get_statement(running.request("provider", request.clone()))
        .await;
    let statement = answer.unwrap().into_inner().statement.unwrap();
    assert_eq!(yuan(&statement.lines[0].cost), 10_000);
    assert_eq!(yuan(&statement.lines[0].share), 63_750);
    assert_eq!(yuan(&statement.pools[0].payable), 73_750);
    let hidden = client
        .get_statement(running.request("lab", request))
        .await
        .unwrap_err();
    refused(&hidden, Reason::NotFound);
}

#[tokio::test]
async fn lines_and_contributions_are_explained_down_to_entries() {
    let (running, settled) = settled().await;
    let mut client = SettlementServiceClient::new(running.channel().await);
    use proto::explain_request::Subject;
    let subjects = [
        Some(Subject::Contribution(settled.letters.to_string())),
        Some(Subject::Contribution("provider/digits@1".to_owned())),
        Some(Subject::Line(proto::LineReference {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            number: 0,
        })),
    ];
    for subject in subjects {
        let request = proto::ExplainRequest {
            subject,
            min_log_size: 0,
        };
        let answer = client
            .explain(running.request("auditor", request))
            .await
            .unwrap();
        let answer = answer.into_inner();
        serde_json::from_str::<serde_json::Value>(&answer.explanation_json).unwrap();
        assert!(!answer.sentences.is_empty());
        let mut log = running.log_client().await;
        for entry in answer.evidence {
            let request = proto::GetEntryRequest {
                entry: Some(proto::get_entry_request::Entry::Index(entry.index)),
                min_log_size: 0,
            };
            log.get_entry(running.request("auditor", request))
                .await
                .unwrap();
        }
    }
    let request = proto::ExplainRequest::default();
    let status = client
        .explain(running.request("auditor", request))
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn accounts_postings_and_a_trial_balance_of_zero() {
    let (running, _) = settled().await;
    let mut client = BookServiceClient::new(running.channel().await);
    let mut accounts = async |caller: &str, name_prefix: &str| {
        let mut names = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::ListAccountsRequest {
                name_prefix: name_prefix.to_owned(),
                page_size: 2,
                page_token,
                min_log_size: 0,
            };
            let answer = client
                .list_accounts(running.request(caller, request))
                .await
                .unwrap();
            let answer = answer.into_inner();
            names.extend(
                answer
                    .accounts
                    .into_iter()
                    .map(|one| (one.name, one.balance)),
            );
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return names;
            }
        }
    };
    let all = accounts("auditor", "").await;
    assert!(all.is_sorted_by(|one, other| one.0 < other.0));
    let sum: i64 = all.iter().map(|(_, balance)| yuan(balance)).sum();
    assert_eq!(sum, 0);
    let own = accounts("lab", "").await;
    assert!(!own.is_empty() && own.len() < all.len());
    assert!(
        own.iter().all(|(name, _)| name.contains("/lab/")),
        "{own:?}"
    );

    let (name, balance) = own[0].clone();
    let request = proto::ListPostingsRequest {
        account: name,
        ..Default::default()
    };
    let answer = client
        .list_postings(running.request("lab", request.clone()))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().postings[0].balance, balance);
    let hidden = client
        .list_postings(running.request("provider", request))
        .await;
    refused(&hidden.unwrap_err(), Reason::NotFound);

    let request = proto::GetTrialBalanceRequest::default();
    let answer = client
        .get_trial_balance(running.request("auditor", request))
        .await
        .unwrap();
    let balance = answer.into_inner();
    assert_eq!(balance.accounts, all.len() as u64);
    assert_eq!(balance.currencies.len(), 1);
    assert_eq!(balance.currencies[0].credits, balance.currencies[0].debits);
    assert!(balance.currencies[0].credits > 0);
}
