//! What a party without the auditor's role can find.

use super::{Shown, scenario, told};
use crate::audit::{OwnAuditor, Report, ShownEntry, ShownLine, ShownSettlement, Verdict};
use crate::merkle::{MemoryTree, inclusion_proof, leaf_hash, root_of_leaves};

const LINES: [&str; 5] = [
    r#"{"amount":9000,"because":{},"name":"net_revenue","step":1}"#,
    r#"{"amount":500,"because":{},"contribution":"aa","name":"cost_recovery","party":"provider","step":4}"#,
    r#"{"amount":4000,"because":{},"contribution":"aa","name":"value_share","party":"provider","step":7}"#,
    r#"{"amount":4600,"because":{"carried_in":100},"name":"payable","party":"provider","step":15}"#,
    r#"{"amount":0,"because":{},"name":"next_profit_layer","step":16}"#,
];

fn audit(shown: &Shown, entries: &[ShownEntry], lines: &[ShownLine]) -> Report {
    let party = "provider".parse().unwrap();
    let newest = shown.newest.as_deref().unwrap();
    let mut auditor = OwnAuditor::new(&shown.pins, party, &[], newest);
    assert_eq!(auditor.size(), shown.leaves.len() as u64);
    for entry in entries {
        auditor.entry(entry);
    }
    let settlement = ShownSettlement {
        pool: "solar".parse().unwrap(),
        period: "2026-10".parse().unwrap(),
        settled_index: 10,
        output_root: root_of_leaves(LINES.iter().map(|line| line.as_bytes())),
        lines: LINES.len() as u64,
    };
    auditor.settlement(&settlement, lines);
    auditor.finish()
}

fn entry(shown: &Shown, index: usize) -> ShownEntry {
    ShownEntry {
        index: index as u64,
        leaf: shown.leaves[index].clone(),
        inclusion_proof: shown.proof(index),
    }
}

fn lines() -> Vec<ShownLine> {
    let mut tree = MemoryTree::default();
    for line in LINES {
        tree.push(leaf_hash(line.as_bytes()));
    }
    let line = |number: u64| ShownLine {
        number,
        json: LINES[usize::try_from(number).unwrap()].to_owned(),
        inclusion_proof: inclusion_proof(number, LINES.len() as u64, &tree).unwrap(),
    };
    vec![line(1), line(2), line(3)]
}

#[test]
fn a_party_checks_its_own_and_is_told_what_it_could_not() {
    let shown = Shown::of(&scenario());
    let entries = [entry(&shown, 1), entry(&shown, 8)];
    let report = audit(&shown, &entries, &lines());
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!(report.verdict(), Verdict::Equal);
    assert_eq!((report.checked.entries, report.checked.lines), (2, 3));
    let text = report.to_string();
    assert!(
        text.contains("all that could be checked is equal"),
        "{text}"
    );
    assert!(text.contains("not checked  entries of others"), "{text}");
}

#[test]
fn an_entry_that_is_not_in_the_log_is_found() {
    let honest = Shown::of(&scenario());
    let mut shown = honest.clone();
    let mut leaf = shown.leaves[8].to_vec();
    *leaf.last_mut().unwrap() ^= 1;
    shown.leaves[8] = leaf.into();
    let mut entry = entry(&shown, 8);
    entry.inclusion_proof = honest.proof(8);
    let found = told(&audit(&honest, &[entry], &[]));
    assert_eq!(found[0], "entry 8: ROOT_DIFFERS");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn lines_that_were_changed_or_left_out_are_found() {
    let shown = Shown::of(&scenario());
    let mut changed = lines();
    changed[1].json = changed[1].json.replace("4000", "4001");
    let place = "of the settlement in entry 10: LINE_INVALID";
    let found = told(&audit(&shown, &[], &changed));
    assert_eq!(
        found,
        [format!("line 2 {place}"), format!("line 3 {place}")]
    );
    let mut left_out = lines();
    left_out.remove(0);
    let report = audit(&shown, &[], &left_out);
    assert_eq!(told(&report), [format!("line 3 {place}")]);
    let message = &report.findings[0].message;
    assert_eq!(message, "it is 4600, but what came before adds up to 4100");
    let mut left_out = lines();
    left_out.pop();
    let report = audit(&shown, &[], &left_out);
    assert_eq!(told(&report), [format!("line 4 {place}")]);
    assert!(
        report.findings[0]
            .message
            .contains("none says what comes out")
    );
    assert_eq!(told(&audit(&shown, &[], &[])), Vec::<String>::new());
}

#[test]
fn the_past_that_a_receipt_proves_binds_the_party_s_own_audit_too() {
    let honest = Shown::of(&scenario());
    let mut shown = honest.clone();
    shown.change(8, |command| command.nonce.0[0] ^= 1);
    shown.sign();
    let party = "provider".parse().unwrap();
    let newest = shown.newest.as_deref().unwrap();
    let kept = [honest.receipt(8)];
    let mut auditor = OwnAuditor::new(&shown.pins, party, &kept, newest);
    auditor.entry(&entry(&shown, 8));
    let report = auditor.finish();
    assert_eq!(told(&report), ["receipt of entry 8: RECEIPT_CONTRADICTED"]);
    assert!(
        report.findings[0].message.contains("nonce is "),
        "{:?}",
        report.findings
    );
}
