//! Commitments, requests for valuations, and what they come to.

use crate::domain::{Action, Reason};
use crate::ledger::testing::{Scenario, answer_text};
use crate::ledger::{
    CommitmentRow, Locator, OpenRequestRow, ValuationRequestRow, ValuationRow, check_invariants,
};

const NEAREST: &str = "row-knn-shapley duplicates:first k:1 ties:seed";

/// Two contributions in use in a pool with a validation set.
fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator open solar validation=rows -> ok
         operator open lunar -> ok
         provider record digits@1 -> ok
         lab record digits@1 -> ok
         payer use solar 2026-01 provider/digits@1 lab/digits@1 -> ok
         payer use lunar 2026-01 provider/digits@1 -> ok",
    );
    scenario
}

fn start(scenario: &mut Scenario, rest: &str, answer: &str) {
    let line = format!("operator start solar 2026-01 {NEAREST} validation=rows{rest} -> {answer}");
    scenario.check(&line);
}

#[test]
fn a_valuation_is_asked_for_and_answered() {
    let mut scenario = scenario();
    scenario.check("evaluator commit solar secret -> ok");
    start(&mut scenario, " commit=secret", "ok");
    scenario.check(
        "service finish 0 provider/digits@1:3 lab/digits@1:1 reveal=secret -> ok
         service finish 0 provider/digits@1:3 lab/digits@1:1 reveal=secret -> REQUEST_ANSWERED
         operator freeze solar 2026-01 -> ok",
    );
    let at = scenario.request_at(0).unwrap();
    let request: ValuationRequestRow = scenario.row(&at).unwrap();
    let finished = request.finished.unwrap();
    let valuation: ValuationRow = scenario.row(&finished).unwrap();
    assert_eq!(valuation.request, Some(at));
    assert_eq!(valuation.evaluator.as_str(), "service");
    assert_eq!(scenario.row::<OpenRequestRow>(&at), None);
    let commitment = Scenario::reveal("secret").commitment();
    let committed: CommitmentRow = scenario.row(&commitment).unwrap();
    assert_eq!(committed.request, Some(at));
    assert_eq!(check_invariants(&scenario.view).unwrap(), []);
    assert_eq!(
        scenario.replay(),
        crate::ledger::state_hash(&scenario.view).unwrap()
    );
}

#[test]
fn valuations_of_one_period_stand_side_by_side_and_settle_names_one() {
    let mut scenario = scenario();
    start(&mut scenario, "", "ok");
    start(&mut scenario, "", "ok");
    scenario.check(
        "evaluator value solar 2026-01 provider/digits@1:1 lab/digits@1:1 -> ok
         service finish 1 provider/digits@1:9 lab/digits@1:1 -> ok
         service finish 0 provider/digits@1:3 lab/digits@1:1 -> ok
         payer post solar 2026-01 receipt 100.00 CNY r1 -> ok
         operator freeze solar 2026-01 -> ok",
    );
    let finished = |number| {
        let at = scenario.request_at(number).unwrap();
        let request: ValuationRequestRow = scenario.row(&at).unwrap();
        let row: ValuationRow = scenario.row(&request.finished.unwrap()).unwrap();
        row.id
    };
    let (first, second) = (finished(0), finished(1));
    assert_ne!(first, second);
    let pool = "solar".parse().unwrap();
    let period = "2026-01".parse().unwrap();
    let previewed = crate::ledger::query::preview(
        &scenario.view,
        &scenario.caller("operator"),
        &scenario.attachments,
        &pool,
        period,
        &second.to_string(),
    );
    let settle = Action::from(crate::domain::Settle {
        pool,
        period,
        valuation: second,
        result_hash: previewed.unwrap().result.hash,
    });
    let signed = scenario.sign("operator", settle);
    assert_eq!(answer_text(&scenario.send(&signed)), "ok");
    assert_eq!(check_invariants(&scenario.view).unwrap(), []);
    start(&mut scenario, "", "PERIOD_CLOSED");
}

#[test]
fn who_may_commit_and_to_what() {
    let mut scenario = scenario();
    scenario.check(
        "operator admit twin evaluator owner=operator -> ok
         operator admit other evaluator -> ok
         operator admit boss operator -> ok
         operator admit front payer owner=boss -> ok
         payer commit solar one -> ok
         auditor commit solar two -> ok
         evaluator commit solar three -> ok
         evaluator commit solar three -> COMMITMENT_TAKEN
         payer commit lunar three -> COMMITMENT_TAKEN
         other commit solar four -> NOT_FOUND
         evaluator commit none four -> NOT_FOUND
         twin commit solar four -> NOT_PERMITTED
         front commit solar four -> NOT_PERMITTED
         provider commit solar four -> NOT_PERMITTED
         service commit solar four -> NOT_PERMITTED
         operator commit solar four -> NOT_PERMITTED",
    );
}

