//! The attributes of a webhook, as clients write them.
//!
//! There is one reader for each kind of attribute. Each adds its errors, in the words of the API,
//! to the errors of the request.

use serde_json::{Map, Value};

use crate::{
    event::{catalogue, topic::TopicPattern},
    input::field_errors::FieldErrors,
    webhook::{
        address::{Address, AddressError},
        address_policy::AddressPolicy,
    },
};

/// The most bytes of JSON that `fields` may have, and `metafield_namespaces` as well. With the
/// limits of the other attributes, it keeps a page of the longest webhooks within a Lambda
/// response. A test adds it up.
pub const LIST_LIMIT: usize = 2_048;

pub(crate) const BLANK: &str = "can't be blank";
const INVALID: &str = "is invalid";
const NOT_IN_LIST: &str = "is not included in the list";

/// Adds the errors of a topic that is missing or blank.
pub(crate) fn refuse_blank_topic(errors: &mut FieldErrors) {
    errors.add("topic", BLANK);
    errors.add("topic", catalogue::not_allowed_message());
}

/// Reads a topic. `null` is blank.
pub(crate) fn topic(value: &Value, errors: &mut FieldErrors) -> Option<TopicPattern> {
    match value {
        Value::Null => refuse_blank_topic(errors),
        Value::String(text) if text.trim().is_empty() => refuse_blank_topic(errors),
        Value::String(text) => match TopicPattern::parse(text) {
            Ok(topic) => return Some(topic),
            Err(_) => errors.add("topic", catalogue::not_allowed_message()),
        },
        _ => errors.add("topic", INVALID),
    }
    None
}

/// Reads an address that deliveries may reach. `null` is blank. The hint is a second error where the
/// policy refuses the address.
pub(crate) fn address(
    value: &Value,
    policy: &AddressPolicy,
    hint: Option<&str>,
    errors: &mut FieldErrors,
) -> Option<Address> {
    match value {
        Value::Null => errors.add("address", BLANK),
        Value::String(text) if text.trim().is_empty() => errors.add("address", BLANK),
        Value::String(text) => {
            let allowed = Address::parse(text).and_then(|address| {
                if address.is_refused_by(policy) { Err(AddressError::NotAllowed) } else { Ok(address) }
            });
            let hint = hint.filter(|_| allowed == Err(AddressError::NotAllowed));
            let address = errors.collect("address", allowed);
            if let Some(hint) = hint {
                errors.add("address", hint);
            }
            return address;
        }
        _ => errors.add("address", INVALID),
    }
    None
}

/// Reads one of a few words. `null` counts as left out.
pub(crate) fn choice<T>(
    attributes: &Map<String, Value>,
    field: &'static str,
    from_name: impl Fn(&str) -> Option<T>,
    errors: &mut FieldErrors,
) -> Option<T> {
    let value = present(attributes, field)?;
    errors.collect(field, value.as_str().and_then(from_name).ok_or(NOT_IN_LIST))
}

/// Reads a short list of strings. `null` counts as left out.
pub(crate) fn list(
    attributes: &Map<String, Value>,
    field: &'static str,
    errors: &mut FieldErrors,
) -> Option<Vec<String>> {
    let value = present(attributes, field)?;
    let texts = value
        .as_array()
        .and_then(|values| values.iter().map(|value| value.as_str().map(str::to_owned)).collect());
    let texts: Option<Vec<String>> = texts;
    let texts = texts.filter(|texts| !texts.iter().any(|text| text.contains(char::is_control)));
    let Some(texts) = texts else {
        errors.add(field, "must be a list of strings without control characters");
        return None;
    };
    if value.to_string().len() > LIST_LIMIT {
        errors.add(field, format!("is too long (maximum is {LIST_LIMIT} bytes of JSON)"));
    }
    Some(texts)
}

/// An attribute's value, unless it is left out or `null`.
pub(crate) fn present<'a>(attributes: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    attributes.get(field).filter(|value| !value.is_null())
}
