//! Admission: a party enters on its own signed application.
//!
//! A beneficial owner is a name of the same form as a party's and need not be a party: who stands
//! behind may never sign anything. But there are no chains: where the owner is a party it is its
//! own owner, and who is named as an owner of others can be admitted only as its own. Otherwise
//! caps and debts "per owner" would depend on how far one follows the names.

use crate::domain::{
    APPLICATION_TYPE, AdmitParty, PartyName, Reason, Rejection, Violation, signing_bytes,
};
use crate::ledger::decide::{Rules, Stop, refuse};
use crate::ledger::rows::{KeyPart, OwnedPartyRow, PartyAdmittedRow, PartyRow, ThingKind};
use crate::ledger::view::Order;

pub(super) fn admit(rules: &mut Rules<'_>, admit: &AdmitParty) -> Result<Vec<ThingKind>, Stop> {
    let application = &admit.application;
    let name = &application.name;
    let owner = admit.beneficial_owner.as_ref().unwrap_or(name);
    check_owner(rules, name, owner)?;
    if rules.state.get::<PartyRow>(name)?.is_some() {
        return refuse(
            Reason::NameTaken,
            format!("there is a party {name} already"),
        );
    }
    super::keys::check_unused(rules, &application.public_key)?;
    check_application(rules, admit)?;
    let party = PartyRow {
        id: rules.submission.id.thing(0),
        admitted_at: rules.index(),
        roles: application.roles.clone(),
        beneficial_owner: owner.clone(),
        active_key: None,
    };
    super::keys::put_active(rules, name, party, application.public_key);
    if owner != name {
        let key = (owner.clone(), name.clone());
        rules.state.put(&key, &OwnedPartyRow);
    }
    let row = PartyAdmittedRow { name: name.clone() };
    rules.state.put(&rules.first_locator(), &row);
    Ok(vec![ThingKind::Party])
}

fn check_owner(rules: &Rules<'_>, name: &PartyName, owner: &PartyName) -> Result<(), Stop> {
    if owner == name {
        return Ok(());
    }
    let behind = rules.state.get::<PartyRow>(owner)?;
    let behind = behind.map(|party| party.beneficial_owner);
    let text = if let Some(behind) = behind.filter(|behind| behind != owner) {
        format!("{behind} stands behind {owner}; name {behind}")
    } else if owns_others(rules, name)? {
        format!("{name} is the beneficial owner of others, so it can only be its own")
    } else {
        return Ok(());
    };
    let violations = vec![Violation::new("admit_party.beneficial_owner", text)];
    Err(Rejection::with_violations(Reason::InvalidArgument, violations).into())
}

fn owns_others(rules: &Rules<'_>, name: &PartyName) -> Result<bool, Stop> {
    let mut owns = false;
    let mut visit = |_: &[u8], _: OwnedPartyRow| {
        owns = true;
        std::ops::ControlFlow::Break(())
    };
    let prefix = name.prefix();
    rules.state.scan(&prefix, Order::Ascending, &mut visit)?;
    Ok(owns)
}

fn check_application(rules: &Rules<'_>, admit: &AdmitParty) -> Result<(), Stop> {
    let application = &admit.application;
    let wrong = |what: &str| {
        let message = format!(
            "the application of {} {what}; the party has to apply anew",
            application.name
        );
        refuse(Reason::ApplicationInvalid, message)
    };
    if application.ledger != rules.charter.ledger {
        return wrong("names another ledger");
    }
    if application.terms_hash != rules.charter.terms_hash {
        return wrong("accepts other terms than the ledger's");
    }
    let signed = signing_bytes(APPLICATION_TYPE, &admit.application_bytes);
    let key = &application.public_key;
    if !rules.verifier.verify(key, &signed, &admit.signature) {
        return wrong("is not signed by the key that it names");
    }
    Ok(())
}
