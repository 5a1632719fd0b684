//! The names of XML elements.
//!
//! A JSON key may be any text; an element's name may not. Like ActiveSupport, [`element_name`]
//! turns underscores and spaces into dashes, except underscores at both ends. For some keys
//! ActiveSupport prints invalid XML. There [`element_name`] makes a name that every parser takes:
//!
//! - It drops characters that XML cannot hold at all.
//! - It turns other characters that no name may have into dashes. The colon is one of them, because
//!   it would announce a namespace.
//! - It puts a `_` in front if no name may start so.

use crate::payload::xml::singular::singular;

/// How many bytes of a name are printed. Each element prints its name twice, and each element of an
/// array prints the same one. Without a limit, the XML could grow with the square of the payload's
/// size.
const NAME_LIMIT: usize = 128;

/// The name of the element for a member with this key.
pub(crate) fn element_name(key: &str) -> String {
    let kept: String = key.chars().filter(|character| is_xml_character(*character)).collect();
    let trimmed = kept.trim_matches([' ', '\t', '\n', '\r']);
    let middle = trimmed.trim_start_matches('_');
    let (left, _) = trimmed.split_at(trimmed.len() - middle.len());
    let (middle, right) = middle.split_at(middle.trim_end_matches('_').len());

    let mut name = String::from(left);
    name.extend(middle.chars().map(|character| match character {
        '_' => '-',
        character if is_name_character(character) => character,
        _ => '-',
    }));
    name.push_str(right);
    if !name.starts_with(is_name_start) {
        name.insert(0, '_');
    }
    name.truncate(name.floor_char_boundary(NAME_LIMIT));
    name
}

/// The name of the children of an array with this name.
pub(crate) fn child_name(array: &str) -> String {
    element_name(&singular(array))
}

/// Whether XML 1.0 can hold the character at all (production `Char`).
pub(crate) fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// XML 1.0's `NameStartChar`, without the colon.
fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// XML 1.0's `NameChar`, without the colon.
fn is_name_character(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dasherized_as_active_support_does_it() {
        for (key, expected) in [
            ("id", "id"),
            ("line_items", "line-items"),
            ("first name", "first-name"),
            (" a  b ", "a--b"),
            ("__a_b__c_", "__a-b--c_"),
            ("___", "___"),
            ("camelCase", "camelCase"),
            ("address1", "address1"),
            ("prix_été", "prix-été"),
            ("日本語", "日本語"),
        ] {
            assert_eq!(element_name(key), expected, "{key}");
        }
    }

    #[test]
    fn every_key_becomes_a_valid_name() {
        for (key, expected) in [
            ("", "_"),
            (" \t", "_"),
            ("\0\u{1}\u{ffff}", "_"),
            ("a\u{0}b\u{fffe}c", "abc"),
            ("1st", "_1st"),
            ("-a", "_-a"),
            (".a", "_.a"),
            ("dc:title", "dc-title"),
            ("a\nb", "a-b"),
            ("<a href='x'>", "_-a-href--x--"),
            ("a&b", "a-b"),
            ("😀", "😀"),
            ("\u{f0000}a", "_-a"),
            ("×", "_-"),
        ] {
            assert_eq!(element_name(key), expected, "{key}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(element_name(&"a".repeat(1_000)), "a".repeat(128));
        assert_eq!(element_name(&format!("a{}", "é".repeat(1_000))), format!("a{}", "é".repeat(63)));
    }

    #[test]
    fn children_have_the_singular_of_the_arrays_name() {
        for (array, expected) in [("line-items", "line-item"), ("s", "_"), ("data", "datum"), ("_1s", "_1")] {
            assert_eq!(child_name(array), expected, "{array}");
        }
    }
}
