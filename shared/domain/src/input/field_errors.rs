//! The errors of a request, by field.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// Everything that is wrong with a request: each field with its messages, in the order in which
/// they were found. It serializes as the API prints it.
///
/// ```
/// use storehook_domain::input::field_errors::FieldErrors;
///
/// let mut errors = FieldErrors::default();
/// assert_eq!(errors.collect("limit", "50".parse::<u8>()), Some(50));
/// assert_eq!(errors.collect("page", "x".parse::<u8>().map_err(|_| "must be 1 or greater")), None);
/// let error = errors.or(()).unwrap_err();
/// assert_eq!(serde_json::to_string(&error)?, r#"{"page":["must be 1 or greater"]}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, Vec<String>)>);

/// The name under which an error stands that is not one of a single field. Rails names it so, and
/// with it the APIs of this family.
pub const BASE: &str = "base";

impl FieldErrors {
    /// One field with one message.
    pub fn one(field: &'static str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message to a field.
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        match self.0.iter_mut().find(|(name, _)| *name == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field, vec![message.into()])),
        }
    }

    /// Adds the messages of other errors.
    pub fn extend(&mut self, others: Self) {
        for (field, messages) in others.0 {
            for message in messages {
                self.add(field, message);
            }
        }
    }

    /// Takes the value out of a result, or adds its error to the field.
    pub fn collect<T, E: ToString>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// Whether the field has a message.
    pub fn names(&self, field: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == field)
    }

    /// The messages of a field.
    pub fn of(&self, field: &str) -> &[String] {
        let found = self.0.iter().find(|(name, _)| *name == field);
        found.map_or(&[], |(_, messages)| messages)
    }

    /// The fields with their messages.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.0.iter().map(|(field, messages)| (*field, messages.as_slice()))
    }

    /// Whether no field has a message.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if no field has a message.
    ///
    /// # Errors
    ///
    /// A field has a message.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl Serialize for FieldErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, messages) in &self.0 {
            map.serialize_entry(field, messages)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_grouped_by_field_in_the_order_found() -> serde_json::Result<()> {
        let mut errors = FieldErrors::one("topic", "can't be blank");
        errors.add("address", "is invalid");
        errors.add("topic", "is unknown");
        let json = serde_json::to_string(&errors)?;
        assert_eq!(json, r#"{"topic":["can't be blank","is unknown"],"address":["is invalid"]}"#);
        Ok(())
    }
}
