//! The list of errors, and that every reason that the outside can bring about has its form.

use std::fmt::Write as _;
use std::path::Path;

use fenrun::domain::Reason;
use fenrun::service::{code_of, retry_after};

/// Set to anything, it writes the document anew instead of comparing it.
const REGENERATE: &str = "FENRUN_REGENERATE";

const BEFORE: &str = "\
# Errors

A call that is refused answers with a `google.rpc.Status` whose details are:

- `ErrorInfo`, exactly one: the `reason` from the list below, the `domain` `fenrun.v1`, and facts
  for programs as `metadata`. A fact that is too long for the trailers of a call is left out and
  named under `left_out`; `CheckCommand` and `SubmitStream` give it in full.
- `BadRequest`, where fields are wrong: all of them, each with its path.
- `RetryInfo`, where sending the same again after that time may help.
- `RequestInfo`: the id of the call, also in the header `x-request-id` of every answer. The
  server's log has it beside what must not leave the server.

The list is in order of precedence: of two reasons that hold, the one that stands earlier is
answered. `Submit` answers with the first; `CheckCommand` lists all, in this order. Whether a
command was accepted before is asked between `ACTOR_MISMATCH` and `KEY_INACTIVE`: what was accepted
once gets its receipt, also when its key or its time is over.

What a caller may not see is answered exactly like what does not exist, with `NOT_FOUND`. Only a
whole call that a role may not make is `NOT_PERMITTED`, whatever it asks for.

gRPC itself answers, without `ErrorInfo`: `UNIMPLEMENTED` for a method that is not there or a
compression that is not used here, `DEADLINE_EXCEEDED` where a call took longer than its deadline
(a command may be recorded all the same: send the same bytes again), `CANCELLED` where the client
left.

This file is made from the program; `FENRUN_REGENERATE=1 cargo test --test it errors` writes it
anew.

| # | reason | status code | retry after | meaning |
|---|---|---|---|---|
";

fn document() -> String {
    let mut text = BEFORE.to_owned();
    for (number, reason) in (1..).zip(Reason::ALL) {
        let code = format!("{:?}", code_of(*reason));
        let mut upper = String::new();
        for (at, letter) in code.char_indices() {
            if at > 0 && letter.is_ascii_uppercase() {
                upper.push('_');
            }
            upper.push(letter.to_ascii_uppercase());
        }
        let retry = retry_after(*reason);
        let retry = retry.map_or(String::new(), |time| format!("{} ms", time.as_millis()));
        let meaning = reason.meaning();
        writeln!(
            text,
            "| {number} | `{reason}` | `{upper}` | {retry} | {meaning} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn the_list_of_errors_is_what_the_program_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let expected = document();
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/errors.md is old; run with {REGENERATE}=1 to write it anew"
    );
}
