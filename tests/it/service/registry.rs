//! `RegistryService`: parties and contributions, in pages, to those who may see them.

use fenrun::domain::{
    ContentHash, DerivationConsent, GrantUse, GrantedPolicy, Grantee, Reason, RecordContributions,
    ThingId, WithdrawContribution,
};
use fenrun::wire::proto;
use tonic_types::StatusExt;

use super::refused;
use crate::running::actions::record;
use crate::running::{OPERATOR, PEOPLE, Running};

#[tokio::test]
async fn parties_by_name_and_in_pages() {
    let running = Running::peopled().await;
    let mut client = running.registry_client().await;
    let request = proto::GetPartyRequest {
        name: "lab".to_owned(),
        min_log_size: 0,
    };
    let answer = client
        .get_party(running.request("lab", request))
        .await
        .unwrap()
        .into_inner();
    let party = answer.party.unwrap();
    assert_eq!((party.name.as_str(), party.admitted_index), ("lab", 2));
    assert_eq!(party.roles, [i32::from(proto::Role::Provider)]);
    assert_eq!(
        (party.keys.len(), party.keys[0].state.as_str()),
        (1, "active")
    );
    assert_eq!(answer.read_at_size, 7);

    // The list is pinned: who is admitted while it is turned does not shift it.
    let mut names = Vec::new();
    let mut page_token = String::new();
    for page in 0.. {
        let request = proto::ListPartiesRequest {
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let request = running.request("auditor", request);
        let answer = client.list_parties(request).await.unwrap().into_inner();
        assert_eq!(answer.listed_at_size, 7, "page {page}");
        assert_eq!(answer.read_at_size, 7 + page.min(2), "page {page}");
        names.extend(answer.parties.into_iter().map(|party| party.name));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let late = ["late", "later"].get(page as usize);
        if let Some(name) = late {
            let admission = running.admission(name, fenrun::domain::Role::Provider);
            running.record(OPERATOR, admission).await;
        }
    }
    let expected = PEOPLE.iter().rev().map(|(name, _)| *name).chain([OPERATOR]);
    assert_eq!(names, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn parties_are_filtered_and_others_are_not_there() {
    let running = Running::peopled().await;
    let mut client = running.registry_client().await;
    let mut list = async |caller: &str, role: proto::Role, name_prefix: &str| {
        let request = proto::ListPartiesRequest {
            role: role.into(),
            name_prefix: name_prefix.to_owned(),
            ..Default::default()
        };
        let answer = client.list_parties(running.request(caller, request)).await;
        let parties = answer.unwrap().into_inner().parties.into_iter();
        parties
            .map(|party| party.name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    use proto::Role;
    assert_eq!(list("auditor", Role::Provider, "").await, "lab provider");
    assert_eq!(list("operator", Role::Unspecified, "pa").await, "payer");
    assert_eq!(list("lab", Role::Unspecified, "").await, "lab");
    assert_eq!(list("lab", Role::Payer, "").await, "");

    let mut get = async |name: &str| {
        let request = proto::GetPartyRequest {
            name: name.to_owned(),
            min_log_size: 0,
        };
        client
            .get_party(running.request("lab", request))
            .await
            .unwrap_err()
    };
    let (hidden, missing) = (get("provider").await, get("nobody").await);
    refused(&hidden, Reason::NotFound);
    assert_eq!(
        hidden.message().replace("provider", "nobody"),
        missing.message()
    );
    refused(&get("No Name").await, Reason::InvalidArgument);
    let request = proto::ListPartiesRequest {
        role: 99,
        ..Default::default()
    };
    let status = client
        .list_parties(running.request("lab", request))
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn contributions_with_what_their_entries_say() {
    let running = Running::peopled().await;
    let mut first = record("digits", 1, b"digits");
    first.description = "Digits.".to_owned();
    let mut second = record("digits", 2, b"more digits");
    second.description = "More digits.".to_owned();
    let bulk = RecordContributions {
        contributions: vec![first, second],
    };
    let index = running.record("provider", bulk).await;
    let mut client = running.registry_client().await;
    let mut get = async |caller: &str, reference: &str| {
        let request = proto::GetContributionRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        client
            .get_contribution(running.request(caller, request))
            .await
    };
    let answer = get("provider", "provider/digits@2")
        .await
        .unwrap()
        .into_inner();
    let shown = answer.contribution.unwrap();
    assert_eq!(shown.description, "More digits.");
    assert_eq!((shown.recorded_index, shown.recorded_number), (index, 1));
    assert_eq!(shown.recorded_at.unwrap().seconds, 1_760_000_000);
    assert_eq!(
        shown.content_hash,
        ContentHash::of(b"more digits").0.as_slice()
    );
    assert_eq!(shown.beneficial_owner, "provider");
    assert_eq!(shown.withdrawn_index, None);
    assert!(!shown.stored);
    let terms = shown.terms.unwrap();
    assert_eq!(terms.derivation, i32::from(proto::DerivationConsent::Free));

    let id = ThingId::try_from(shown.id.as_ref()).unwrap().to_string();
    for reference in [&id, &id[..8], &id[..9].to_uppercase()] {
        let found = get("auditor", reference).await.unwrap().into_inner();
        assert_eq!(found.contribution.unwrap().name, "provider/digits@2");
    }
    let (hidden, missing) = (get("lab", &id).await, get("lab", &"0".repeat(64)).await);
    let (hidden, missing) = (hidden.unwrap_err(), missing.unwrap_err());
    refused(&hidden, Reason::NotFound);
    assert_eq!(
        hidden.message().replace(&id, &"0".repeat(64)),
        missing.message()
    );
    refused(
        &get("lab", "1234").await.unwrap_err(),
        Reason::InvalidArgument,
    );

    let withdraw = WithdrawContribution {
        contribution: ThingId::try_from(shown.id.as_ref()).unwrap(),
        from_period: "2026-10".parse().unwrap(),
        reason: "A mistake.".to_owned(),
    };
    let withdrawn = running.record("provider", withdraw).await;
    let shown = get("provider", &id)
        .await
        .unwrap()
        .into_inner()
        .contribution
        .unwrap();
    assert_eq!(shown.withdrawn_index, Some(withdrawn));
    assert_eq!(shown.withdrawn_from_period, "2026-10");
}

#[tokio::test]
async fn a_grant_shows_a_contribution_to_who_may_derive_from_it() {
    let running = Running::peopled().await;
    let mut action = record("digits", 1, b"digits");
    action.terms.derivation = DerivationConsent::Granted;
    let command = running.command("provider", action);
    let bytes = fenrun::wire::encode_command(&command);
    let id = fenrun::domain::CommandId::of(&bytes).thing(0);
    let signed = crate::running::sign_bytes(bytes, &crate::running::key("provider"));
    let request = proto::SubmitRequest {
        signed_command: Some(signed),
    };
    running.ledger_client().await.submit(request).await.unwrap();
    let mut client = running.registry_client().await;
    let mut get = async || {
        let request = proto::GetContributionRequest {
            reference: id.to_string(),
            min_log_size: 0,
        };
        client
            .get_contribution(running.request("lab", request))
            .await
    };
    refused(&get().await.unwrap_err(), Reason::NotFound);
    let grant = GrantUse {
        contribution: id,
        grantee: Grantee::ChildParty("lab".parse().unwrap()),
        policy: GrantedPolicy::Any,
        from_period: "2026-01".parse().unwrap(),
    };
    running.record("provider", grant).await;
    assert!(get().await.is_ok());
}

#[tokio::test]
async fn contributions_are_listed_by_party_kind_hash_prefix_and_index() {
    let running = Running::peopled().await;
    for (party, dataset, version) in [
        ("provider", "digits", 1),
        ("lab", "digits", 1),
        ("provider", "letters", 1),
        ("provider", "digits", 2),
    ] {
        let content = format!("{dataset}{version}");
        running
            .record(party, record(dataset, version, content.as_bytes()))
            .await;
    }
    let mut client = running.registry_client().await;
    let mut list = async |caller: &str, request: proto::ListContributionsRequest| {
        let answer = client
            .list_contributions(running.request(caller, request))
            .await;
        let items = answer.unwrap().into_inner().contributions.into_iter();
        items.map(|item| item.name).collect::<Vec<_>>().join(" ")
    };
    let all = || proto::ListContributionsRequest::default();
    let names = "provider/digits@2 provider/letters@1 lab/digits@1 provider/digits@1";
    assert_eq!(list("auditor", all()).await, names);
    assert_eq!(list("lab", all()).await, "lab/digits@1");
    let by_hash = proto::ListContributionsRequest {
        content_hash: ContentHash::of(b"digits1").0.to_vec().into(),
        ..all()
    };
    assert_eq!(
        list("auditor", by_hash).await,
        "lab/digits@1 provider/digits@1"
    );
    let by_party = proto::ListContributionsRequest {
        party: "provider".to_owned(),
        name_prefix: "provider/dig".to_owned(),
        ..all()
    };
    assert_eq!(
        list("auditor", by_party).await,
        "provider/digits@2 provider/digits@1"
    );
    let by_index = proto::ListContributionsRequest {
        from_index: 8,
        to_index: 10,
        ..all()
    };
    assert_eq!(
        list("auditor", by_index).await,
        "provider/letters@1 lab/digits@1"
    );
    let by_kind = proto::ListContributionsRequest {
        kind: proto::ContributionKind::Merge.into(),
        ..all()
    };
    assert_eq!(list("auditor", by_kind).await, "");
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_said_at_once() {
    let running = Running::peopled().await;
    let mut client = running.registry_client().await;
    let mut list = async |request: proto::ListContributionsRequest| {
        let answer = client
            .list_contributions(running.request("auditor", request))
            .await;
        let status = answer.unwrap_err();
        refused(&status, Reason::InvalidArgument);
        let details = status.get_error_details();
        let violations = details.bad_request().unwrap().field_violations.iter();
        violations
            .map(|violation| violation.field.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let wrong = proto::ListContributionsRequest {
        party: "No Name".to_owned(),
        kind: 77,
        content_hash: vec![1; 31].into(),
        ..Default::default()
    };
    assert_eq!(list(wrong).await, "party kind content_hash");
    let large = proto::ListContributionsRequest {
        page_size: 1_001,
        ..Default::default()
    };
    assert_eq!(list(large).await, "page_size");
    let garbage = proto::ListContributionsRequest {
        page_token: "garbage".to_owned(),
        ..Default::default()
    };
    assert_eq!(list(garbage).await, "page_token");

    // A token belongs to its list and filters, whatever the page size.
    let first = proto::ListPartiesRequest {
        page_size: 1,
        ..Default::default()
    };
    let request = running.request("auditor", first.clone());
    let answer = client.list_parties(request).await.unwrap().into_inner();
    let page_token = answer.next_page_token;
    let other_list = proto::ListContributionsRequest {
        page_token: page_token.clone(),
        ..Default::default()
    };
    let request = running.request("auditor", other_list);
    refused(
        &client.list_contributions(request).await.unwrap_err(),
        Reason::InvalidArgument,
    );
    let other_filter = proto::ListPartiesRequest {
        page_token: page_token.clone(),
        name_prefix: "p".to_owned(),
        ..Default::default()
    };
    let request = running.request("auditor", other_filter);
    refused(
        &client.list_parties(request).await.unwrap_err(),
        Reason::InvalidArgument,
    );
    let same = proto::ListPartiesRequest {
        page_token,
        page_size: 2,
        min_log_size: 3,
        ..Default::default()
    };
    let answer = client
        .list_parties(running.request("auditor", same))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().parties.len(), 2);
}

#[tokio::test]
async fn a_page_has_fifty_items_unless_the_request_says_otherwise() {
    let running = Running::peopled().await;
    let contributions = (1..=60)
        .map(|version| record("digits", version, b"d"))
        .collect();
    running
        .record("provider", RecordContributions { contributions })
        .await;
    let mut client = running.registry_client().await;
    for (page_size, expected) in [(0, 50), (59, 59), (1_000, 60)] {
        let request = proto::ListContributionsRequest {
            page_size,
            ..Default::default()
        };
        let answer = client
            .list_contributions(running.request("auditor", request))
            .await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(answer.contributions.len(), expected);
        assert_eq!(answer.next_page_token.is_empty(), expected == 60);
    }
}
