//! Several runs in one process: what happens to one is nothing to another.

use super::*;
use std::path::PathBuf;

/// A run with one output, whose text is written and waits for its name.
struct Run {
    path: PathBuf,
    drafts: Drafts,
    locks: Locks,
    pending: Pending,
}

impl Run {
    fn to(path: PathBuf) -> Self {
        Self::of(Drafts::default(), path)
    }

    fn of(drafts: Drafts, path: PathBuf) -> Self {
        let locks = Locks::take([path.as_path()], &drafts).unwrap();
        let pending = text_file(&path, "new", &drafts).unwrap();
        Self { path, drafts, locks, pending }
    }

    fn commit(mut self) -> Result<(), WriteError> {
        let (inputs, locks) = (Inputs::default(), &mut self.locks);
        commit_all(vec![self.pending], Naming { overwrite: false, inputs: &inputs, locks, named: &|_| () })
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_abandoned_run_leaves_nothing_and_other_runs_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = Run::to(folder.path().join("a.tif"));
    let second = Run::to(folder.path().join("b.tif"));
    assert!(first.drafts.abandon());
    assert!(
        names(folder.path()).iter().all(|name| name.starts_with(".b.tif.")),
        "{:?}",
        names(folder.path())
    );
    let refused = |result: Result<(), WriteError>| assert!(matches!(result, Err(WriteError::Abandoned)));
    refused(text_file(&first.path, "again", &first.drafts).map(drop));
    refused(Locks::take([first.path.as_path()], &first.drafts).map(drop));
    refused(first.commit());
    second.commit().unwrap();
    assert_eq!(names(folder.path()), ["b.tif"]);
}

#[test]
fn a_run_whose_files_have_names_is_not_abandoned_and_the_next_one_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let first = Run::to(folder.path().join("a.tif"));
    let drafts = first.drafts.clone();
    first.commit().unwrap();
    assert!(!drafts.abandon());
    let second = Run::to(folder.path().join("b.tif"));
    assert!(second.drafts.abandon());
    drop(second);
    assert_eq!(names(folder.path()), ["a.tif"]);
}

#[test]
fn a_run_that_failed_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(Run::to(path.clone()).commit(), Err(WriteError::Exists { .. })));
    assert_eq!(names(folder.path()), ["a.tif"]);
    std::fs::remove_file(&path).unwrap();
    Run::to(path.clone()).commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}

#[test]
fn a_run_of_several_sets_is_abandoned_in_or_after_any_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let begun = || {
        let drafts = Drafts::default();
        drafts.next_set().unwrap();
        Run::of(drafts.clone(), at("a.tif")).commit().unwrap();
        drafts
    };
    let refused = |result: Result<(), WriteError>| assert!(matches!(result, Err(WriteError::Abandoned)));
    // Between two sets: the first one stands, and there is no second.
    let drafts = begun();
    assert!(!drafts.abandon());
    refused(drafts.next_set());
    assert_eq!((drafts.sets_named(), names(folder.path())), (1, vec!["a.tif".to_owned()]));
    std::fs::remove_file(at("a.tif")).unwrap();
    // In the second set, of which nothing is left.
    let drafts = begun();
    drafts.next_set().unwrap();
    let second = Run::of(drafts.clone(), at("b.tif"));
    assert_eq!(names(folder.path()).len(), 3);
    assert!(drafts.abandon());
    assert_eq!((drafts.sets_named(), names(folder.path())), (1, vec!["a.tif".to_owned()]));
    refused(second.commit());
    refused(drafts.next_set());
    std::fs::remove_file(at("a.tif")).unwrap();
    // Not at all.
    let drafts = begun();
    drafts.next_set().unwrap();
    Run::of(drafts.clone(), at("b.tif")).commit().unwrap();
    assert_eq!((drafts.sets_named(), names(folder.path())), (2, vec!["a.tif".into(), "b.tif".to_owned()]));
}
