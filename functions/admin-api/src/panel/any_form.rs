//! Any bytes as a form of the panel: it is read or refused, and what was typed is shown again as it was.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use storehook_domain::{
    job::replay::request::ReplayRequest,
    webhook::new_webhook::{NewWebhook, WebhookPatch, WebhookRules},
};

use crate::{
    panel::{fields::Fields, replays::draft::Draft as ReplayDraft, webhooks::form::draft::Draft},
    stand_in::webhook,
};

/// The names that forms have.
const NAMES: &str = "(topic|address|format|protocol|fields|metafield_namespaces|custom_headers|from|to|state|\
    per_second|once|payload|event|)";

/// Values that are nearly right, and any others.
const VALUES: &str = "(orders/create|order:new|\\*|https://a\\.example/|http://127\\.0\\.0\\.1|xml|integration|all|dead|\
    2026-11-21T10:00|9999-12-31T23:59|id,name|X-A: b|X-A:|: |\\*\\*\\*|1e9|-1|18446744073709551616)?(\\PC|\r\n|\t|\0){0,6}";

/// A form's bytes: pairs that are encoded, or not, or any bytes.
fn forms() -> impl Strategy<Value = Vec<u8>> {
    let pair = (NAMES, VALUES, any::<bool>()).prop_map(|(name, value, is_encoded)| {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        if is_encoded { format!("{name}={}", encode(&value)) } else { format!("{name}={value}") }
    });
    prop_oneof![
        8 => prop::collection::vec(pair, 0..10).prop_map(|pairs| pairs.join("&").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_form_is_read_or_refused(form in forms()) {
        let (fields, rules) = (Fields::parse(&form), WebhookRules::default());
        let draft = Draft::new().typed(&fields);
        let (attributes, errors) = draft.attributes(&Draft::new());
        if let Ok(new) = NewWebhook::parse(&attributes, &rules) {
            prop_assert!(errors.is_empty() || new.rest.custom_headers.is_none());
        }
        let current = webhook(serde_json::json!({}))?;
        let _patch = WebhookPatch::parse(&attributes, &rules, &current);
        let (unchanged, _) = draft.attributes(&draft);
        prop_assert!(unchanged.is_empty(), "a form that nobody touched changes nothing: {unchanged:?}");
        let typed_again = draft.typed(&fields);
        prop_assert_eq!(typed_again.texts(), draft.texts());
        for zone in ["UTC", "America/New_York", "Asia/Kolkata"] {
            let zone = TimeZone::get(zone)?;
            let members = ReplayDraft::of(&fields, Timestamp::UNIX_EPOCH, &zone).members(&zone);
            let _request = ReplayRequest::parse(&members, &zone, Timestamp::UNIX_EPOCH);
        }
    }
}
