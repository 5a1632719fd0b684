//! Payloads: what of them a webhook gets.
//!
//! A payload is looked at one level deep and never rebuilt: selection keeps or drops
//! whole top-level members, and what it keeps stays as the bytes it was.

pub(crate) mod json_steps;
pub mod xml;

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::input::{
    hex::hex,
    parsed_text::{text_conversions, text_display},
};

/// The characters that JSON may hold as they are and SQS refuses (`SendMessage`: `#x9 | #xA |
/// #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`). In JSON they can only stand
/// inside strings, where an escape is the same value.
pub(crate) const NONCHARACTERS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// A JSON object, byte for byte as it was published. It borrows from its record or message.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a>(&'a RawValue);

/// The JSON is something else than an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payload is a JSON object")]
pub struct PayloadNotAnObject;

impl<'a> Payload<'a> {
    /// Takes a JSON value that is an object.
    pub fn new(json: &'a RawValue) -> Result<Self, PayloadNotAnObject> {
        // A raw value holds no surrounding white space, so its first byte tells its kind.
        if json.get().starts_with('{') { Ok(Self(json)) } else { Err(PayloadNotAnObject) }
    }

    /// Takes a value that [`Self::new`] took before.
    pub(crate) fn new_checked(json: &'a RawValue) -> Self {
        Self(json)
    }

    /// The object as JSON text.
    pub fn as_str(self) -> &'a str {
        self.0.get()
    }

    /// The object as raw JSON.
    pub fn as_raw(self) -> &'a RawValue {
        self.0
    }

    /// The object as an SQS message holds it, where two characters travel as escapes: what is
    /// delivered, and what is kept.
    pub fn in_message(self) -> Cow<'a, str> {
        escape_noncharacters(Cow::Borrowed(self.as_str()))
    }

    /// What the payload is kept under.
    pub fn digest(self) -> PayloadDigest {
        PayloadDigest(hex(&Sha256::digest(self.in_message().as_bytes())[..16]))
    }

    /// How many bytes the payload takes in an SQS message, where two characters of three
    /// bytes each travel as escapes of six.
    pub(crate) fn size_in_message(self) -> usize {
        self.as_str().len() + 3 * self.as_str().matches(NONCHARACTERS).count()
    }

    /// The payload's id for the id header: its top-level `id`, or the one inside where the
    /// payload is wrapped in its resource's name (`{"collection_listing": {…}}`). `None`
    /// where it is absent, null, neither a number nor a string, or could not stand in a
    /// header (visible ASCII, at most 128 characters).
    pub fn resource_id(self, resource: &str) -> Option<Cow<'a, str>> {
        let members = Members::of(self.as_str())?;
        let id = match members.get("id") {
            Some(id) => id,
            None => Members::of(members.get(resource)?.get())?.get("id")?,
        };
        let text = match id.get().as_bytes().first()? {
            b'"' => Cow::Owned(serde_json::from_str(id.get()).ok()?),
            b'-' | b'0'..=b'9' => Cow::Borrowed(id.get()),
            _ => return None,
        };
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(text)
    }

    /// The JSON that a webhook with these `fields` and `metafield_namespaces` gets.
    ///
    /// `fields` keeps only those top-level keys, in the payload's order; none means all.
    /// `metafields` is left out unless namespaces are given, and then keeps the metafields of those only.
    /// What stays keeps its bytes, keys too. Selection fails closed: a key that is no Unicode text has no
    /// name that `fields` could ask for, and of a payload that cannot be taken apart nothing is sent.
    pub fn select(self, fields: &[String], metafield_namespaces: &[String]) -> Cow<'a, str> {
        let Some(members) = Members::of(self.as_str()) else { return Cow::Borrowed("{}") };
        if fields.is_empty() && members.get("metafields").is_none() {
            return Cow::Borrowed(self.as_str());
        }
        let kept = members.0.into_iter().filter_map(|member| {
            if !fields.is_empty() && !fields.iter().any(|field| member.is_named(field)) {
                return None;
            }
            if !member.is_named("metafields") {
                return Some(member.to_json(member.value.get()));
            }
            let namespaces = Some(metafield_namespaces).filter(|namespaces| !namespaces.is_empty())?;
            Some(member.to_json(&metafields_of(member.value, namespaces)?))
        });
        Cow::Owned(format!("{{{}}}", kept.collect::<Vec<_>>().join(",")))
    }
}

