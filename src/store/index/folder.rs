//! The folder of an index: the tree of sled, and a mark that says whether it may be believed.
//!
//! sled does not make a crash of the machine harmless, so a tree that was open in another boot of
//! the kernel and not closed is set aside, and so is one that failed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::fault::IndexError;

/// Where Linux says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The mark of a tree that was closed.
const CLOSED: &str = "closed";
/// The start of the mark of a tree that is or was open; the boot follows.
const OPEN: &str = "open ";
/// The start of the mark of a tree that failed; the reason follows.
const FAILED: &str = "failed ";

/// The folder of an index.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    boot: String,
}

impl Folder {
    /// Makes the folder if there is none.
    pub fn new(root: &Path) -> Result<Self, IndexError> {
        // Where the boot has no id, none that was noted can be this one.
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        Self::in_boot(root, boot.trim())
    }

    fn in_boot(root: &Path, boot: &str) -> Result<Self, IndexError> {
        fs::create_dir_all(root).map_err(IndexError::file("make the folder", root))?;
        Ok(Self {
            root: root.to_owned(),
            boot: boot.to_owned(),
        })
    }

    /// Returns where the tree lies.
    pub fn tree(&self) -> PathBuf {
        self.root.join("sled")
    }

    fn mark(&self) -> PathBuf {
        self.root.join("mark")
    }

    /// Returns why the tree may not be believed; none where it may, or where there is none.
    pub fn doubt(&self) -> Result<Option<String>, IndexError> {
        if !self.tree().exists() {
            return Ok(None);
        }
        let mark = match fs::read_to_string(self.mark()) {
            Ok(mark) => mark,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some("it has no mark".to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(IndexError::file("read", &self.mark())(error)),
        };
        let mark = mark.trim();
        if mark == CLOSED {
            return Ok(None);
        }
        if let Some(boot) = mark.strip_prefix(OPEN) {
            let believed = !boot.is_empty() && boot == self.boot;
            let doubt = "the machine went down while it was open".to_owned();
            return Ok((!believed).then_some(doubt));
        }
        if let Some(reason) = mark.strip_prefix(FAILED) {
            return Ok(Some(format!("it failed: {reason}")));
        }
        Ok(Some("its mark does not read".to_owned()))
    }

    /// Marks the tree as open in this boot; durable before the tree changes.
    pub fn mark_open(&self) -> Result<(), IndexError> {
        self.write_mark(&format!("{OPEN}{}", self.boot))
    }

    /// Marks the tree as closed; only after everything in it is durable.
    pub fn mark_closed(&self) -> Result<(), IndexError> {
        self.write_mark(CLOSED)
    }

    /// Marks the tree as failed, so that the next start sets it aside.
    pub fn mark_failed(&self, reason: &str) -> Result<(), IndexError> {
        self.write_mark(&format!("{FAILED}{}", reason.replace('\n', " ")))
    }

    fn write_mark(&self, text: &str) -> Result<(), IndexError> {
        let (path, new) = (self.mark(), self.root.join("mark.new"));
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| sync_folder(&self.root))
            .map_err(IndexError::file("write", &path))
    }

    /// Moves the tree away, so that the next start begins with none; one that was moved away
    /// before is removed.
    pub fn set_aside(&self) -> Result<(), IndexError> {
        let (tree, aside) = (self.tree(), self.root.join("set-aside"));
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(IndexError::file("remove", &aside))?;
        }
        if tree.exists() {
            fs::rename(&tree, &aside).map_err(IndexError::file("move away", &tree))?;
        }
        sync_folder(&self.root).map_err(IndexError::file("sync", &self.root))
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(folder: &Folder) -> Option<String> {
        folder.doubt().unwrap()
    }

    #[test]
    fn a_tree_is_believed_if_closed_or_open_in_this_boot() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::in_boot(root.path(), "one").unwrap();
        assert_eq!(doubt(&folder), None, "there is none");
        fs::create_dir(folder.tree()).unwrap();
        assert!(doubt(&folder).unwrap().contains("no mark"));
        folder.mark_open().unwrap();
        assert_eq!(doubt(&folder), None);
        let later = Folder::in_boot(root.path(), "two").unwrap();
        assert!(doubt(&later).unwrap().contains("went down"));
        folder.mark_closed().unwrap();
        assert_eq!(doubt(&later), None);
        folder.mark_failed("a\nb").unwrap();
        assert_eq!(doubt(&folder).unwrap(), "it failed: a b");
        fs::write(folder.mark(), [0xff, 0xfe]).unwrap();
        assert!(doubt(&folder).unwrap().contains("does not read"));
        let nowhere = Folder::in_boot(root.path(), "").unwrap();
        nowhere.mark_open().unwrap();
        assert!(doubt(&nowhere).is_some(), "no boot id is nobody's");
    }

    #[test]
    fn one_tree_is_kept_aside() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::in_boot(root.path(), "one").unwrap();
        folder.set_aside().unwrap();
        for name in ["first", "second"] {
            fs::create_dir(folder.tree()).unwrap();
            fs::write(folder.tree().join(name), "").unwrap();
            folder.set_aside().unwrap();
            assert!(!folder.tree().exists());
        }
        let kept: Vec<_> = fs::read_dir(root.path().join("set-aside"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(kept, ["second"]);
    }
}
