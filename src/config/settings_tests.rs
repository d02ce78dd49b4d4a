//! Settings: the precedence of every value, and what is said of one that is none.

use std::fmt::Display;
use std::path::PathBuf;

use super::{
    CONFIG_FILE, ConfigError, Environment, Language, Output, PROFILE_NAME_LENGTH_MAX, Setting,
    Settings, Source, Typed,
};

const FILE: &str = r#"
    profile = "work"
    output = "json"
    dir = "in-file"
    guard = "in-file.guard"

    [profiles.work]
    server = "http://in-file"
    party = "school"
    key = "in-file.pem"

    [profiles.other]
    server = "http://other"
"#;

fn settings(typed: Typed, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(CONFIG_FILE), FILE).unwrap();
    let folder = folder.path().to_str().unwrap();
    let variables = variables.iter().copied();
    let environment = variables.chain([("FENRUN_CONFIG", folder)]).collect();
    Settings::new(typed, environment).map_err(|error| error.to_string())
}

/// Says for server, profile, key, dir, guard, output, lang and colour what is meant and why.
fn told(settings: &Settings) -> [String; 8] {
    fn one<T: Display>(setting: &Setting<T>) -> String {
        let source = match &setting.source {
            Source::File(_) => "file".to_owned(),
            other => other.to_string(),
        };
        format!("{}: {source}", setting.value)
    }
    let shown = |path: &Setting<PathBuf>| one(&path.clone().map(|p| p.display().to_string()));
    [
        one(settings.server.as_ref().unwrap()),
        one(&settings.profile),
        shown(settings.key.as_ref().unwrap()),
        shown(&settings.dir),
        shown(settings.guard.as_ref().unwrap()),
        one(settings.output.as_ref().unwrap()),
        one(&settings.lang),
        one(&settings.color),
    ]
}

const VARIABLES: [(&str, &str); 8] = [
    ("FENRUN_SERVER", "http://in-environment"),
    ("FENRUN_PROFILE", "other"),
    ("FENRUN_KEY", "in-environment.pem"),
    ("FENRUN_DIR", "in-environment"),
    ("FENRUN_GUARD", "in-environment.guard"),
    ("FENRUN_OUTPUT", "text"),
    ("FENRUN_LANG", "en"),
    ("NO_COLOR", "1"),
];

#[test]
fn the_file_speaks_where_nobody_else_does() {
    let settings = settings(Typed::default(), &[]).unwrap();
    assert_eq!(
        told(&settings),
        [
            "http://in-file: file",
            "work: file",
            "in-file.pem: file",
            "in-file: file",
            "in-file.guard: file",
            "json: file",
            "en: default",
            "true: default",
        ]
    );
    assert_eq!(settings.party.unwrap().value.as_str(), "school");
}

#[test]
fn the_environment_goes_before_the_file() {
    let settings = settings(Typed::default(), &VARIABLES).unwrap();
    assert_eq!(
        told(&settings),
        [
            "http://in-environment: environment FENRUN_SERVER",
            "other: environment FENRUN_PROFILE",
            "in-environment.pem: environment FENRUN_KEY",
            "in-environment: environment FENRUN_DIR",
            "in-environment.guard: environment FENRUN_GUARD",
            "text: environment FENRUN_OUTPUT",
            "en: environment FENRUN_LANG",
            "false: environment NO_COLOR",
        ]
    );
}

#[test]
fn what_is_typed_goes_before_all() {
    let typed = Typed {
        server: Some("http://typed".to_owned()),
        profile: Some("new".to_owned()),
        party: Some("typed".to_owned()),
        key: Some("typed.pem".into()),
        dir: Some("typed".into()),
        guard: Some("typed.guard".into()),
        ca: None,
        insecure: true,
        output: Some(Output::Json),
        lang: Some(Language::En),
    };
    let settings = settings(typed, &VARIABLES).unwrap();
    assert_eq!(
        told(&settings),
        [
            "http://typed: flag --server",
            "new: flag --profile",
            "typed.pem: flag --key",
            "typed: flag --dir",
            "typed.guard: flag --guard",
            "json: flag --output",
            "en: flag --lang",
            "false: environment NO_COLOR",
        ]
    );
    assert!(settings.insecure.value);
}

#[test]
fn a_value_out_of_form_is_named_with_its_place() {
    let said = |variable| settings(Typed::default(), &[variable]).unwrap_err();
    assert_eq!(
        said(("FENRUN_OUTPUT", "yaml")),
        "environment FENRUN_OUTPUT says \"yaml\": results are printed as text or json"
    );
    assert_eq!(
        said(("FENRUN_LANG", "tlh")),
        "environment FENRUN_LANG says \"tlh\": this version speaks en; say that, or leave it out"
    );
    let long = "a".repeat(PROFILE_NAME_LENGTH_MAX + 1);
    assert!(said(("FENRUN_PROFILE", &long)).contains("a profile is 1 to 64 of"));
    assert!(settings(Typed::default(), &[("FENRUN_PROFILE", "a/b")]).is_err());
    let nowhere = Settings::new(Typed::default(), Environment::default());
    assert!(matches!(nowhere, Err(ConfigError::NoFolder)));
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let settings = settings(Typed::default(), &[("FENRUN_SERVER", "")]).unwrap();
    assert_eq!(settings.server.unwrap().value, "http://in-file");
}
