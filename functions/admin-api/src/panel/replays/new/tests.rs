//! Tests of a new replay.

use super::*;
use crate::panel::{fields::Fields, replays::rows::tests::webhook};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn page(query: &str, status: &str) -> Result<String, Box<dyn std::error::Error>> {
    let (now, zone) = ("2026-11-21T15:00:00Z".parse()?, TimeZone::get("America/New_York")?);
    let draft = Draft::of(&Fields::parse(query.as_bytes()), now, &zone);
    let errors = ReplayRequest::parse(&draft.members(&zone), &zone, now).err().unwrap_or_default();
    let webhook = webhook(status)?;
    Ok(View { webhook: &webhook, zone: &zone, draft: &draft, errors, above: None, count: None }
        .body()
        .into_string())
}

#[test]
fn a_new_form_offers_the_dead_deliveries_of_the_last_day_on_the_shops_clock() -> TestResult {
    let page = page("", "active")?;
    for expected in [
        "value=\"2026-11-20T10:00:00\"",
        "value=\"2026-11-21T10:00:00\"",
        "America/New_York",
        "value=\"dead\" checked",
        "class=\"primary\" type=\"submit\" name=\"count\" value=\"1\">Count<",
        "a.example/?q=&lt;script&gt;",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    Ok(())
}

#[test]
fn what_was_typed_stays_beside_the_apis_errors() -> TestResult {
    let page = page("from=\"><script>&per_second=0&state=", "active")?;
    for expected in [
        "value=\"&quot;&gt;&lt;script&gt;\"",
        "id=\"from-error\">must be an ISO 8601 date and time with an offset, or a date<",
        "id=\"per_second-error\">must be between 1 and 1000<",
        "id=\"state-error\">can't be blank<",
        "href=\"#state\"",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    Ok(())
}

#[test]
fn a_webhook_that_is_not_active_must_be_resumed_first() -> TestResult {
    assert!(page("", "paused")?.contains("This webhook is paused."));
    assert!(!page("", "active")?.contains("Resume the webhook"));
    Ok(())
}