/// Writes JSON so that SQS takes it; see [`NONCHARACTERS`].
pub(crate) fn escape_noncharacters(json: Cow<'_, str>) -> Cow<'_, str> {
    if !json.contains(NONCHARACTERS) {
        return json;
    }
    Cow::Owned(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
}

/// The first half of a payload's SHA-256, in hexadecimal. A payload is kept under it, so that two that
/// were published as the same event are two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayloadDigest(String);

/// The text is no payload's digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payload's digest is 32 hexadecimal digits")]
pub struct InvalidPayloadDigest;

impl PayloadDigest {
    /// Reads a digest.
    pub fn parse(text: &str) -> Result<Self, InvalidPayloadDigest> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| Self(text.to_owned())).ok_or(InvalidPayloadDigest)
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(PayloadDigest, InvalidPayloadDigest);
text_display!(PayloadDigest);

/// The metafields of some namespaces, as a JSON array. What is no list of objects has no namespaces: `None`.
fn metafields_of(metafields: &RawValue, namespaces: &[String]) -> Option<String> {
    let all: Vec<&RawValue> = serde_json::from_str(metafields.get()).ok()?;
    let kept = all.into_iter().filter(|metafield| {
        let namespace = Members::of(metafield.get()).and_then(|members| members.get("namespace"));
        let namespace = namespace.and_then(|text| serde_json::from_str::<String>(text.get()).ok());
        namespace.is_some_and(|namespace| namespaces.contains(&namespace))
    });
    let kept: Vec<_> = kept.map(RawValue::get).collect();
    Some(format!("[{}]", kept.join(",")))
}

/// An object's members in their order, keys and values still raw.
pub(crate) struct Members<'a>(pub(crate) Vec<Member<'a>>);

/// A key and its value.
pub(crate) struct Member<'a> {
    /// The key as it is written, in its quotes.
    key: &'a RawValue,
    /// What the key says. JSON can write half of a surrogate pair, which no Unicode text can hold:
    /// such a key has no name.
    name: Option<Cow<'a, str>>,
    /// The value.
    pub(crate) value: &'a RawValue,
}

impl Member<'_> {
    /// Whether the key says this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// The member as JSON with this value, its key as it is written.
    pub(crate) fn to_json(&self, value: &str) -> String {
        format!("{}:{value}", self.key.get())
    }
}

impl<'a> Members<'a> {
    /// The members of a JSON object. Of any other text: `None`.
    pub(crate) fn of(object: &'a str) -> Option<Self> {
        serde_json::from_str(object).ok()
    }

