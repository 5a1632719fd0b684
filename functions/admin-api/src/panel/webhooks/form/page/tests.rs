//! Tests of the form's page.

use storehook_domain::webhook::{Format, Protocol};

use super::*;

#[test]
fn every_format_and_protocol_has_words() {
    assert_eq!(FORMATS.map(|(name, _)| name), Format::ALL.map(Format::as_str));
    assert_eq!(PROTOCOLS.map(|(name, _)| name), Protocol::ALL.map(Protocol::as_str));
}

#[test]
fn a_new_form_is_folded_and_suggests_topics() {
    let (draft, errors) = (Draft::new(), FieldErrors::default());
    let page = FormPage { of: None, draft: &draft, errors: &errors, above: Markup::default() }.page();
    let body = page.body.into_string();
    for part in [
        "action=\"/panel/webhooks\"",
        "<option value=\"orders/*\">",
        "<option value=\"order:new\">",
        "Format: <span class=\"muted\">JSON</span>",
        "Fields: <span class=\"muted\">all</span>",
        "Custom headers: <span class=\"muted\">none</span>",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("<details open"), "{body}");
    assert_eq!(body.matches("class=\"primary\"").count(), 1, "{body}");
}

#[test]
fn a_form_of_an_older_version_says_what_it_would_replace() {
    let draft =
        Draft { topic: "orders/*".to_owned(), custom_headers: "X-A: s3cret".to_owned(), ..Draft::new() };
    let now = Draft { topic: "<b>".to_owned(), ..Draft::new() };
    let told = changed(&draft, &now).into_string();
    assert!(told.contains("<a href=\"#topic\">topic</a>, which is now <code>&lt;b&gt;</code>"), "{told}");
    assert!(told.contains(">custom headers</a>, which is now empty") && !told.contains("s3cret"), "{told}");
    assert!(!told.contains("#address"), "{told}");
    assert!(changed(&now, &now).into_string().contains("what the webhook has now"));
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_opens_what_is_wrong() {
    let draft = Draft {
        topic: "<script>".to_owned(),
        custom_headers: "X-A: \"><b>\nX-B: ***".to_owned(),
        fields: "a,b\nc,d,e".to_owned(),
        ..Draft::new()
    };
    let mut errors = FieldErrors::one("topic", "is invalid");
    errors.add("custom_headers", "has an invalid value for X-A");
    let page = FormPage {
        of: Some((WebhookId::new(7), 3)),
        draft: &draft,
        errors: &errors,
        above: Markup::default(),
    }
    .page();
    let body = page.body.into_string();
    for part in [
        "action=\"/panel/webhooks/7\"",
        "value=\"&lt;script&gt;\"",
        "X-A: &quot;&gt;&lt;b&gt;\nX-B: ***</textarea>",
        "href=\"#custom_headers\"",
        "<input type=\"hidden\" name=\"version\" value=\"3\">",
        "<details open><summary>Custom headers: <span class=\"muted\">X-A, X-B</span>",
        "Fields: <span class=\"muted\">a, b, c and 2 more</span>",
        "leave *** to keep",
        "id=\"topic-error\">is invalid",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(body.matches("<details open").count(), 1, "{body}");
}
