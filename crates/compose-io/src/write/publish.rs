//! Gives files their final names. A file has a temporary name until it is whole; dropped before that, it disappears.
//!
//! The temporary name is a hidden folder beside the final file, `.out.tif.<pid>-XXXXXX.tmp/`: on the same
//! file system, so that moving is one step that cannot stop half-way, and a place where the helper files of
//! GDAL drivers (`.ovr.tmp`, `.aux.xml`) go away with it. What a file replaces is kept in it until all files of a run
//! have their names.

use super::error::WriteError;
use crate::files::Digest;
use crate::files::beside::{companions, folder_of};
use crate::files::drafts::{Drafts, Folder};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// Refuses to write over anything without `overwrite`, and over folders and devices always.
///
/// # Errors
/// [`WriteError::Exists`], [`WriteError::Stale`], [`WriteError::NotAFile`].
pub fn refuse_existing(path: &Path, overwrite: bool) -> Result<(), WriteError> {
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return Err(WriteError::NotAFile { path: path.to_owned() });
    }
    if overwrite {
        return Ok(());
    }
    if path.symlink_metadata().is_ok() {
        return Err(WriteError::Exists { path: path.to_owned() });
    }
    match companions(path).find(|c| c.symlink_metadata().is_ok()) {
        Some(stale) => Err(WriteError::Stale { path: stale, of: path.to_owned() }),
        None => Ok(()),
    }
}

