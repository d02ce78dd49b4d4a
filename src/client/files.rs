//! Writing small files so that they are whole or absent, whatever happens meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file under another name, syncs it, gives it its name and syncs the folder.
///
/// With `secret` only its owner may read it.
///
/// # Errors
/// Whatever the system says; the file is then what it was before, or absent.
pub fn write_durably(path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
    let folder = path.parent().filter(|one| !one.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut part = name.to_owned();
    // Two processes may write the same file at once; each has a name of its own meanwhile.
    part.push(format!(".{}.part", std::process::id()));
    let part = folder.join(part);
    let written = write_new(&part, bytes, secret).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&part);
    }
    written?;
    sync_folder(folder)
}

fn write_new(path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    let mut file = options.open(path)?;
    #[cfg(not(unix))]
    let _ = secret;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the names in a folder durable, where the system can.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns the names of the files in a folder that end with `suffix`, ascending.
///
/// # Errors
/// The folder is there and cannot be read; a folder that is not there has no files.
pub(super) fn names(folder: &Path, suffix: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(suffix)) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/secret");
        write_durably(&path, b"first", true).unwrap();
        write_durably(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        let parent = path.parent().unwrap();
        assert_eq!(fs::read_dir(parent).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(write_durably(folder.path(), b"", false).is_err());
        assert_eq!(names(parent, "ret").unwrap(), ["secret"]);
        assert!(names(&parent.join("none"), "").unwrap().is_empty());
    }
}
