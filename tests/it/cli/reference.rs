//! `docs/command-line.md`: the help of every command, as the program prints it.

use std::path::Path;

use clap::{Command, CommandFactory};
use fenrun::cli::args::Cli;

/// Writes the page anew instead of comparing it.
const REGENERATE: &str = "FENRUN_REGENERATE";

#[test]
fn the_reference_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let page = page();
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/command-line.md is old; run with {REGENERATE}=1 to write it anew"
    );
}

fn page() -> String {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut page = String::from(
        "# The command line\n\nWhat `fenrun help` prints, for every command. A test compares this \
         page with the program.\n\nExit codes: 0 well; 1 something does not verify; 2 bad input; \
         3 refused by a rule; 4 not permitted; 5 the service was not reached; 70 a fault of ours.\n\
         Data goes to standard output, everything else to standard error.\n",
    );
    describe(&root, "fenrun", &mut page);
    page
}

fn describe(command: &Command, name: &str, page: &mut String) {
    // What is the same everywhere stands once, on the outermost level.
    let mut shown = command.clone();
    if name != "fenrun" {
        shown = shown.mut_args(|argument| match argument.get_help_heading() {
            Some("Everywhere") => argument.hide(true),
            _ => argument,
        });
    }
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!(
        "\n## {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    ));
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            describe(below, &format!("{name} {}", below.get_name()), page);
        }
    }
}
