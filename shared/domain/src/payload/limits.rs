//! What SQS allows: the size of messages and payloads, and the characters in them. And the size of
//! the bodies that are made of payloads.

use std::borrow::Cow;

/// The largest message that SQS takes, in bytes: 1 MiB (Amazon SQS message quotas, 2026).
pub const SQS_MESSAGE_LIMIT: usize = 1024 * 1024;

/// The largest payload of an event, in bytes: an SQS message, less 2,048 bytes for all other
/// members of a delivery's message.
pub const PAYLOAD_LIMIT: usize = SQS_MESSAGE_LIMIT - 2_048;

/// The largest body of a delivery, in bytes: an XML document of 8 MiB. Indentation can make a
/// deeply nested payload more than two hundred times as large, and a batch holds ten of them. A
/// JSON body is smaller, because its payload is.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// The characters that JSON allows unescaped and SQS refuses (`SendMessage`: `#x9 | #xA | #xD |
/// #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`). JSON allows them inside strings only,
/// and there an escape has the same value.
pub(crate) const NONCHARACTERS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// Escapes the characters in JSON that SQS refuses; see [`NONCHARACTERS`].
pub(crate) fn escape_noncharacters(json: Cow<'_, str>) -> Cow<'_, str> {
    if !json.contains(NONCHARACTERS) {
        return json;
    }
    Cow::Owned(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
}
