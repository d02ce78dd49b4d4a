//! House rules that a compiler does not hold: floors, file sizes, words, the shape of protos.
//!
//! A rule is a row of [`RULES`]: which files it is about, what it finds in one, and an example of
//! what it must find. Every rule runs over every file, and over its own example, so that none can
//! lose its teeth unseen.

use std::path::{Path, PathBuf};

#[path = "tidy/protos.rs"]
mod protos;

/// The modules of the crate by floor: a module imports lower floors only.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("wire", 10),
    ("keys", 10),
    ("merkle", 10),
    ("content", 10),
    ("book", 10),
    ("valuation", 10),
    ("settlement", 10),
    ("ledger", 20),
    // The auditor replays the core, so it stands half a floor above it.
    ("audit", 21),
    ("store", 30),
    ("engine", 40),
    // The service mounts the routes of the web on its port.
    ("web", 49),
    ("service", 50),
    ("client", 50),
    ("config", 60),
    ("telemetry", 60),
    ("cli", 61),
];

/// The first floor with a clock, files, network and threads of its own.
const OUTSIDE_FLOOR: u8 = 30;
/// What starts at [`OUTSIDE_FLOOR`].
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::{",
    "tokio::",
    "tokio_stream::",
    "getrandom::",
    "object_store::",
    "sled::",
];
/// The modules that may name generated types.
const GENERATED_TYPES_IN: &[&str] = &["wire", "service", "client"];
/// Module names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helpers", "misc", "types", "manager",
];
/// The most lines of a file.
const FILE_LINES_MAX: usize = 800;
/// The most columns of a line, text literals left out, which cannot be broken.
const LINE_COLUMNS_MAX: usize = 100;
/// Below a release's heading in the changelog.
const CHANGELOG_SECTIONS: &[&str] = &["Added", "Changed", "Fixed", "Removed", "Formats"];
/// Folders that are not ours to tidy.
const SKIPPED_FOLDERS: &[&str] = &[
    "target",
    "node_modules",
    "data",
    "vectors",
    "stubs",
    "corpus",
];
/// Which files are read; others have no rules.
const EXTENSIONS: &[&str] = &[
    "rs", "proto", "py", "js", "mjs", "go", "sh", "md", "toml", "yaml", "yml", "txt",
];

/// A file of the repository.
struct Source {
    /// Its path from the repository's root, with slashes.
    path: String,
    /// What stands in it.
    text: String,
}

/// What a rule finds: the line, from 1, or 0 for the whole file, and what is wrong.
type Found = Vec<(usize, String)>;

struct Rule {
    name: &'static str,
    /// The ends of the paths that it is about.
    about: &'static [&'static str],
    find: fn(&Source) -> Found,
    /// A path and text in which it finds something.
    wrong: (&'static str, &'static str),
    /// A path and text that are as close to that as is right.
    right: (&'static str, &'static str),
}

const RUST: &[&str] = &[".rs"];
const CODE: &[&str] = &[".rs", ".proto", ".py", ".js", ".mjs", ".go", ".sh"];
const ALL: &[&str] = &[""];

