//! Is PROJ's database of coordinate systems there, and is it the one that belongs to this PROJ?
//!
//! Without it GDAL opens files and can even name their systems, but transforms between few and writes none: a run would
//! fail at its end. So it is asked once, before the first system is used.

use crate::messages::checked;
use gdal::spatial_ref::SpatialRef;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

/// The name of the database of PROJ.
const NAME: &str = "proj.db";

/// Looks a system up.
///
/// # Errors
/// PROJ's words, where it looked, and what to do.
pub(super) fn usable() -> Result<(), String> {
    static ASKED: OnceLock<Result<(), String>> = OnceLock::new();
    ASKED
        .get_or_init(|| checked(|| SpatialRef::from_epsg(4326)).map(drop).map_err(|why| advice(&why)))
        .clone()
}

fn advice(why: &str) -> String {
    // PROJ reads PROJ_LIB where there is no PROJ_DATA (9.1 and newer), or nothing else (before).
    let set = ["PROJ_DATA", "PROJ_LIB"].map(|name| Some((name, std::env::var_os(name)?)));
    let found: Vec<String> = set.iter().flatten().map(|(name, folders)| found(name, folders)).collect();
    let (found, todo) = if found.is_empty() {
        let found = "PROJ_DATA and PROJ_LIB are not set".to_owned();
        (found, "install PROJ's data (package proj-data), or set PROJ_DATA to the folder of the")
    } else {
        (found.join(", "), "unset it, or set PROJ_DATA to the folder of the")
    };
    format!("{}; {found}; {todo} {NAME} that belongs to the PROJ in use", one_line(why))
}

/// The databases in the folders that a variable names.
fn found(name: &str, folders: &OsStr) -> String {
    let said = |folder: &Path| {
        let there = if folder.join(NAME).exists() { "holds a" } else { "holds no" };
        format!("{} {there} {NAME}", folder.display())
    };
    if folders.is_empty() {
        return format!("{name} is empty");
    }
    let folders: Vec<String> = std::env::split_paths(folders).map(|folder| said(&folder)).collect();
    format!("{name}: {}", folders.join(", "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::CrsRegistry;
    use std::process::Command;

    /// A PROJ can be built with the database in its library, and finds it everywhere.
    const INSIDE_PROJ: &str = "PROJ was built with its database inside";

    /// What this test says when it runs in a process of its own with PROJ_DATA set so.
    fn said_with(folder: &Path) -> String {
        const INSIDE: &str = "COMPOSE_TEST_PROJ_DATABASE";
        const NAME: &str = "crs::database::tests::a_database_that_cannot_be_used_is_named_with_what_to_do";
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "--nocapture", NAME]).env(INSIDE, "1");
        let output = test.env("PROJ_DATA", folder).env("PROJ_LIB", folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().find_map(|line| line.strip_prefix("says: ")).expect("one line").to_owned()
    }

    #[test]
    fn a_database_that_cannot_be_used_is_named_with_what_to_do() {
        if std::env::var_os("COMPOSE_TEST_PROJ_DATABASE").is_some() {
            let Err(user) = CrsRegistry::new().from_user_input("EPSG:32613") else {
                return eprintln!("says: {INSIDE_PROJ}");
            };
            let file = CrsRegistry::new().from_wkt(r#"GEOGCS["WGS 84"]"#).unwrap_err();
            assert_eq!(user.to_string(), file.to_string());
            return eprintln!("says: {user}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let message = said_with(path);
        if message == INSIDE_PROJ {
            return eprintln!("GDAL {}: {INSIDE_PROJ}: not tested", crate::gdal_version());
        }
        assert!(message.starts_with("PROJ cannot use its database of coordinate systems ("), "{message}");
        let wanted = format!("PROJ_DATA: {} holds no proj.db", path.display());
        assert!(message.contains("Cannot find proj.db") && message.contains(&wanted), "{message}");
        assert!(message.contains("set PROJ_DATA to the folder of the proj.db that belongs to"), "{message}");
        assert!(said_with(&path.join("none")).contains("none holds no proj.db"));
        std::fs::write(path.join("proj.db"), "no database").unwrap();
        let message = said_with(path);
        assert!(message.contains(&format!("{} holds a proj.db", path.display())), "{message}");
    }

    #[test]
    fn words_of_several_lines_become_one() {
        assert_eq!(one_line("a\n b.\n"), "a b");
        assert!(usable().is_ok(), "the tests need PROJ's data");
    }
}
