//! How large messages and payloads may be, and how a payload is written to fit SQS.

use std::borrow::Cow;

/// The largest message that SQS takes, in bytes: 1 MiB (Amazon SQS message quotas, 2026).
pub const SQS_MESSAGE_LIMIT: usize = 1024 * 1024;

/// The largest payload of an event, in bytes: an SQS message less the 2,048 bytes that hold
/// everything else a delivery says.
pub const PAYLOAD_LIMIT: usize = SQS_MESSAGE_LIMIT - 2_048;

/// The characters that JSON may hold as they are and SQS refuses (`SendMessage`: `#x9 | #xA |
/// #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`). In JSON they can only stand
/// inside strings, where an escape is the same value.
pub(crate) const NONCHARACTERS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// Writes JSON so that SQS takes it; see [`NONCHARACTERS`].
pub(crate) fn escape_noncharacters(json: Cow<'_, str>) -> Cow<'_, str> {
    if !json.contains(NONCHARACTERS) {
        return json;
    }
    Cow::Owned(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
}