const RULES: &[Rule] = &[
    Rule {
        name: "a module imports lower floors only",
        about: RUST,
        find: floors,
        wrong: (
            "src/keys/a.rs",
            "use crate::{domain::Money, wire::decode_command};",
        ),
        right: (
            "src/ledger/a.rs",
            "use crate::{domain::Money, wire::decode_command};",
        ),
    },
    Rule {
        name: "a module imports lower floors only, however it names them",
        about: RUST,
        find: floors,
        wrong: ("src/wire/a/b.rs", "use super::super::super::ledger;"),
        right: ("src/wire/a/b.rs", "use super::super::super::domain;"),
    },
    Rule {
        name: "clock, files, network and threads start at the store",
        about: RUST,
        find: outside,
        wrong: ("src/ledger/a.rs", "let now = std::time::Instant::now();"),
        right: ("src/store/a.rs", "let now = std::time::Instant::now();"),
    },
    Rule {
        name: "generated types are named in wire, service and client only",
        about: RUST,
        find: generated_types,
        wrong: ("src/engine/a.rs", "use crate::wire::proto::Command;"),
        right: ("src/client/a.rs", "use crate::wire::proto::Command;"),
    },
    Rule {
        name: "no file is longer than 800 lines",
        about: CODE,
        find: file_lines,
        wrong: ("src/keys/a.rs", LONG_FILE),
        right: ("docs/a.md", LONG_FILE),
    },
    Rule {
        name: "no line is wider than 100 columns but for a text that cannot be broken",
        about: CODE,
        find: line_columns,
        wrong: (
            "src/keys/a.rs",
            "// 3456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 \
             123456789 12345678901",
        ),
        right: (
            "src/keys/a.rs",
            "    Reason, \"456789 123456789 123456789 123456789 123456789 123456789 123456789 \
             123456789 123456789 12345678901\";",
        ),
    },
    Rule {
        name: "no module has a name that says nothing",
        about: RUST,
        find: module_names,
        wrong: ("src/keys/helpers.rs", ""),
        right: ("src/keys/secret.rs", ""),
    },
    Rule {
        name: "every lint that is silenced says why",
        about: RUST,
        find: reasons,
        wrong: (
            "src/keys/a.rs",
            concat!("#[al", "low(dead_code)]\nfn a() {}"),
        ),
        right: (
            "src/keys/a.rs",
            concat!("#[al", "low(\n dead_code,\n reason = \"seen by C\"\n)]"),
        ),
    },
    Rule {
        name: "no test is ignored",
        about: RUST,
        find: ignored,
        wrong: ("src/keys/a.rs", concat!("#[ig", "nore = \"slow\"]")),
        right: ("src/keys/a.rs", "// What is not ignored runs."),
    },
    Rule {
        name: "no path of one machine and no registry's host is written down",
        about: ALL,
        find: machine_paths,
        wrong: ("docs/a.md", concat!("see /ho", "me/ann/fenrun")),
        right: ("docs/a.md", "see ~/fenrun"),
    },
    Rule {
        name: "nothing is put off",
        about: CODE,
        find: put_off,
        wrong: ("src/keys/a.rs", concat!("// TO", "DO: later")),
        right: ("src/keys/a.rs", "// Later entries win."),
    },
    Rule {
        name: "every module begins with its comment",
        about: &["src/"],
        find: module_comment,
        wrong: ("src/keys/a.rs", "use crate::domain::Money;"),
        right: ("src/keys/a.rs", "//! Money.\n\nuse crate::domain::Money;"),
    },
    Rule {
        name: "the changelog has its shape",
        about: &["CHANGELOG.md"],
        find: changelog,
        wrong: (
            "CHANGELOG.md",
            "# Changelog\n\n## Unreleased\n\n### Novel\n- A thing.\n",
        ),
        right: (
            "CHANGELOG.md",
            "# Changelog\n\n## Unreleased\n\n### Added\n- A thing\n  of two lines.\n\n\
             ## 0.1.0 - 2026-12-01\n\n### Fixed\n- It.\n",
        ),
    },
];

/// 801 lines.
const LONG_FILE: &str = {
    const BYTES: [u8; 801] = [b'\n'; 801];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("newlines are text"),
    }
};

#[test]
fn house_rules_hold() {
    let sources = sources();
    assert!(sources.len() > 100, "the repository was not found");
    let mut all = Vec::new();
    for source in &sources {
        for rule in RULES.iter().filter(|rule| is_about(rule, source)) {
            for (line, found) in (rule.find)(source) {
                all.push(format!("{}:{line}: {found} ({})", source.path, rule.name));
            }
        }
    }
    all.extend(dead_files(&sources));
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_rule_finds_what_it_is_for() {
    for rule in RULES {
        let find = |(path, text): (&str, &str)| {
            let (path, text) = (path.to_owned(), text.to_owned());
            let source = Source { path, text };
            if is_about(rule, &source) {
                (rule.find)(&source)
            } else {
                Found::new()
            }
        };
        assert!(!find(rule.wrong).is_empty(), "finds nothing: {}", rule.name);
        assert_eq!(find(rule.right), [], "{}", rule.name);
    }
}

#[test]
fn a_file_that_no_module_names_is_found() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = [
        source("src/keys/mod.rs", "mod secret;\npub mod a;\n"),
        source("src/keys/secret.rs", ""),
        source("src/keys/a/mod.rs", ""),
        source("src/keys/left.rs", ""),
    ];
    assert_eq!(
        dead_files(&sources),
        ["src/keys/left.rs:0: no module names this file"]
    );
}

fn is_about(rule: &Rule, source: &Source) -> bool {
    let fits = |end: &&str| source.path.ends_with(*end) || source.path.starts_with(*end);
    rule.about.iter().any(fits)
}

/// Returns every file that rules can be about, by path.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                let hidden = name.starts_with('.') && name != ".ci";
                if !hidden && !SKIPPED_FOLDERS.contains(&name) {
                    folders.push(path);
                }
            } else if read_at_all(name) {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: &PathBuf| Source {
        path: path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/"),
        text: std::fs::read_to_string(path).unwrap(),
    };
    files.iter().map(read).collect()
}

