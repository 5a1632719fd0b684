//! What SQS allows: the size of messages and payloads, and the characters in them.

use std::borrow::Cow;

/// The largest message that SQS takes, in bytes: 1 MiB (Amazon SQS message quotas, 2026).
pub const SQS_MESSAGE_LIMIT: usize = 1024 * 1024;

/// The largest payload of an event, in bytes: an SQS message, less 2,048 bytes for all other
/// members of a delivery's message.
pub const PAYLOAD_LIMIT: usize = SQS_MESSAGE_LIMIT - 2_048;

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
