//! Pages: each kind's documentation is a Markdown file beside its code, and its fenced examples are executed.

/// A fenced example: the words after the fence, the text inside, and the line of its opening fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// The words after the opening fence, such as `scene day 10 target`.
    pub info: &'a str,
    /// The text between the fences.
    pub body: &'a str,
    /// Line number of the opening fence, from 1.
    pub line: usize,
}

/// A `toml` fence and the fences that follow it up to the next one: one executable case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case<'a> {
    /// The rule under test.
    pub toml: Fence<'a>,
    /// Its input and the expected output.
    pub rest: Vec<Fence<'a>>,
}

/// The first paragraph after an optional heading: the one-line summary of a kind.
pub fn summary(page: &str) -> String {
    let text = page.lines().skip_while(|l| l.trim().is_empty() || l.starts_with('#'));
    text.take_while(|l| !l.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

/// Every fence of the page, in order.
pub fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, &str, usize)> = None;
    let mut at = 0;
    for (number, line) in page.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        if let Some(info) = line.trim_end().strip_prefix("```") {
            open = match open {
                Some((start, info, opened)) => {
                    found.push(Fence { info, body: &page[start..at], line: opened });
                    None
                }
                None => Some((end, info.trim(), number + 1)),
            };
        }
        at = end;
    }
    found
}

/// The executable cases of a page: each `toml` fence with the non-`toml` fences after it, if there are any.
pub fn cases(page: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for fence in fences(page) {
        if fence.info == "toml" {
            cases.push(Case { toml: fence, rest: Vec::new() });
        } else if let Some(case) = cases.last_mut() {
            case.rest.push(fence);
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# t\n\nFills\ngaps.\n\n```toml\na = 1\n```\n```scene day 3\n1 2\n```\n";

    #[test]
    fn a_case_is_a_rule_and_what_follows_it() {
        assert_eq!(summary(PAGE), "Fills gaps.");
        let cases = cases(PAGE);
        assert_eq!((cases[0].toml.line, cases[0].toml.body), (6, "a = 1\n"));
        assert_eq!((cases[0].rest[0].info, cases[0].rest[0].body), ("scene day 3", "1 2\n"));
    }
}