fn read_at_all(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.map_or(name == "run" || name == "justfile", |extension| {
        EXTENSIONS.contains(&extension)
    })
}

/// Finds every line of a source that a test says something about.
fn lines(source: &Source, say: impl Fn(&str) -> Option<String>) -> Found {
    let numbered = (1..).zip(source.text.lines());
    numbered
        .filter_map(|(number, line)| Some((number, say(line)?)))
        .collect()
}

/// Returns the module directly under the crate that a source belongs to.
fn module_of(source: &Source) -> Option<&str> {
    let path = source.path.strip_prefix("src/")?;
    let end = path.find(['/', '.'])?;
    Some(&path[..end])
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

fn floors(source: &Source) -> Found {
    let Some(module) = module_of(source).filter(|name| !["lib", "main"].contains(name)) else {
        return Found::new();
    };
    let Some(floor) = floor_of(module) else {
        return vec![(
            0,
            format!("the module {module} has no floor; name it in FLOORS"),
        )];
    };
    let mut found = Found::new();
    for (line, other) in named_modules(source, module) {
        if other != module && floor_of(&other).is_none_or(|of_other| of_other >= floor) {
            found.push((
                line,
                format!("{module} names {other}, which is no lower floor"),
            ));
        }
    }
    found
}

/// Returns the modules directly under the crate that a source names, with the line.
fn named_modules(source: &Source, module: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    let code = code_of(&source.text);
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].lines().count().max(1);
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => heads_of_group(group),
            None => vec![first_word(rest)],
        };
        // What the root itself exports is a macro or a module; modules are lower case.
        let modules = names.into_iter().filter(|name| floor_of(name).is_some());
        named.extend(modules.map(|name| (line, name)));
    }
    let child = |name: &str| {
        let file = format!("src/{module}/");
        let at_root = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        at_root.join(format!("{name}.rs")).exists() || at_root.join(name).exists()
    };
    for (at, _) in code.match_indices("super::") {
        let line = code[..at].lines().count().max(1);
        let name = first_word(&code[at + "super::".len()..]);
        if floor_of(&name).is_some() && !child(&name) {
            named.push((line, name));
        }
    }
    named
}

/// Returns the text with comments blanked out, so that words in them name nothing.
fn code_of(text: &str) -> String {
    let code = |line: &str| {
        let end = line.find("//").unwrap_or(line.len());
        line[..end].to_owned() + "\n"
    };
    text.lines().map(code).collect()
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// Returns the first words of the paths in a group of imports, whose opening brace is read.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut depth = 0usize;
    let mut heads = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            _ if depth == 0 => heads.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    heads.iter().map(|head| first_word(head.trim())).collect()
}

fn outside(source: &Source) -> Found {
    let floor = module_of(source).and_then(floor_of);
    let test = source.path.contains("/tests/") || source.path.contains("/testing/");
    if test || floor.is_none_or(|floor| floor >= OUTSIDE_FLOOR) {
        return Found::new();
    }
    lines(source, |line| {
        let code = code_of(line);
        let named = OUTSIDE.iter().find(|outside| code.contains(*outside))?;
        Some(format!("{named} has no place below the store"))
    })
}

fn generated_types(source: &Source) -> Found {
    let module = module_of(source);
    let may = module.is_none_or(|module| GENERATED_TYPES_IN.contains(&module));
    lines(source, |line| {
        let names = code_of(line).contains("proto::");
        (names && !may).then(|| "a generated type is named here".to_owned())
    })
}

fn file_lines(source: &Source) -> Found {
    let count = source.text.lines().count();
    let long = count > FILE_LINES_MAX;
    long.then(|| (0, format!("{count} lines")))
        .into_iter()
        .collect()
}

fn line_columns(source: &Source) -> Found {
    lines(source, |line| {
        let outside_texts = line.split('"').step_by(2).map(|part| part.chars().count());
        let columns = if line.contains('"') {
            outside_texts.sum()
        } else {
            line.chars().count()
        };
        (columns > LINE_COLUMNS_MAX).then(|| format!("{columns} columns"))
    })
}

fn module_names(source: &Source) -> Found {
    let mut parts = source.path.split(['/', '.']);
    let empty = parts.find(|part| EMPTY_NAMES.contains(part));
    empty
        .map(|name| (0, format!("{name} says nothing")))
        .into_iter()
        .collect()
}

