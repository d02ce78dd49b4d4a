//! A place of its own for `fenrun` processes: folders, and a service that is stopped at the end.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a process ended with.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Returns the data that was printed as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }

    /// Checks that the process ended well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, 0, "{} {}", self.stdout, self.stderr);
        self
    }

    /// Checks the exit code and returns what was said.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{} {}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Folders for the people of a test; each has a configuration of its own.
pub struct Machine {
    folder: TempDir,
}

/// A running service; killed when dropped.
pub struct Service {
    child: Child,
    pub url: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Ends it at once, whatever it is doing.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself, badly.
    pub fn ended(mut self) {
        assert!(!self.child.wait().unwrap().success());
    }

    /// Asks the service to stop and waits until it has.
    pub fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Machine {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns the path of a file of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Returns the command of a person, without the environment of the test's own process.
    fn command(&self, who: &str, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenrun"));
        command
            .args(line)
            .current_dir(self.folder.path())
            .env_clear()
            .env("FENRUN_CONFIG", self.path(&format!("config-{who}")));
        command
    }

    /// Runs a line as a person and returns what it ended with.
    pub fn run(&self, who: &str, line: &[&str]) -> Ended {
        Ended::of(self.command(who, line).output().unwrap())
    }

    /// Runs a line with something on standard input.
    pub fn run_with_input(&self, who: &str, line: &[&str], input: &str) -> Ended {
        let mut command = self.command(who, line);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        Ended::of(child.wait_with_output().unwrap())
    }

    /// Runs a line with a variable set.
    pub fn run_with_variable(
        &self,
        who: &str,
        line: &[&str],
        (name, value): (&str, &str),
    ) -> Ended {
        let mut command = self.command(who, line);
        Ended::of(command.env(name, value).output().unwrap())
    }

    /// Founds a ledger in the folder `data`; the operator is called `operator`.
    pub fn found(&self) -> Ended {
        self.file("terms.txt", "The terms that every party accepts.\n");
        let line = [
            "init",
            "--origin",
            "log.example/test",
            "--terms",
            "terms.txt",
            "--dir",
            "data",
        ];
        self.run("operator", &line)
    }

    /// Starts the service on a port of its own, and tells the operator's profile where it is.
    pub fn serve(&self) -> Service {
        let service = self.serve_with(&[]);
        self.run("operator", &["connect", &service.url]).well();
        service
    }

    /// Starts the service with more flags.
    pub fn serve_with(&self, more: &[&str]) -> Service {
        let line = ["serve", "--dir", "data", "--listen", "127.0.0.1:0"];
        self.start("operator", &[&line[..], more].concat()).0
    }

    /// Starts the service on a folder; it ends by itself at a named point.
    pub fn serve_until(&self, dir: &str, point: &str) -> Service {
        let line = ["serve", "--dir", dir, "--listen", "127.0.0.1:0"];
        let mut command = self.command("operator", &line);
        command.env(fenrun::engine::CRASH_VARIABLE, point);
        Self::started(command).0
    }

    /// Starts something that runs until it is stopped, and returns what it says of itself.
    pub fn start(&self, who: &str, line: &[&str]) -> (Service, Value) {
        Self::started(self.command(who, line))
    }

    fn started(mut command: Command) -> (Service, Value) {
        command.args(["--output", "json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // It prints one object when it listens; a service that ends first prints none.
        while !text.ends_with("}\n") {
            assert_ne!(
                lines.read_line(&mut text).unwrap(),
                0,
                "the service ended: {text}"
            );
        }
        let said: Value = serde_json::from_str(&text).unwrap();
        let url = said["url"].as_str().unwrap().to_owned();
        (Service { child, url }, said)
    }

    /// Starts a process whose standard output is read while it runs.
    pub fn spawn(&self, who: &str, line: &[&str]) -> Child {
        let mut command = self.command(who, line);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Lets a person connect, apply and be admitted.
    pub fn admit(&self, service: &Service, who: &str, role: &str) {
        self.run(who, &["connect", &service.url]).well();
        let apply = [
            "party",
            "apply",
            who,
            "--role",
            role,
            "--terms",
            "terms.txt",
        ];
        let applied = self
            .run(who, &[&apply[..], &["--output", "json"]].concat())
            .well();
        let fingerprint = applied.json()["fingerprint"].as_str().unwrap().to_owned();
        let file = format!("{who}.application.json");
        let admit = ["party", "admit", &file, "--fingerprint", &fingerprint];
        self.run("operator", &admit).well();
    }
}
