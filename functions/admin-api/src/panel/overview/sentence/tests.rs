//! Tests of the sentences of the overview.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use storehook_domain::{
    history::{
        stats::DeliveryStats,
        timeline::{Range, Timeline},
    },
    job::recovery::endpoint_health::EndpointHealth,
};

use super::*;

/// A webhook with this status and these deliveries.
pub(in crate::panel::overview) fn webhook(
    status: &str,
    states: &[(DeliveryState, usize)],
) -> serde_json::Result<WebhookActivity> {
    let webhook = serde_json::from_value(json!({
        "id": 1, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
        "format": "json", "protocol": "webhook", "status": status, "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z",
        "version": 1,
    }))?;
    let mut stats = DeliveryStats::default();
    for (state, count) in states {
        (0..*count).for_each(|_| stats.count(*state, None));
    }
    Ok(WebhookActivity { webhook, stats: Some(stats), endpoint: EndpointHealth::default() })
}

fn unread(status: &str) -> serde_json::Result<WebhookActivity> {
    Ok(WebhookActivity { stats: None, ..webhook(status, &[])? })
}

fn activity(webhooks: Vec<WebhookActivity>, is_recorded: bool) -> Activity {
    let mut total = DeliveryStats::default();
    webhooks.iter().filter_map(|one| one.stats.as_ref()).for_each(|stats| total.add(stats));
    let timeline = Timeline::empty(Range::Day, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
    Activity { timeline, webhooks, total, is_complete: true, is_recorded }
}

#[test]
fn one_sentence_says_how_all_webhooks_are() -> serde_json::Result<()> {
    use DeliveryState::{Dead, Delivered, Held, Retrying};
    let good = || webhook("active", &[(Delivered, 9)]);
    for (webhooks, expected) in [
        (vec![], "No webhooks yet"),
        (vec![webhook("active", &[])?], "No deliveries yet in this time."),
        (vec![good()?], "Your webhook is taking deliveries."),
        (vec![good()?, good()?], "All 2 webhooks are taking deliveries."),
        (vec![good()?, webhook("active", &[])?], "1 webhook is working, 1 has nothing to deliver."),
        (vec![webhook("active", &[(Dead, 12)])?], "1 webhook is failing; 12 deliveries are dead."),
        (
            vec![webhook("active", &[(Delivered, 12), (Dead, 1)])?],
            "1 webhook is working; 1 delivery is dead.",
        ),
        (vec![good()?, webhook("active", &[(Retrying, 2)])?], "1 webhook is failing, 1 is working."),
        (
            vec![
                good()?,
                webhook("disabled", &[(Held, 812), (Dead, 1)])?,
                webhook("active", &[(Retrying, 2)])?,
            ],
            "1 webhook is disabled, 1 is failing, 1 is working; 812 deliveries are held, 1 delivery is dead.",
        ),
        (
            vec![good()?, webhook("paused", &[(Held, 1)])?],
            "1 webhook is paused, 1 is working; 1 delivery is held.",
        ),
        (vec![webhook("paused", &[])?], "1 webhook is paused."),
        (
            vec![good()?, good()?, unread("active")?, unread("active")?, unread("paused")?],
            "1 webhook is paused, 2 are working, 2 were not looked at.",
        ),
    ] {
        assert_eq!(overview(&activity(webhooks, true)), expected);
    }
    Ok(())
}

#[test]
fn without_a_history_the_sentence_says_so() -> serde_json::Result<()> {
    let webhooks = vec![unread("active")?, unread("active")?, unread("disabled")?, unread("paused")?];
    assert_eq!(
        overview(&activity(webhooks, false)),
        "1 webhook is disabled, 1 is paused, 2 are active. How deliveries end is not known, because no history is kept."
    );
    Ok(())
}

#[test]
fn only_a_webhook_that_somebody_must_look_at_is_in_need() -> serde_json::Result<()> {
    use DeliveryState::{Dead, Delivered, Held, Retrying};
    const DISABLED: &str = "Every delivery failed for 5 days, or its endpoint answered 410 Gone.";
    let disabled = |rest: &str| format!("{DISABLED} {rest}");
    for (status, states, expected) in [
        ("active", &[(Delivered, 9), (Retrying, 1)][..], None),
        ("paused", &[][..], None),
        (
            "active",
            &[(Delivered, 9), (Dead, 1)],
            Some((Need::Dead, "1 delivery failed at every attempt. Replay it.".to_owned())),
        ),
        (
            "active",
            &[(Dead, 2)],
            Some((
                Need::Failing,
                "2 deliveries failed at every attempt. Mend the endpoint, then replay them.".to_owned(),
            )),
        ),
        (
            "active",
            &[(Dead, 2), (Retrying, 1)],
            Some((
                Need::Failing,
                "2 deliveries failed at every attempt, and 1 delivery failed and will be tried again. \
                 Mend the endpoint, then replay what is dead."
                    .to_owned(),
            )),
        ),
        (
            "active",
            &[(Retrying, 2)],
            Some((Need::Failing, "2 deliveries failed and will be tried again.".to_owned())),
        ),
        (
            "active",
            &[(Held, 2)],
            Some((Need::Held, "2 deliveries are held from a pause. Replay them.".to_owned())),
        ),
        (
            "paused",
            &[(Held, 2)],
            Some((
                Need::Paused,
                "It is paused, and 2 deliveries are held. Resume it, then replay them.".to_owned(),
            )),
        ),
        ("disabled", &[], Some((Need::Disabled, disabled("Mend the endpoint, and resume it.")))),
        (
            "disabled",
            &[(Held, 1)],
            Some((
                Need::Disabled,
                disabled("1 delivery is held. Mend the endpoint, and resume it, then replay it."),
            )),
        ),
    ] {
        assert_eq!(need(&webhook(status, states)?, Timestamp::UNIX_EPOCH), expected, "{status} {states:?}");
    }
    Ok(())
}

#[test]
fn an_open_breaker_needs_somebody_and_a_catch_up_does_not() -> serde_json::Result<()> {
    let at = |minutes| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minutes);
    let open = EndpointHealth {
        failing_since: Some(at(0)),
        next_probe_at: Some(at(64)),
        ..EndpointHealth::default()
    };
    let catching_up = EndpointHealth { is_catching_up: true, ..EndpointHealth::default() };
    let held = || webhook("active", &[(DeliveryState::Held, 2), (DeliveryState::Delivered, 9)]);
    let needed = need(&WebhookActivity { endpoint: open, ..held()? }, at(60));
    let expected = "All attempts have failed for 1 h, and deliveries are held. What is held is sent by itself once \
                    the endpoint works again; next probe in 4 min.";
    assert_eq!(needed, Some((Need::Open, expected.to_owned())));
    assert_eq!(need(&WebhookActivity { endpoint: catching_up, ..held()? }, at(60)), None);
    let failing = activity(vec![WebhookActivity { endpoint: open, ..held()? }], true);
    assert_eq!(overview(&failing), "1 webhook is failing; 2 deliveries are held.");
    assert!(Need::Disabled < Need::Open && Need::Open < Need::Failing);
    Ok(())
}
