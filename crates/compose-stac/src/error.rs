//! What can be wrong with a document, and where.

/// A document or a server that cannot be used, and why. Every message is one sentence, with the file or address
/// (never its query, which may hold a signature), the item and the field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum StacError {
    #[error("{document}: {cause}")]
    Unreadable { document: String, cause: String },
    #[error("{document}: is {found}, expected a regular file")]
    NoFile { document: String, found: &'static str },
    #[error("{document}: is larger than {limit} bytes, the most that is read of one {what}")]
    TooLarge { document: String, what: &'static str, limit: u64 },
    #[error(
        "{document}: lies on the network, and access to the network is not allowed here; allow it, or save the document and name the file"
    )]
    Network { document: String },
    #[error("{document}: is not JSON: {cause} at line {line}, column {column}")]
    NotJson { document: String, cause: String, line: usize, column: usize },
    #[error(
        "{document}: is HTML or XML, expected JSON; a browser's page is no STAC document (the address of the JSON may be another)"
    )]
    Html { document: String },
    #[error("{document}: is {found}, expected a STAC item, item collection, collection or catalogue{hint}")]
    Kind { document: String, found: String, hint: &'static str },
    #[error("{document}: {item} has no {field}; expected {expected}")]
    Missing { document: String, item: String, field: String, expected: &'static str },
    #[error("{document}: {item}: {field} is {found}; expected {expected}")]
    Field { document: String, item: String, field: String, found: String, expected: &'static str },
    #[error("{document}: link \"{rel}\" leads nowhere: {cause}")]
    Link { document: String, rel: String, cause: Box<StacError> },
    #[error("{document}: more than {limit} {what}, the most that are read; narrow the source or the search")]
    TooMany { document: String, what: &'static str, limit: usize },
    #[error("{document}: no item in it{hint}")]
    Empty { document: String, hint: String },
    #[error("{href}: GDAL opens no such address; expected a path, https://, s3://, gs://, az:// or abfs://")]
    Address { href: String },
    #[error("{url}: {cause}")]
    Http { url: String, cause: String },
    #[error("{url}: page {page} of the search: {cause}")]
    Page { url: String, page: usize, cause: String },
}

/// Text of a document for a message: without control characters, and not longer than a line or two.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut out: String = text.chars().take(MOST).map(plain).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_document_is_shown_without_control_characters_and_cut() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(shown(&"é".repeat(300)).chars().count(), 201);
    }
}
