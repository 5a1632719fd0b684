//! Payloads: the JSON objects that events carry, byte for byte.
//!
//! A store publishes a payload, and receivers get the same bytes: 18-digit ids, `199.0`, key order
//! and escapes stay as they are. So a [`Payload`] is raw JSON. Nothing here parses it into values.
//!
//! Three things are made of a payload:
//!
//! * The JSON that one webhook gets: [`Payload::select`] keeps or drops whole members.
//! * The XML that one webhook gets: [`xml`] walks the text and prints each value as it is spelled.
//! * The text in an SQS message: [`Payload::in_message`] escapes two characters that SQS refuses.
//!
//! [`limits`] says how large a payload may be, [`digest::PayloadDigest`] names its bytes, and
//! [`page`] keeps several together.

pub mod digest;
pub mod json_layout;
pub(crate) mod json_steps;
pub mod limits;
pub(crate) mod members;
pub mod page;
mod selection;
pub mod xml;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::payload::{
    limits::{NONCHARACTERS, escape_noncharacters},
    members::Members,
};

/// A JSON object, byte for byte as it was published. It borrows from its record or message.
///
/// ```
/// use serde_json::value::RawValue;
/// use storehook_domain::payload::Payload;
///
/// let raw: &RawValue = serde_json::from_str(r#"{"id": 327475578523353102, "weight": 199.0}"#)?;
/// let payload = Payload::new(raw).expect("it is an object");
/// assert_eq!(payload.as_str(), r#"{"id": 327475578523353102, "weight": 199.0}"#);
///
/// let list: &RawValue = serde_json::from_str("[]")?;
/// assert!(Payload::new(list).is_err());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a>(&'a RawValue);

/// The JSON value is not an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payload must be a JSON object")]
pub struct PayloadNotAnObject;

impl<'a> Payload<'a> {
    /// Takes a JSON value that is an object.
    ///
    /// # Errors
    ///
    /// The value is not an object.
    pub fn new(json: &'a RawValue) -> Result<Self, PayloadNotAnObject> {
        // A raw value holds no surrounding white space, so its first byte tells its kind.
        if json.get().starts_with('{') { Ok(Self(json)) } else { Err(PayloadNotAnObject) }
    }

    /// Reads a payload that was stored or is a constant.
    ///
    /// # Errors
    ///
    /// The text is not a JSON object.
    pub fn parse(json: &'a str) -> Result<Self, PayloadNotAnObject> {
        Self::new(serde_json::from_str(json).map_err(|_| PayloadNotAnObject)?)
    }

    /// Takes a value that is known to be an object.
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

    /// The text of the object in an SQS message, in which two characters are escaped. Receivers get
    /// this text, and the history keeps it.
    pub fn in_message(self) -> Cow<'a, str> {
        escape_noncharacters(Cow::Borrowed(self.as_str()))
    }

    /// The length of [`Self::in_message`] in bytes: two characters of three bytes become escapes of
    /// six.
    pub fn size_in_message(self) -> usize {
        self.as_str().len() + 3 * self.as_str().matches(NONCHARACTERS).count()
    }

    /// The object inside, if the payload is only a wrapper around one in the resource's name
    /// (`{"collection_listing": {…}}`).
    pub(crate) fn wrapped(self, resource: &str) -> Option<&'a str> {
        match Members::of(self.as_str())?.0.as_slice() {
            [member] => member.object(resource),
            _ => None,
        }
    }

    /// The payload's id, for the id header: its top-level `id`, or the `id` inside if the payload
    /// is wrapped in its resource's name (`{"collection_listing": {…}}`). `None` if the id is
    /// absent, null, neither a number nor a string, or not fit for a header (visible ASCII, at most
    /// 128 characters).
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
    fn the_id_is_a_number_or_string_that_fits_a_header() -> serde_json::Result<()> {
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
