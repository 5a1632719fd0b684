//! The part of a payload that a webhook gets, by its `fields` and `metafield_namespaces`.
//!
//! Selection looks one level deep. It keeps or drops whole members, and it keeps their bytes. It is
//! there to hide things, so it fails closed: in doubt, less is sent.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::payload::{Payload, members::Members};

impl<'a> Payload<'a> {
    /// The JSON that a webhook with these `fields` and `metafield_namespaces` gets.
    ///
    /// * `fields` are the top-level keys to keep, in the payload's order. No fields mean all.
    /// * `metafields` keeps only the metafields of these namespaces. Without namespaces, the member
    ///   is left out.
    ///
    /// It fails closed. If a key is no Unicode text, no field can name it. If the payload has no
    /// members to select, the result is `{}`.
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

/// The metafields of these namespaces, as a JSON array; `None` if the value is not a list.
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
        let selected = Payload::new_checked(raw).select(&owned(fields), &owned(namespaces));
        assert_eq!(selected, expected, "{payload} {fields:?} {namespaces:?}");
        Ok(())
    }

    #[test]
    fn without_fields_the_payload_keeps_its_bytes() -> serde_json::Result<()> {
        let payload = r#"{ "b" : 1.0,"a":"\u00e9\/" }"#;
        check_selection(payload, &[], &[], payload)
    }

    #[test]
    fn fields_keep_their_members_in_the_payloads_order() -> serde_json::Result<()> {
        let payload = r#"{"z": 327475578523353102, "a": {"id":  1.0}, "m": null, "caf\u00e9": 1}"#;
        check_selection(payload, &["a", "z"], &[], r#"{"z":327475578523353102,"a":{"id":  1.0}}"#)?;
        check_selection(payload, &["café"], &[], r#"{"caf\u00e9":1}"#)?;
        check_selection(payload, &["none"], &[], "{}")
    }

    /// JSON can write half of a surrogate pair, which no Unicode text can hold. A key with one must
    /// not make selection send more.
    #[test]
    fn a_key_with_a_lone_surrogate_selects_nothing() -> serde_json::Result<()> {
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
        assert_eq!(Payload::new_checked(raw).resource_id("order").as_deref(), Some("7"), "the id header");
        Ok(())
    }

    #[test]
    fn a_payload_without_members_is_not_sent() -> serde_json::Result<()> {
        check_selection("[]", &["id"], &[], "{}")?;
        check_selection("[]", &[], &[], "{}")
    }

    #[test]
    fn metafields_are_left_out_unless_their_namespace_is_selected() -> serde_json::Result<()> {
        let payload = r#"{"id":1,"metafields":[{"namespace":"a","v":1.0},{"namespace":"b"},7]}"#;
        check_selection(payload, &[], &[], r#"{"id":1}"#)?;
        check_selection(payload, &[], &["a"], r#"{"id":1,"metafields":[{"namespace":"a","v":1.0}]}"#)?;
        check_selection(payload, &["id"], &["a"], r#"{"id":1}"#)?;
        check_selection(r#"{"metafields":7}"#, &[], &["a"], "{}")
    }
}
