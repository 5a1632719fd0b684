//! Tests of the sentence that tells why a delivery is in its state.

use serde_json::json;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A record with attempts: run, number, minutes after the event, error.
fn record(
    state: &str,
    attempts: &[(&str, u64, i64, Option<&str>)],
    (end, next): (Option<&str>, Option<i64>),
) -> Result<DeliveryRecord, Box<dyn std::error::Error>> {
    let event: Timestamp = "2026-11-21T15:00:00Z".parse()?;
    let at = |minutes: i64| event.saturating_add(SignedDuration::from_mins(minutes));
    let attempts = attempts.iter().map(|(run, number, minutes, error)| {
        Ok(json!({
            "run": run, "number": number, "at": at(*minutes)?, "error": error, "latency_ms": 340,
            "address": "https://b.example/",
        }))
    });
    let attempts = attempts.collect::<Result<Vec<_>, jiff::Error>>()?;
    let last = attempts.last().cloned().unwrap_or_default();
    let first = attempts.iter().find(|attempt| attempt["run"] == last["run"]).cloned().unwrap_or_default();
    let runs = (!attempts.is_empty()).then(|| {
        json!({
            "id": last["run"], "began_at": first["at"], "end": end,
            "holder": {"message_id": "m", "lane": "fast"},
        })
    });
    Ok(serde_json::from_value(json!({
        "envelope": {
            "id": "7-e", "shop": "a.example", "app": "demo", "topic": "orders/paid", "triggered_at": event,
        },
        "created_at": event, "state": state, "runs": runs.into_iter().collect::<Vec<_>>(), "attempt_count": 1,
        "attempts": attempts, "next_attempt_at": next.map(at).transpose()?, "version": 1,
        "expires_at": 4_000_000_000_i64,
    }))?)
}