/// Refuses a path whose folder is missing or cannot be written to, by trying; a kill leaves nothing of that.
///
/// # Errors
/// [`WriteError::NoFolder`], [`WriteError::Folder`], or the path names no file that the file system takes.
pub fn check_folder(path: &Path) -> Result<(), WriteError> {
    tempfile::tempfile_in(folder_of(path)).map_err(|cause| WriteError::folder(path, cause))?;
    // The name itself may be one that the file system does not take: too long, say.
    match path.symlink_metadata() {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(WriteError::System { path: path.to_owned(), cause })
        }
        _ if path.file_name().is_none() => Err(WriteError::NotAFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// A file being written under a temporary name. Dropped, it disappears.
#[derive(Debug)]
pub struct Draft {
    folder: Folder,
    file: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// A place for the file of a run that will be at `path`.
    ///
    /// # Errors
    /// As [`check_folder`].
    pub fn new(path: &Path, drafts: &Drafts) -> Result<Self, WriteError> {
        let name = path.file_name().ok_or_else(|| WriteError::NotAFile { path: path.to_owned() })?;
        let folder = drafts.folder(path, &name.to_string_lossy())?;
        // A short name: drivers add endings such as `.ovr.tmp` to it.
        Ok(Self { file: folder.path().join("draft"), folder, path: path.to_owned() })
    }

    /// The final path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The temporary path, to be written to.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The path of a helper file, which never gets another name.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says that the file is whole.
    ///
    /// # Errors
    /// The system could not bring all of it to the disk.
    pub fn finish(self) -> Result<Pending, WriteError> {
        // Some file systems (NFS, quotas, delayed allocation) find out only now that there is no space.
        let synced = fs::OpenOptions::new().write(true).open(&self.file).and_then(|file| file.sync_all());
        synced.map_err(|cause| WriteError::System { path: self.path.clone(), cause })?;
        Ok(Pending { draft: self })
    }
}

/// A whole file that waits for its name. Dropped, it disappears.
#[must_use = "without a commit the file disappears"]
#[derive(Debug)]
pub struct Pending {
    draft: Draft,
}

impl Pending {
    /// The final path of the file.
    pub fn path(&self) -> &Path {
        &self.draft.path
    }

    /// Size and hash of the file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn digest(&self) -> Result<Digest, WriteError> {
        Digest::of(&self.draft.file)
            .map_err(|cause| WriteError::System { path: self.path().to_owned(), cause })
    }

    /// Gives the file its name, in one step, in place of whatever had it. Overviews, masks and statistics of
    /// an earlier file are removed first: they would be wrong for this one.
    ///
    /// # Errors
    /// [`WriteError::Commit`].
    pub fn commit(self) -> Result<(), WriteError> {
        self.name(true)?.settle()
    }

    /// Gives the file its name, in one step; without `overwrite` only where nothing has it, which the system sees to.
    /// Files that are replaced or removed are kept until [`Named::settle`].
    ///
    /// # Errors
    /// [`WriteError::Commit`], [`WriteError::Exists`], [`WriteError::Stale`].
    pub(crate) fn name(self, overwrite: bool) -> Result<Named, WriteError> {
        let Draft { folder, file, path } = self.draft;
        let existed = path.symlink_metadata().is_ok();
        let mut named = Named { folder, path, moved: Vec::new(), has_name: false, kept: !existed };
        match named.give(&file, overwrite) {
            Ok(()) => Ok(named),
            Err(error) => {
                named.undo();
                Err(error)
            }
        }
    }
}

/// A file that has its final name, and the means to undo that.
#[derive(Debug)]
pub(crate) struct Named {
    folder: Folder,
    path: PathBuf,
    /// Files that were moved away: the path now, and the path before.
    moved: Vec<(PathBuf, PathBuf)>,
    has_name: bool,
    /// Whether what was there before, a file or nothing, can be had again.
    kept: bool,
}

impl Named {
    fn give(&mut self, file: &Path, overwrite: bool) -> Result<(), WriteError> {
        let path = self.path.clone();
        let failed = |cause| WriteError::Commit { path: path.clone(), temporary: file.to_owned(), cause };
        if !overwrite {
            refuse_existing(&path, false)?;
            rename_into_free_place(file, &path).map_err(|cause| match cause.kind() {
                ErrorKind::AlreadyExists => WriteError::Exists { path: path.clone() },
                _ => failed(cause),
            })?;
            self.has_name = true;
            return Ok(());
        }
        for (nth, companion) in companions(&path).enumerate().filter(|(_, c)| c.symlink_metadata().is_ok()) {
            let aside = self.folder.path().join(format!("companion-{nth}"));
            fs::rename(&companion, &aside).map_err(failed)?;
            self.moved.push((aside, companion));
        }
        if !self.kept {
            // A second name: the file is never without its first one. Some file systems know no second names.
            let aside = self.folder.path().join("replaced");
            self.kept = fs::hard_link(&path, &aside).is_ok();
            if self.kept {
                self.moved.push((aside, path.clone()));
            }
        }
        fs::rename(file, &path).map_err(failed)?;
        self.has_name = true;
        Ok(())
    }

    /// Puts back what was there before, as far as it was kept.
    pub(crate) fn undo(self) {
        if self.has_name && self.kept && !self.moved.iter().any(|(_, from)| *from == self.path) {
            let _ = fs::remove_file(&self.path);
        }
        for (aside, from) in &self.moved {
            let _ = fs::rename(aside, from);
        }
    }

    /// Lets go of what was there before.
    ///
    /// # Errors
    /// The temporary folder cannot be removed.
    pub(crate) fn settle(self) -> Result<(), WriteError> {
        let Self { folder, path, .. } = self;
        folder.close().map_err(|cause| WriteError::System { path, cause })
    }
}

/// Moves a file to a name that is free. A file that appears meanwhile is never replaced, except on file systems with neither
/// a rename without replacement nor hard links: there the name is checked just before.
fn rename_into_free_place(file: &Path, path: &Path) -> std::io::Result<()> {
    match TempPath::try_from_path(file)?.persist_noclobber(path) {
        Ok(()) => Ok(()),
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Err(failed.error),
        Err(failed) => {
            // It is moved below: dropped, it would be removed.
            failed.path.keep().map_err(|failed| failed.error)?;
            match path.symlink_metadata() {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(file, path),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use tempfile::TempDir;

    fn names(folder: &TempDir) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    fn place(name: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        (folder, path)
    }

    fn written(path: &Path) -> Pending {
        let draft = Draft::new(path, &Drafts::default()).unwrap();
        fs::write(draft.file(), "new").unwrap();
        draft.finish().unwrap()
    }

    fn error(result: Result<(), WriteError>) -> String {
        result.expect_err("refused").to_string()
    }

    #[test]
    fn existing_files_are_refused_without_overwrite_and_replaced_with_it() {
        let (folder, path) = place("a.tif");
        refuse_existing(&path, false).unwrap();
        fs::write(&path, "old").unwrap();
        assert!(error(refuse_existing(&path, false)).contains("a.tif: exists already; pass --overwrite"));
        refuse_existing(&path, true).unwrap();
        let pending = written(&path);
        assert_eq!(pending.path(), path);
        assert_eq!(fs::read(&path).unwrap(), b"old", "until the commit");
        pending.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(&folder), ["a.tif"]);
    }

    #[test]
    fn overviews_of_an_earlier_file_are_refused_or_removed() {
        let (folder, path) = place("a.tif");
        fs::write(folder.path().join("a.tif.ovr"), "old overviews").unwrap();
        assert!(error(refuse_existing(&path, false)).contains("a.tif.ovr: is left from an earlier"));
        refuse_existing(&path, true).unwrap();
        written(&path).commit().unwrap();
        assert_eq!(names(&folder), ["a.tif"]);
    }

    #[test]
    fn a_file_is_moved_to_a_free_place_alone() {
        let (folder, path) = place("a.tif");
        let draft = folder.path().join("draft");
        fs::write(&draft, "new").unwrap();
        fs::write(&path, "mine").unwrap();
        let refused = rename_into_free_place(&draft, &path).unwrap_err();
        assert_eq!(
            (refused.kind(), fs::read(&path).unwrap().as_slice()),
            (ErrorKind::AlreadyExists, &b"mine"[..])
        );
        fs::remove_file(&path).unwrap();
        fs::write(&draft, "new").unwrap();
        rename_into_free_place(&draft, &path).unwrap();
        assert_eq!(names(&folder), ["a.tif"]);
    }

    #[test]
    fn a_name_that_is_given_back_leaves_what_was_there_before() {
        let (folder, path) = place("a.tif");
        written(&path).name(false).unwrap().undo();
        assert!(names(&folder).is_empty());
        fs::write(&path, "old").unwrap();
        fs::write(folder.path().join("a.tif.msk"), "old mask").unwrap();
        let named = written(&path).name(true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        named.undo();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(&folder).len(), 2);
    }

    #[test]
    fn a_file_without_a_commit_leaves_nothing() {
        let (folder, path) = place("a.tif");
        drop(written(&path));
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn folders_and_devices_are_never_replaced() {
        let (folder, _) = place("");
        assert!(error(refuse_existing(folder.path(), true)).contains("is a folder or a device"));
        #[cfg(unix)]
        assert!(error(refuse_existing(Path::new("/dev/null"), true)).contains("is a folder or a device"));
    }

    #[test]
    fn a_folder_that_is_missing_or_no_folder_is_named() {
        let (folder, path) = place("a.tif");
        check_folder(&path).unwrap();
        assert!(names(&folder).is_empty());
        let too_long = format!("{}.tif", "a".repeat(260));
        assert!(error(check_folder(&path.with_file_name(too_long))).contains("too long"));
        let message = error(check_folder(&path.with_file_name("no").join("a.tif")));
        assert!(
            message.contains("there is no folder") && message.contains("no; create it first"),
            "{message}"
        );
        fs::write(&path, "").unwrap();
        let message = error(check_folder(&path.join("b.tif")));
        assert!(message.contains("cannot write into") && message.contains("not a directory"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_folder_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = place("a.tif");
        let allow = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        allow(0o555);
        // The administrator may write anywhere.
        if let Err(refused) = check_folder(&path) {
            let message = refused.to_string();
            assert!(
                message.contains("cannot write into") && message.contains("permission denied"),
                "{message}"
            );
        }
        allow(0o755);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = place("a.tif");
        written(&path).commit().unwrap();
        let plain = folder.path().join("b");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn a_long_name_fits_under_its_temporary_name() {
        let (folder, path) = place(&format!("{}.tif", "é".repeat(125)));
        written(&path).commit().unwrap();
        assert_eq!(names(&folder).len(), 1);
    }
}
