//! `fenrun hash`: prints what `b3sum` prints.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{CommandError, Context};
use crate::content::{Hashed, SumLine};
use crate::store::{hash_file, hash_reader};

/// Prints the BLAKE3 hash of files, one line each, exactly as b3sum does
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Files to hash; without any, or for -, standard input is read
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Why not every hash was printed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Some files could not be read; each was named on standard error.
    #[error("{count} of {total} files could not be read; the reasons stand above")]
    Unreadable {
        /// How many failed.
        count: usize,
        /// How many were asked for.
        total: usize,
    },
    /// A line could not be written.
    #[error("the hashes could not be written")]
    Output(#[source] io::Error),
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let streams = &mut *context.streams;
    print_hashes(&args, streams.stdin, streams.stdout, streams.stderr).map_err(
        |error| match error {
            HashError::Output(error) => error.into(),
            unreadable => CommandError::input(unreadable),
        },
    )
}

/// Hashes every file in the order given and goes on after one that cannot be read.
///
/// # Errors
/// Fails after the last file when one could not be read, and at once when the output fails.
pub fn print_hashes(
    args: &Args,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<(), HashError> {
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        standard_input.as_slice()
    } else {
        &args.files
    };
    let mut unreadable = 0usize;
    for path in files {
        match hash_input(path, stdin) {
            Ok(hashed) => {
                let line = SumLine {
                    hash: hashed.hash,
                    name: shown_name(path),
                };
                writeln!(stdout, "{line}").map_err(HashError::Output)?;
            }
            Err(error) => {
                // At most the number of files.
                unreadable = unreadable.saturating_add(1);
                writeln!(stderr, "fenrun: {}: {error}", path.display())
                    .map_err(HashError::Output)?;
            }
        }
    }
    stdout.flush().map_err(HashError::Output)?;
    if unreadable > 0 {
        return Err(HashError::Unreadable {
            count: unreadable,
            total: files.len(),
        });
    }
    Ok(())
}

/// Hashes one file that a command is about.
pub(super) fn of_file(path: &Path) -> Result<Hashed, CommandError> {
    hash_file(path).map_err(|error| {
        CommandError::input(format!("{} cannot be read: {error}", path.display()))
            .hint("It must be a file that you may read; a folder is not one.")
    })
}

fn hash_input(path: &Path, stdin: &mut dyn Read) -> io::Result<Hashed> {
    if path == Path::new("-") {
        hash_reader(stdin)
    } else {
        hash_file(path)
    }
}

/// Names a file as `b3sum` does: on Windows with forward slashes.
fn shown_name(path: &Path) -> String {
    let name = path.to_string_lossy();
    if cfg!(windows) {
        name.replace('\\', "/")
    } else {
        name.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";

    fn outcome(files: &[&Path], stdin: &str) -> (String, String, Option<String>) {
        let args = Args {
            files: files.iter().map(|path| path.to_path_buf()).collect(),
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = print_hashes(&args, &mut stdin.as_bytes(), &mut out, &mut err);
        (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
            result.err().map(|error| error.to_string()),
        )
    }

    #[test]
    fn without_files_standard_input_is_hashed() {
        assert_eq!(
            outcome(&[], "abc"),
            (format!("{ABC}  -\n"), String::new(), None)
        );
    }

    #[test]
    fn goes_on_after_a_file_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let odd = folder.path().join("odd\\name");
        std::fs::write(&odd, "abc").unwrap();
        let (out, err, failure) = outcome(&[&missing, &odd, Path::new("-")], "abc");
        let parent = folder.path().display();
        assert_eq!(out, format!("\\{ABC}  {parent}/odd\\\\name\n{ABC}  -\n"));
        assert!(
            err.starts_with(&format!("fenrun: {}: ", missing.display())),
            "{err}"
        );
        let count = "1 of 3 files could not be read; the reasons stand above";
        assert_eq!(failure.as_deref(), Some(count));
    }
}
