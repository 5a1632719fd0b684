//! The part of a payload that a webhook gets, by its `fields` and `metafield_namespaces`.
//!
//! Selection keeps or drops whole members, and it keeps their bytes. It looks at the payload's own
//! members and, if one of them is an object under the resource's name
//! (`{"product_listing": {…}}`), at the members of that object. It is there to hide things, so it
//! fails closed: in doubt, less is sent.

use std::{borrow::Cow, sync::LazyLock};

use memchr::memmem::Finder;
use serde_json::value::RawValue;

use crate::payload::{
    Payload,
    members::{Member, Members},
};

impl<'a> Payload<'a> {
    /// The JSON that a webhook with these `fields` and `metafield_namespaces` gets. `resource` is
    /// the name of what the payload describes.
    ///
    /// * `fields` are the top-level keys to keep, in the payload's order. No fields mean all. If the
    ///   payload is only a wrapper around the resource, they are the keys of the resource, unless
    ///   one of them is the wrapper's own key: that one keeps the whole resource.
    /// * `metafields` keeps only the metafields of these namespaces, in the payload as in the
    ///   resource inside. Without namespaces, the member is left out.
    ///
    /// It fails closed. If a key is no Unicode text, no field can name it. If the payload has no
    /// members to select, the result is `{}`.
    pub fn select(self, resource: &str, fields: &[String], metafield_namespaces: &[String]) -> Cow<'a, str> {
        if fields.is_empty() && self.as_str().starts_with('{') && !may_name_metafields(self.as_str()) {
            return Cow::Borrowed(self.as_str());
        }
        let are_inside = !fields.is_empty()
            && !fields.iter().any(|field| field == resource)
            && self.wrapped(resource).is_some();
        let (outside, inside) = if are_inside { (&[][..], fields) } else { (fields, &[][..]) };
        let value_of = |member: &Member<'a>| value_of(member, metafield_namespaces);
        let selected = keep(self.as_str(), outside, |member| {
            let value = value_of(member)?;
            match member.object(resource) {
                Some(object) => keep(object, inside, value_of),
                None => Some(value),
            }
        });
        selected.unwrap_or(Cow::Borrowed("{}"))
    }
}

/// Whether a member of the JSON may have the name `metafields`, whose letters may be written as
/// escapes (`\u006d`). Most payloads have none, and this costs far less than to read all members.
fn may_name_metafields(json: &str) -> bool {
    static NAME: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("metafields"));
    static ESCAPE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\\u00"));
    let json = json.as_bytes();
    let mut escapes = ESCAPE.find_iter(json).filter_map(|place| json.get(place + 4));
    NAME.find(json).is_some() || escapes.any(|digit| matches!(digit, b'6' | b'7'))
}

/// An object with the members that these fields name and that have a value to send. `None` if it is
/// no object.
fn keep<'a>(
    object: &'a str,
    fields: &[String],
    value_of: impl Fn(&Member<'a>) -> Option<Cow<'a, str>>,
) -> Option<Cow<'a, str>> {
    let members = Members::of(object)?.0;
    let kept = members
        .iter()
        .filter(|member| fields.is_empty() || fields.iter().any(|field| member.is_named(field)));
    let kept: Vec<_> = kept.filter_map(|member| Some((member, value_of(member)?))).collect();
    let is_whole = fields.is_empty() && kept.len() == members.len();
    if is_whole && kept.iter().all(|(_, value)| matches!(value, Cow::Borrowed(_))) {
        return Some(Cow::Borrowed(object));
    }
    let kept: Vec<_> = kept.iter().map(|(member, value)| member.to_json(value)).collect();
    Some(Cow::Owned(format!("{{{}}}", kept.join(","))))
}

