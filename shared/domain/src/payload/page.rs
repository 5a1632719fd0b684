//! Pages: payloads that are kept together.
//!
//! Ten like orders compress to little more than one, and DynamoDB charges by the KB. So the history
//! keeps the payloads of a batch of events on pages, each of which is one item. A large payload, or
//! one alone, is kept by itself.
//!
//! A page is a text: its payloads, each followed by a NUL. JSON cannot hold that character, so the
//! text can be taken apart, and a payload on it is known by its digest.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::{
    input::parsed_text::{text_conversions, text_display},
    payload::digest::{PayloadDigest, is_half_sha256},
};

/// The most bytes of a page, before compression. To read one payload, DynamoDB reads its page: at
/// most 16 read units, and usually two.
pub const PAGE_LIMIT: usize = 64 * 1024;

/// Ends a payload on a page: the NUL character, which no JSON text holds.
const END: char = '\0';

/// The id of a page: the first half of a SHA-256 over its payloads' digests, in hexadecimal. If the
/// same batch is read again, it has the same pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageId(String);

/// The text is no page's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a page's id must be 32 hexadecimal digits, in lower case")]
pub struct InvalidPageId;

impl PageId {
    /// The id of the page with these payloads.
    pub fn of<'a>(digests: impl IntoIterator<Item = &'a PayloadDigest>) -> Self {
        let mut hash = Sha256::new();
        digests.into_iter().for_each(|digest| hash.update(digest.as_str()));
        Self(hex::encode(&hash.finalize()[..16]))
    }

    /// Reads an id.
    ///
    /// # Errors
    ///
    /// The text is not 32 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidPageId> {
        is_half_sha256(text).then(|| Self(text.to_owned())).ok_or(InvalidPageId)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(PageId, InvalidPageId);
text_display!(PageId);

/// Splits payloads of these sizes, in their order, into runs that fit a page. A payload that is
/// alone in its run needs no page.
pub fn runs(sizes: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let (mut runs, mut bytes): (Vec<Range<usize>>, usize) = (Vec::new(), 0);
    for (index, size) in sizes.into_iter().enumerate() {
        bytes += size + END.len_utf8();
        match runs.last_mut() {
            Some(run) if bytes <= PAGE_LIMIT => run.end = index + 1,
            _ => {
                bytes = size + END.len_utf8();
                runs.push(index..index + 1);
            }
        }
    }
    runs
}

/// The text of a page with these payloads.
pub fn text<'a>(payloads: impl IntoIterator<Item = &'a str>) -> String {
    payloads.into_iter().flat_map(|payload| [payload, "\0"]).collect()
}

/// The payload with this digest on a page; `None` if it is not there.
pub fn find<'a>(page: &'a str, digest: &PayloadDigest) -> Option<&'a str> {
    page.split_terminator(END).find(|payload| PayloadDigest::of_text(payload) == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_fill_pages_in_their_order() {
        let half = PAGE_LIMIT / 2 - 1;
        for (sizes, expected) in [
            (&[][..], &[][..]),
            (&[10], &[1]),
            (&[10, 20, 30], &[3]),
            (&[half, half, 1], &[2, 1]),
            (&[half, half + 1, 1], &[1, 2]),
            (&[10, PAGE_LIMIT, 20, 30], &[1, 1, 2]),
        ] {
            let runs = runs(sizes.iter().copied());
            let lengths: Vec<_> = runs.iter().map(ExactSizeIterator::len).collect();
            assert_eq!(lengths, expected, "{sizes:?}");
            assert!(runs.into_iter().flatten().eq(0..sizes.len()), "each once, in order: {sizes:?}");
        }
    }

    #[test]
    fn each_payload_is_found_on_its_page_and_no_other_is() {
        let payloads = [r#"{"a": 1}"#, "{}", "{\"a\":\n1}"];
        let page = text(payloads);
        for payload in payloads {
            assert_eq!(find(&page, &PayloadDigest::of_text(payload)), Some(payload));
        }
        for (page, payload) in [(page.as_str(), "{ }"), ("", ""), ("", "{}")] {
            assert_eq!(find(page, &PayloadDigest::of_text(payload)), None, "{payload}");
        }
    }

    #[test]
    fn a_page_is_named_by_its_payloads_in_their_order() {
        let [a, b] = ["{}", r#"{"a":1}"#].map(PayloadDigest::of_text);
        let id = PageId::of([&a, &b]);
        assert_eq!(PageId::of([&a, &b]), id);
        assert_ne!(PageId::of([&b, &a]), id);
        assert_eq!(PageId::parse(id.as_str()).as_ref(), Ok(&id));
        for text in ["", &"g".repeat(32), &"a".repeat(31)] {
            assert_eq!(PageId::parse(text), Err(InvalidPageId), "{text}");
        }
    }
}
