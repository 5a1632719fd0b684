//! The members of a JSON object, one level deep.
//!
//! Selection, ids and pushed events need a payload's members, but must not change a byte of them.
//! So keys and values stay raw.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members in their order.
pub(crate) struct Members<'a>(pub(crate) Vec<Member<'a>>);

/// A key and its value.
pub(crate) struct Member<'a> {
    /// The key as it is written, with its quotes.
    key: &'a RawValue,
    /// The decoded key. JSON can write half of a surrogate pair, which no Unicode text can hold:
    /// such a key has no name.
    name: Option<Cow<'a, str>>,
    /// The value as it is written.
    pub(crate) value: &'a RawValue,
}

impl<'a> Member<'a> {
    /// Whether this is the key's name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// The value, if it is an object under this name.
    pub(crate) fn object(&self, name: &str) -> Option<&'a str> {
        // A raw value holds no surrounding white space, so its first byte tells its kind.
        Some(self.value.get()).filter(|value| self.is_named(name) && value.starts_with('{'))
    }

    /// The member as JSON, with its own key and this value.
    pub(crate) fn to_json(&self, value: &str) -> String {
        format!("{}:{value}", self.key.get())
    }
}

impl<'a> Members<'a> {
    /// Reads the members of a JSON object; `None` if the text is anything else.
    pub(crate) fn of(object: &'a str) -> Option<Self> {
        serde_json::from_str(object).ok()
    }

    /// A member's value. If a key is there twice, the last one counts, as in most JSON parsers.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|member| member.is_named(name)).map(|member| member.value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                // As a raw value, serde_json takes any key that JSON allows. As a text, it would
                // refuse half of a surrogate pair, and with it the whole object.
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let name = serde_json::from_str(key.get()).ok().map(|Text(name)| name);
                    members.push(Member { key, name, value });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A text, borrowed if it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
