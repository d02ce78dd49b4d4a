//! Where the guard of a data folder lies: beside the folder, or where the operator says.

use std::path::{Path, PathBuf};

use super::connect::absolute;
use super::{CommandError, Context};
use crate::config::{Setting, Source};
use crate::store::log::{GuardPlace, Guarding};

/// What a guard beside its folder is called: the folder's name and this.
const SUFFIX: &str = ".guard";

/// Returns where a guard lies where nobody says: beside the folder, so that it does not go back
/// when the folder does.
pub(super) fn beside(dir: &Path) -> PathBuf {
    let dir = absolute(dir);
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(SUFFIX);
    dir.with_file_name(name)
}

/// Returns the place of a guard.
pub(super) fn place(path: &Path) -> Result<GuardPlace, CommandError> {
    GuardPlace::at(path).ok_or_else(|| {
        CommandError::input(format!("{} is not a file's path", path.display()))
            .hint("Say --guard with a file, best on another disk than the data folder.")
    })
}

/// Returns the file of the guard, and who said so.
pub(super) fn guard_file(context: &Context<'_, '_>) -> Setting<PathBuf> {
    let settings = &context.settings;
    settings.guard.clone().unwrap_or_else(|| Setting {
        value: beside(&settings.dir.value),
        source: Source::Default,
    })
}

/// Returns how a folder is guarded that has a guard, or gets one now.
pub(super) fn guarding(
    context: &Context<'_, '_>,
    make_new: bool,
) -> Result<Guarding, CommandError> {
    let place = place(&guard_file(context).value)?;
    Ok(match make_new {
        true => Guarding::New(place),
        false => Guarding::Kept(place),
    })
}

/// Returns how a folder is checked: a copy has no guard beside it, and none need be named.
pub(super) fn guarding_if_there(context: &Context<'_, '_>) -> Result<Guarding, CommandError> {
    let file = guard_file(context);
    if file.source == Source::Default && !file.value.exists() {
        return Ok(Guarding::Off);
    }
    Ok(Guarding::Kept(place(&file.value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_lies_beside_its_folder() {
        assert_eq!(beside(Path::new("/srv/data")), Path::new("/srv/data.guard"));
        assert_eq!(
            beside(Path::new("/srv/data/")),
            Path::new("/srv/data.guard")
        );
        let here = std::env::current_dir().unwrap();
        assert_eq!(beside(Path::new("data")), here.join("data.guard"));
        // A folder without a name has no place beside it, which the place then says.
        assert!(place(Path::new("/")).is_err());
    }
}
