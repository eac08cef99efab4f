//! Words that stand where a command or an image is expected, and are neither: nothing is written under such a name.

use crate::args::Cli;
use clap::CommandFactory;
use compose_core::suggest::nearest;
use compose_io::write::ENDINGS;
use std::ffi::OsStr;
use std::path::Path;

/// The message about a first word on the command line that is neither a command nor the name of an image.
pub fn first_word() -> Option<String> {
    let word = std::env::args_os().nth(1)?;
    let is_option = word.as_encoded_bytes().first().is_none_or(|byte| *byte == b'-');
    if is_option || commands().iter().any(|command| word == command.as_str()) {
        return None;
    }
    refused(&word)
}

/// The message about a word that would be the image to write, but has another ending.
pub fn refused(word: &OsStr) -> Option<String> {
    let ending = Path::new(word).extension();
    let is = |wanted: &str| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(wanted));
    if ENDINGS.iter().any(|ending| is(ending)) {
        return None;
    }
    let told = word.display();
    if is("toml") {
        return Some(format!("{told}: a rules file is no image to write; pass it as --rules {told}"));
    }
    let commands = commands();
    let near = nearest(&word.to_string_lossy(), commands.iter().map(String::as_str));
    Some(match near {
        Some(command) => format!("{told}: there is no such command; did you mean `compose {command}`?"),
        None => format!(
            "{told}: is neither a command ({}) nor an image to write, whose name ends in .{}",
            commands.join(", "),
            ENDINGS.join(" or .")
        ),
    })
}

fn commands() -> Vec<String> {
    let of_ours = Cli::command();
    let names = of_ours.get_subcommands().map(|command| command.get_name().to_owned());
    names.chain(["help".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_near_a_command_is_answered_with_it() {
        for (word, command) in [
            ("evalute", "evaluate"),
            ("Inspct", "inspect"),
            ("pluginx", "plugin"),
            ("kind", "kinds"),
            ("hlep", "help"),
        ] {
            let said = refused(OsStr::new(word)).unwrap();
            assert!(said.ends_with(&format!("did you mean `compose {command}`?")), "{said}");
        }
    }

    #[test]
    fn an_image_is_known_by_its_ending_and_a_rules_file_too() {
        for image in ["a.tif", "b/c.TIFF", "evaluate.tif"] {
            assert_eq!(refused(OsStr::new(image)), None);
        }
        assert!(refused(OsStr::new("R.TOML")).unwrap().ends_with("pass it as --rules R.TOML"));
        for other in ["x.png", "out", "out.tif.gz", ".tif", "out/", ""] {
            assert!(refused(OsStr::new(other)).unwrap().contains("ends in .tif or .tiff"), "{other}");
        }
    }
}
