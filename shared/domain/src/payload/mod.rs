//! Payloads: what an event carries, byte for byte.

pub mod digest;
pub(crate) mod json_steps;
pub mod limits;
pub(crate) mod members;
mod selection;
pub mod xml;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::payload::{
    limits::{NONCHARACTERS, escape_noncharacters},
    members::Members,
};

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