    /// A member's value. Of a key said twice the last counts, as JSON parsers have it.
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
                // As a raw value, serde_json takes any key that JSON allows; as a text it would refuse
                // half of a surrogate pair, and the whole object with it.
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

/// A text, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn check_selection(
        payload: &str,
        fields: &[&str],
        namespaces: &[&str],
        expected: &str,
    ) -> serde_json::Result<()> {
        let raw: &RawValue = serde_json::from_str(payload)?;
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let selected = Payload(raw).select(&owned(fields), &owned(namespaces));
        assert_eq!(selected, expected, "{payload} {fields:?} {namespaces:?}");
        Ok(())
    }

    #[test]
    fn a_payload_that_keeps_everything_keeps_its_bytes() -> serde_json::Result<()> {
        let payload = r#"{ "b" : 1.0,"a":"\u00e9\/" }"#;
        check_selection(payload, &[], &[], payload)
    }

    #[test]
    fn fields_keep_those_keys_in_the_payloads_order() -> serde_json::Result<()> {
        let payload = r#"{"z": 327475578523353102, "a": {"id":  1.0}, "m": null, "caf\u00e9": 1}"#;
        check_selection(payload, &["a", "z"], &[], r#"{"z":327475578523353102,"a":{"id":  1.0}}"#)?;
        check_selection(payload, &["café"], &[], r#"{"caf\u00e9":1}"#)?;
        check_selection(payload, &["none"], &[], "{}")
    }

    /// JSON can write half of a surrogate pair, which no Unicode text can hold. A key with one must not open
    /// what `fields` and `metafield_namespaces` close.
    #[test]
    fn a_key_that_is_no_text_hides_nothing_and_opens_nothing() -> serde_json::Result<()> {
        let payload = r#"{"\ud800":1,"id":7,"secret":2,"\ud800id":3,"metafields":[{"\udfff":1,"namespace":"a"},{"namespace":"\ud800a"}]}"#;
        check_selection(payload, &["id"], &[], r#"{"id":7}"#)?;
        check_selection(payload, &[], &[], r#"{"\ud800":1,"id":7,"secret":2,"\ud800id":3}"#)?;
        check_selection(
            payload,
            &["id", "metafields"],
            &["a"],
            r#"{"id":7,"metafields":[{"\udfff":1,"namespace":"a"}]}"#,
        )?;
        let raw: &RawValue = serde_json::from_str(payload)?;
        assert_eq!(Payload(raw).resource_id("order").as_deref(), Some("7"), "the id header");
        Ok(())
    }

    #[test]
    fn a_payload_that_cannot_be_taken_apart_is_not_sent() -> serde_json::Result<()> {
        check_selection("[]", &["id"], &[], "{}")?;
        check_selection("[]", &[], &[], "{}")
    }

    #[test]
    fn metafields_are_left_out_unless_their_namespace_is_asked_for() -> serde_json::Result<()> {
        let payload = r#"{"id":1,"metafields":[{"namespace":"a","v":1.0},{"namespace":"b"},7]}"#;
        check_selection(payload, &[], &[], r#"{"id":1}"#)?;
        check_selection(payload, &[], &["a"], r#"{"id":1,"metafields":[{"namespace":"a","v":1.0}]}"#)?;
        check_selection(payload, &["id"], &["a"], r#"{"id":1}"#)?;
        check_selection(r#"{"metafields":7}"#, &[], &["a"], "{}")
    }

    #[test]
    fn the_id_is_a_scalar_that_fits_a_header() -> serde_json::Result<()> {
        for (payload, id) in [
            (r#"{"id": 327475578523353102}"#, Some("327475578523353102")),
            (r#"{"id": "eeafa272"}"#, Some("eeafa272")),
            (r#"{"id": -1}"#, Some("-1")),
            (r#"{"id": null}"#, None),
            (r#"{"id": true}"#, None),
            (r#"{"id": {}}"#, None),
            (r#"{"id": []}"#, None),
            (r#"{"id": ""}"#, None),
            (r#"{"id": "a\r\nX-Evil: 1"}"#, None),
            (r#"{"id": "é"}"#, None),
            (r#"{}"#, None),
            (r#"{"id": 1, "id": 2}"#, Some("2")),
            (r#"{"listing": {"id": 5}}"#, Some("5")),
            (r#"{"listing": 5}"#, None),
        ] {
            let raw: &RawValue = serde_json::from_str(payload)?;
            assert_eq!(Payload(raw).resource_id("listing").as_deref(), id, "{payload}");
        }
        Ok(())
    }

    #[test]
    fn a_payloads_digest_is_of_what_is_sent() -> serde_json::Result<()> {
        let raw: [&RawValue; 3] = [
            serde_json::from_str("{\"a\": \"\u{ffff}\"}")?,
            serde_json::from_str(r#"{"a": "\uffff"}"#)?,
            serde_json::from_str(r#"{"a":"\uffff"}"#)?,
        ];
        let [plain, escaped, other] = raw.map(|raw| Payload(raw).digest());
        assert_eq!(plain, escaped);
        assert_ne!(escaped, other);
        assert_eq!(PayloadDigest::parse(plain.as_str()).as_ref(), Ok(&plain));
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &"a".repeat(33)] {
            assert_eq!(PayloadDigest::parse(text), Err(InvalidPayloadDigest), "{text}");
        }
        Ok(())
    }

    #[test]
    fn only_an_object_is_a_payload() -> serde_json::Result<()> {
        for (json, is_payload) in
            [(" {} ", true), ("[]", false), ("1", false), ("null", false), ("\"{\"", false)]
        {
            let raw: &RawValue = serde_json::from_str(json)?;
            assert_eq!(Payload::new(raw).is_ok(), is_payload, "{json}");
        }
        Ok(())
    }
}