fn reasons(source: &Source) -> Found {
    let mut found = Found::new();
    for opening in ["#[", "#!["] {
        for lint in ["allow(", "expect("] {
            for (at, _) in source.text.match_indices(&format!("{opening}{lint}")) {
                let line = source.text[..at].matches('\n').count() + 1;
                let attribute = source.text[at..].split(']').next().unwrap_or_default();
                if !attribute.contains("reason = \"") {
                    found.push((line, "give it reason = \"...\"".to_owned()));
                }
            }
        }
    }
    found
}

fn ignored(source: &Source) -> Found {
    lines(source, |line| {
        let line = line.trim_start();
        let ignored = line.starts_with(concat!("#[ig", "nore"));
        ignored.then(|| "assert what is so, and say why".to_owned())
    })
}

fn machine_paths(source: &Source) -> Found {
    let words = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\"),
        concat!("registry.npm", "js.org"),
        concat!("py", "pi.org"),
        concat!("python", "hosted.org"),
        concat!("proxy.go", "lang.org"),
    ];
    lines(source, |line| {
        let word = words.iter().find(|word| line.contains(*word))?;
        Some(format!("{word:?} is so on one machine only"))
    })
}

fn put_off(source: &Source) -> Found {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    lines(source, |line| {
        let word = words.iter().find(|word| line.contains(*word))?;
        Some(format!(
            "{word}: do it, or leave it and say so in the changelog"
        ))
    })
}

fn module_comment(source: &Source) -> Found {
    if !source.path.ends_with(".rs") || source.text.starts_with("//! ") {
        return Found::new();
    }
    vec![(1, "say what the module is, first thing".to_owned())]
}

fn changelog(source: &Source) -> Found {
    let mut found = Found::new();
    let mut releases = 0;
    let mut last_text = String::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        if let Some(section) = line.strip_prefix("### ") {
            if !CHANGELOG_SECTIONS.contains(&section) {
                found.push((number, format!("no section is called {section:?}")));
            }
        } else if let Some(release) = line.strip_prefix("## ") {
            releases += 1;
            let first = releases == 1;
            if first != (release == "Unreleased") || !(first || is_release(release)) {
                found.push((
                    number,
                    format!("{release:?} is no release, or not in its place"),
                ));
            }
        }
        let item_ends = line.is_empty() || line.starts_with("- ") || line.starts_with('#');
        if item_ends && last_text.starts_with([' ', '-']) && !last_text.ends_with('.') {
            found.push((number - 1, "an item ends with a full stop".to_owned()));
        }
        if item_ends && line.is_empty() && last_text.starts_with("### ") {
            found.push((number - 1, "the section is empty".to_owned()));
        }
        last_text = line.to_owned();
    }
    if releases == 0 || !source.text.starts_with("# Changelog\n") {
        found.push((1, "begins with # Changelog and ## Unreleased".to_owned()));
    }
    found
}

/// Says whether a heading is a version and a day: `0.1.0 - 2026-12-01`.
fn is_release(heading: &str) -> bool {
    let numbers = |text: &str, by: char, digits: &[usize]| {
        let parts: Vec<&str> = text.split(by).collect();
        let digit = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let long = parts
            .iter()
            .zip(digits)
            .all(|(part, n)| *n == 0 || part.len() == *n);
        parts.len() == digits.len() && parts.iter().all(digit) && long
    };
    heading.split_once(" - ").is_some_and(|(version, day)| {
        numbers(version, '.', &[0, 0, 0]) && numbers(day, '-', &[4, 2, 2])
    })
}

/// Returns the files under `src/` that no module names.
fn dead_files(sources: &[Source]) -> Vec<String> {
    let mut dead = Vec::new();
    for source in sources {
        let Some(path) = source
            .path
            .strip_prefix("src/")
            .and_then(|p| p.strip_suffix(".rs"))
        else {
            continue;
        };
        if ["lib", "main", "keys/mod"].contains(&path) && !path.contains('/') {
            continue;
        }
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let (folder, name) = match path.rsplit_once('/') {
            Some((folder, name)) => (format!("src/{folder}/mod.rs"), name),
            None => ("src/lib.rs".to_owned(), path),
        };
        let declared = format!("mod {name};");
        let parent = sources.iter().find(|other| other.path == folder);
        let lists = |parent: &Source| parent.text.lines().any(|line| line.ends_with(&declared));
        if parent.is_some_and(|parent| !lists(parent)) {
            dead.push(format!("{}:0: no module names this file", source.path));
        }
    }
    dead
}