#[test]
fn a_sentence_tells_why_a_delivery_is_in_its_state() -> TestResult {
    const ERROR: Option<&str> = Some("the endpoint responded with 500");
    let (active, paused) = (Some(Status::Active), Some(Status::Paused));
    let now = "2026-11-21T15:10:00Z".parse()?;
    type Case<'a> = (
        &'a str,
        &'a [(&'a str, u64, i64, Option<&'a str>)],
        (Option<&'a str>, Option<i64>),
        Option<Status>,
        &'a str,
    );
    let cases: [Case<'_>; 23] = [
        ("pending", &[], (None, Some(0)), active, "Waiting for its first attempt."),
        (
            "pending",
            &[],
            (None, Some(0)),
            paused,
            "Waiting, but the webhook is not active: it will be held or cancelled.",
        ),
        (
            "pending",
            &[("event", 1, 0, None)],
            (None, Some(12)),
            active,
            "The endpoint asked to get it later. The next attempt is in 2 min.",
        ),
        (
            "retrying",
            &[("event", 1, 0, ERROR)],
            (None, Some(12)),
            active,
            "Retrying: the endpoint responded with 500. The next attempt is in 2 min.",
        ),
        (
            "retrying",
            &[("event", 1, 0, ERROR), ("event", 2, 1, None)],
            (None, Some(9)),
            active,
            "Retrying: the endpoint responded with 500. The next attempt is due now.",
        ),
        (
            "retrying",
            &[("event", 1, 0, ERROR)],
            (None, Some(12)),
            paused,
            "Retrying: the endpoint responded with 500. But the webhook is not active: it will be held or cancelled.",
        ),
        (
            "retrying",
            &[("event", 1, 0, ERROR)],
            (None, Some(12)),
            None,
            "Retrying: the endpoint responded with 500. But the webhook is not active: it will be held or cancelled.",
        ),
        (
            "delivered",
            &[("event", 1, 0, None)],
            (Some("delivered"), None),
            active,
            "Delivered on the 1st attempt, within a second of the event.",
        ),
        (
            "delivered",
            &[("event", 1, 0, ERROR), ("event", 2, 3, None)],
            (Some("delivered"), None),
            None,
            "Delivered on the 2nd attempt, 3 min after the event.",
        ),
        (
            "delivered",
            &[("event", 3, -5, None)],
            (Some("delivered"), None),
            active,
            "Delivered on the 3rd attempt, within a second of the event.",
        ),
        (
            "delivered",
            &[("redeliver:a", 1, 90, None), ("event", 20, 91, ERROR)],
            (Some("delivered"), None),
            active,
            "Delivered again by hand on the 1st attempt, 1 h after the event.",
        ),
        (
            "delivered",
            &[("replay:a", 11, 90, None)],
            (Some("delivered"), None),
            active,
            "Delivered by a replay on the 11th attempt, 1 h after the event.",
        ),
        (
            "delivered",
            &[("redrive:a", 4, 90, None)],
            (Some("delivered"), None),
            active,
            "Delivered by a redrive on the 4th attempt, 1 h after the event.",
        ),
        ("delivered", &[], (None, None), active, "Delivered."),
        ("held", &[], (None, None), paused, held(paused)),
        ("held", &[], (None, None), active, held(active)),
        ("held", &[], (None, None), None, held(None)),
        ("cancelled", &[], (None, None), None, "Cancelled: the webhook was deleted."),
        ("cancelled", &[], (None, None), active, "Cancelled: the app was uninstalled."),
        (
            "dead",
            &[("event", 1, 0, ERROR), ("event", 20, 2_880, ERROR)],
            (Some("dead"), None),
            active,
            "Dead after 20 attempts over 2 days: the endpoint responded with 500.",
        ),
        (
            "dead",
            &[("event", 1, 0, ERROR)],
            (Some("dead"), None),
            active,
            "Dead after 1 attempt: the endpoint responded with 500.",
        ),
        (
            "dead",
            &[("event", 3, 0, ERROR)],
            (None, None),
            active,
            "Dead: an attempt was due and never came. Before it, the endpoint responded with 500.",
        ),
        ("dead", &[], (None, None), active, "Dead: it came too late for an attempt."),
    ];
    for (state, attempts, progress, webhook, expected) in cases {
        assert_eq!(
            why(
                &record(state, attempts, progress)?,
                webhook.map(|status| (status, EndpointHealth::default())),
                now
            ),
            expected
        );
    }
    for status in [paused, active, Some(Status::Disabled), None] {
        assert!(held(status).starts_with("Held: the webhook "), "{status:?}");
    }
    Ok(())
}

#[test]
fn what_is_held_for_a_failing_endpoint_says_that_it_comes_by_itself() -> TestResult {
    let now: Timestamp = "2026-11-21T15:10:00Z".parse()?;
    let open = EndpointHealth {
        failing_since: Some(now),
        next_probe_at: Some(now.saturating_add(SignedDuration::from_mins(4))?),
        ..EndpointHealth::default()
    };
    let overdue = EndpointHealth { next_probe_at: Some(now), ..open };
    let works = EndpointHealth::default();
    for (webhook, expected) in [
        (
            Some((Status::Active, open)),
            "Held: its endpoint is failing. It is sent by itself once the endpoint works again; next probe in 4 min.",
        ),
        (
            Some((Status::Active, overdue)),
            "Held: its endpoint is failing. It is sent by itself once the endpoint works again; a probe is due now.",
        ),
        (
            Some((Status::Active, works)),
            "Held: its endpoint was failing. It is sent by itself, the oldest first.",
        ),
        (
            Some((Status::Paused, open)),
            "Held: its endpoint was failing, and now the webhook is paused. It is sent by itself once the endpoint \
             works again and the webhook is active.",
        ),
        (None, "Held: its endpoint was failing, and the webhook has been deleted since."),
    ] {
        let held = DeliveryRecord {
            held_for: Some(HeldFor::Failing),
            ..record("held", &[("event", 1, 0, Some("the endpoint responded with 500"))], (None, None))?
        };
        assert_eq!(why(&held, webhook, now), expected);
    }
    Ok(())
}
