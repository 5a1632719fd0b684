//! The byte order mark, which some editors and libraries put before UTF-8 text.
//!
//! It says nothing, and JSON parsers stumble over it. So readers of what others wrote pass over
//! one at the beginning (RFC 8259, §8.1, allows it).

/// The mark, as a character.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes after the mark, or all of them if they do not begin with one.
///
/// ```
/// use storehook_domain::input::byte_order_mark::without_byte_order_mark;
///
/// assert_eq!(without_byte_order_mark(b"\xef\xbb\xbf{}"), b"{}");
/// assert_eq!(without_byte_order_mark(b"{}"), b"{}");
/// ```
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}