/// What is sent of a member's value: all of it, or the metafields of these namespaces.
fn value_of<'a>(member: &Member<'a>, metafield_namespaces: &[String]) -> Option<Cow<'a, str>> {
    if !member.is_named("metafields") {
        return Some(Cow::Borrowed(member.value.get()));
    }
    let namespaces = Some(metafield_namespaces).filter(|namespaces| !namespaces.is_empty())?;
    metafields_of(member.value, namespaces).map(Cow::Owned)
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
        let selected = Payload::new_checked(raw).select("listing", &owned(fields), &owned(namespaces));
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

    /// The name is hidden however it is written: each of its letters may be an escape.
    #[test]
    fn escaped_metafields_are_left_out() -> serde_json::Result<()> {
        for name in
            ["metafields", "\\u006detafields", "metafield\\u0073", "meta\\u0066ields", "metafiel\\u0064s"]
        {
            check_selection(&format!(r#"{{"id":1,"{name}":[]}}"#), &[], &[], r#"{"id":1}"#)?;
            check_selection(&format!(r#"{{"listing":{{"{name}":[]}}}}"#), &[], &[], r#"{"listing":{}}"#)?;
        }
        let all: String = "metafields".bytes().map(|letter| format!("\\u{letter:04X}")).collect();
        check_selection(&format!(r#"{{"{all}":[],"id":1}}"#), &[], &[], r#"{"id":1}"#)?;
        let none = r#"{"id":1,"note":"\u00e9\u0041 \\u006d"}"#;
        check_selection(none, &[], &[], none)
    }

    #[test]
    fn metafields_are_left_out_unless_their_namespace_is_selected() -> serde_json::Result<()> {
        let payload = r#"{"id":1,"metafields":[{"namespace":"a","v":1.0},{"namespace":"b"},7]}"#;
        check_selection(payload, &[], &[], r#"{"id":1}"#)?;
        check_selection(payload, &[], &["a"], r#"{"id":1,"metafields":[{"namespace":"a","v":1.0}]}"#)?;
        check_selection(payload, &["id"], &["a"], r#"{"id":1}"#)?;
        check_selection(r#"{"metafields":7}"#, &[], &["a"], "{}")
    }

    #[test]
    fn a_wrapped_resource_is_selected_from_like_any_other() -> serde_json::Result<()> {
        let payload =
            r#"{ "listing": {"id":7, "cost":1.0, "metafields": [{"namespace":"a"},{"namespace":"b"}]}}"#;
        let whole = r#"{"listing":{"id":7,"cost":1.0}}"#;
        for (fields, namespaces, expected) in [
            (&[][..], &[][..], whole),
            (&["listing"], &[], whole),
            (&["listing", "id"], &[], whole),
            (&["id"], &[], r#"{"listing":{"id":7}}"#),
            (&["id", "metafields"], &[], r#"{"listing":{"id":7}}"#),
            (&["id"], &["a"], r#"{"listing":{"id":7}}"#),
            (&["metafields"], &["a"], r#"{"listing":{"metafields":[{"namespace":"a"}]}}"#),
            (&["listing"], &["b"], r#"{"listing":{"id":7,"cost":1.0,"metafields":[{"namespace":"b"}]}}"#),
            (&["none"], &["a"], r#"{"listing":{}}"#),
        ] {
            check_selection(payload, fields, namespaces, expected)?;
        }
        let without_metafields = r#"{ "listing" : {"id": 7} }"#;
        check_selection(without_metafields, &[], &[], without_metafields)
    }

    /// A member with the resource's name may stand beside others, or twice. Such a payload is no
    /// wrapper, so its fields are its own keys.
    #[test]
    fn the_metafields_of_a_resource_beside_other_members_are_left_out() -> serde_json::Result<()> {
        let beside = r#"{"id":1,"listing":{"id":7,"metafields":[]}}"#;
        check_selection(beside, &[], &[], r#"{"id":1,"listing":{"id":7}}"#)?;
        check_selection(beside, &["listing"], &[], r#"{"listing":{"id":7}}"#)?;
        check_selection(beside, &["id"], &[], r#"{"id":1}"#)?;
        let twice = r#"{"listing":{"id":7,"metafields":[]},"\u006cisting":{"metafields":[],"id":8}}"#;
        check_selection(twice, &[], &[], r#"{"listing":{"id":7},"\u006cisting":{"id":8}}"#)?;
        check_selection(twice, &["id"], &[], "{}")?;
        check_selection(r#"{"listing":7}"#, &["id"], &[], "{}")?;
        check_selection(r#"{"listing":[7]}"#, &["listing"], &[], r#"{"listing":[7]}"#)
    }
}
