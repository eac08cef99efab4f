//! Mistakes in a rules file: file, line, column and message. Suggestions of names are made where a mistake is found, by
//! `compose_core::suggest`.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use compose_core::settings::Problem;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The text of a rules file and where it stands.
#[derive(Clone, Debug)]
pub struct RulesFile {
    /// As given on the command line.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A mistake in the rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// Found, expected, suggestion.
    pub message: String,
    /// That line of the file.
    source: String,
    /// The bytes of it that are wrong.
    span: Range<usize>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl Mistake {
    /// The same place with another message.
    pub fn saying(&self, message: String) -> Self {
        Self { message, ..self.clone() }
    }

    /// The mistake with its column, the line of the file and a caret under what is wrong, for a terminal.
    pub fn drawn(&self, coloured: bool) -> String {
        let here = AnnotationKind::Primary.span(self.span.clone());
        let snippet = Snippet::source(self.source.as_str()).line_start(self.line).path(self.file.as_str());
        let report = [Level::ERROR.primary_title(self.message.as_str()).element(snippet.annotation(here))];
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report).to_string()
    }
}

impl RulesFile {
    /// The mistake that a problem is in this file.
    pub fn mistake(&self, problem: &Problem) -> Mistake {
        self.mistake_at(&problem.span, &problem.message)
    }

    /// A mistake at some bytes of this file.
    pub fn mistake_at(&self, span: &Range<usize>, message: &str) -> Mistake {
        let at = self.text.floor_char_boundary(span.start);
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let source = self.text[start..].lines().next().unwrap_or_default();
        let end = self.text.floor_char_boundary(span.end.max(at)) - start;
        let from = (at - start).min(source.len());
        Mistake {
            file: self.path.display().to_string(),
            line: 1 + self.text[..at].matches('\n').count(),
            column: 1 + self.text[start..at].chars().count(),
            message: message.trim().replace('\n', " "),
            // Where several lines are wrong, the first is shown.
            span: from..end.min(source.len()).max(from),
            source: source.to_owned(),
        }
    }

    /// A path of the rules file as seen from here.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        match self.folder() {
            here if here == Path::new(".") => path.as_ref().to_owned(),
            folder => folder.join(path),
        }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> RulesFile {
        let text = "[[mask]]\nname = \"wölkchen\"\n  any = [\"clowd\"]\n".to_owned();
        RulesFile { path: "rules.toml".into(), text }
    }

    fn at(words: &str) -> Range<usize> {
        let start = file().text.find(words).unwrap();
        start..start + words.len()
    }

    #[test]
    fn a_mistake_has_line_and_column_in_characters() {
        let mistake = file().mistake_at(&at("chen"), "found\n something");
        assert_eq!((mistake.line, mistake.column), (2, 13));
        assert_eq!(mistake.to_string(), "rules.toml:2: found  something");
        let whole = file().mistake_at(&(0..0), "nothing");
        assert_eq!((whole.line, whole.column), (1, 1));
        let end = file().mistake_at(&(9999..10_000), "the end");
        assert_eq!((end.line, end.column), (4, 1));
        // In the midst of a letter of two bytes.
        let within = at("ö");
        assert_eq!(file().mistake_at(&(within.start + 1..within.end), "").column, 10);
    }

    #[test]
    fn a_terminal_shows_the_line_with_a_caret() {
        let drawn = file().mistake_at(&at("\"clowd\""), "no flag \"clowd\"").drawn(false);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[0], "error: no flag \"clowd\"", "{drawn}");
        assert!(lines[1].contains("rules.toml:3:10"), "{drawn}");
        let source = lines.iter().position(|l| l.contains("any = [\"clowd\"]")).unwrap();
        assert_eq!(lines[source].find('"'), lines[source + 1].find('^'), "{drawn}");
        assert_eq!(lines[source + 1].matches('^').count(), 7, "{drawn}");
        // Several lines: the first is shown.
        let several = file().mistake_at(&(0..40), "all of it").drawn(false);
        assert!(several.contains("[[mask]]") && !several.contains("clowd"), "{several}");
    }
}