#[test]
fn what_a_request_must_say() {
    let mut scenario = scenario();
    scenario.check(
        "evaluator commit solar secret -> ok
         evaluator commit lunar moon -> ok
         operator start none 2026-01 coverage duplicates:first -> NOT_FOUND
         operator start solar 2026-Q1 coverage duplicates:first -> PERIOD_MISMATCH
         operator start solar 2026-02 coverage duplicates:first -> VALUATION_MISMATCH
         operator start solar 2026-01 trak -> INVALID_ARGUMENT start_valuation.method
         operator start solar 2026-01 coverage -> INVALID_ARGUMENT start_valuation.method
         operator start solar 2026-01 coverage duplicates:last -> INVALID_ARGUMENT \
            start_valuation.method
         operator start solar 2026-01 coverage raw=5 -> INVALID_ARGUMENT start_valuation.parameters
         operator start solar 2026-01 row-knn-shapley duplicates:first k:0 ties:seed \
            validation=rows -> INVALID_ARGUMENT start_valuation.method
         operator start solar 2026-01 row-knn-shapley duplicates:first k:1 ties:seed \
            -> VALUATION_MISMATCH
         operator start solar 2026-01 row-knn-shapley duplicates:first k:1 ties:seed \
            validation=others -> VALUATION_MISMATCH
         operator start lunar 2026-01 row-knn-shapley duplicates:first k:1 ties:seed \
            validation=rows -> VALUATION_MISMATCH
         operator start solar 2026-01 coverage duplicates:first commit=none -> NOT_FOUND
         operator start solar 2026-01 coverage duplicates:first commit=moon -> NOT_FOUND
         operator start solar 2026-01 coverage duplicates:first commit=secret -> ok
         operator start solar 2026-01 coverage duplicates:first commit=secret -> COMMITMENT_TAKEN",
    );
}

#[test]
fn what_an_answer_must_say() {
    let mut scenario = scenario();
    scenario.check(
        "evaluator commit solar secret -> ok
         service finish 0 provider/digits@1:3 lab/digits@1:1 -> NOT_FOUND",
    );
    start(&mut scenario, " commit=secret", "ok");
    start(&mut scenario, "", "ok");
    scenario.check(
        "service finish 0 provider/digits@1:3 lab/digits@1:1 -> REVEAL_INVALID
         service finish 0 provider/digits@1:3 lab/digits@1:1 reveal=other -> REVEAL_INVALID
         service finish 1 provider/digits@1:3 lab/digits@1:1 reveal=secret -> REVEAL_INVALID
         service finish 1 provider/digits@1:3 lab/digits@1:1 spoil=missing -> ATTACHMENT_MISSING
         service finish 1 provider/digits@1:3 lab/digits@1:1 spoil=seed \
            -> ATTACHMENT_INVALID table.seed
         service finish 1 provider/digits@1:3 lab/digits@1:1 spoil=no-seed \
            -> ATTACHMENT_INVALID table.parameters
         service finish 1 provider/digits@1:3 lab/digits@1:1 spoil=method \
            -> ATTACHMENT_INVALID table.method
         service finish 1 provider/digits@1:3 lab/digits@1:1 spoil=inputs \
            -> ATTACHMENT_INVALID table.inputs
         service finish 1 provider/digits@1:3 -> VALUATION_MISMATCH table.contributions
         evaluator finish 1 provider/digits@1:3 lab/digits@1:1 -> NOT_PERMITTED
         operator finish 1 provider/digits@1:3 lab/digits@1:1 -> NOT_PERMITTED
         service finish 1 provider/digits@1:3 lab/digits@1:1 -> ok",
    );
}

#[test]
fn what_is_used_later_takes_no_part() {
    let mut scenario = scenario();
    start(&mut scenario, "", "ok");
    scenario.check(
        "provider record more@1 -> ok
         payer use solar 2026-01 provider/more@1 -> ok
         service finish 0 provider/digits@1:3 lab/digits@1:1 -> VALUATION_MISMATCH
         service finish 0 provider/digits@1:3 lab/digits@1:1 provider/more@1:1 \
            -> VALUATION_MISMATCH",
    );
    start(&mut scenario, "", "ok");
    scenario.check("service finish 1 provider/digits@1:3 lab/digits@1:1 provider/more@1:1 -> ok");
}

/// The root that the seed is made from is handed over; where it is not there yet, nothing is
/// decided by another one.
#[test]
fn an_unknown_root_refuses_for_now() {
    struct NoRoots<'a>(&'a dyn crate::ledger::Attachments);
    impl crate::ledger::Attachments for NoRoots<'_> {
        fn get(&self, hash: &crate::domain::ContentHash) -> Option<bytes::Bytes> {
            self.0.get(hash)
        }

        fn root(&self, _: u64) -> Option<crate::domain::TreeHash> {
            None
        }
    }
    let mut scenario = scenario();
    start(&mut scenario, "", "ok");
    let line = "finish 0 provider/digits@1:3 lab/digits@1:1";
    let action = crate::ledger::testing::action(&mut scenario, "service", line);
    let signed = scenario.sign("service", action);
    let submission = crate::ledger::Submission {
        index: scenario.accepted.len() as u64,
        recorded_at: scenario.now(),
        public_key: signed.public_key,
        signature_valid: true,
        id: signed.id,
        command: &signed.command,
    };
    let attachments = NoRoots(&scenario.attachments);
    let verifier = crate::keys::StrictVerifier;
    let verdict = crate::ledger::decide(&scenario.view, submission, &verifier, &attachments);
    let answer = answer_text(&verdict.unwrap());
    assert_eq!(answer, Reason::AttachmentMissing.as_str());
    assert_eq!(scenario.request_at(1), None::<Locator>);
}
