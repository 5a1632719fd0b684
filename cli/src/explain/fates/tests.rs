//! Tests of the rows: what became of an event at each webhook.

use anyhow::{Context as _, Result};
use serde_json::json;
use storehook_domain::job::recovery::endpoint_health::EndpointHealth;

use super::*;
use crate::explain::queues::DeadLetter;

const OLD: &str = "2026-11-01T15:00:00Z";
const LATER: &str = "2026-11-22T15:00:00Z";

fn webhook(id: u64, topic: &str, created_at: &str) -> Result<Webhook> {
    Ok(serde_json::from_value(json!({
        "id": id, "shop": "a.example", "app": "demo", "topic": topic, "address": "https://b.example/", "format": "json",
        "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [], "custom_headers": {},
        "created_at": created_at, "updated_at": created_at, "version": 1,
    }))?)
}

fn record(id: &str, state: &str) -> Result<DeliveryRecord> {
    Ok(serde_json::from_value(json!({
        "envelope": {
            "id": id, "shop": "a.example", "app": "demo", "topic": "orders/paid", "triggered_at": "2026-11-21T15:00:00Z",
        },
        "created_at": "2026-11-21T15:00:00.5Z", "state": state, "attempt_count": 0, "attempts": [], "version": 1,
        "expires_at": 4_000_000_000_i64,
    }))?)
}

fn read(webhooks: &[(u64, &str, &str)], records: Vec<DeliveryRecord>) -> Result<Read> {
    let mut read = Read { webhooks: BTreeMap::new(), now: BTreeMap::new(), records: BTreeMap::new() };
    for (id, topic, created_at) in webhooks {
        let webhook = webhook(*id, topic, created_at)?;
        let now = WebhookNow { webhook: webhook.clone(), endpoint: EndpointHealth::default() };
        read.now.insert(webhook.id, now);
        read.webhooks.insert(webhook.id, WebhookItem::of(webhook));
    }
    for record in records {
        read.records.entry(record.envelope.id.webhook_id).or_default().push(record);
    }
    Ok(read)
}

fn rows(read: &Read) -> Result<Vec<Row>> {
    Ok(read.rows(&EventId::parse("e")?, &BTreeSet::from(["a.example".parse()?])))
}

fn outcomes(rows: &[Row]) -> Vec<(u64, Outcome, &'static str)> {
    rows.iter().map(|row| (row.webhook_id.get(), row.outcome, row.status)).collect()
}

#[test]
fn each_webhook_of_the_shop_has_a_row_and_each_delivery_its_own() -> Result<()> {
    use Outcome::{
        Cancelled, Dead, Duplicate, Filtered, Held, NotSubscribedThen, Retrying, Sent, Unknown, Waiting,
    };
    let webhooks = [
        (1, "orders/paid", OLD),
        (2, "orders/*", OLD),
        (3, "products/create", OLD),
        (4, "*", LATER),
        (5, "orders/paid", OLD),
    ];
    let duplicate = DeliveryRecord { has_other_payload: true, ..record("1-e", "delivered")? };
    let records = vec![
        duplicate,
        record("2-e~0a1b2c3d", "held")?,
        record("2-e~0a1b2c3e", "retrying")?,
        record("7-e", "cancelled")?,
        record("8-e", "dead")?,
        record("9-e", "pending")?,
    ];
    let rows = rows(&read(&webhooks, records)?)?;
    let expected = [
        (1, Sent, "active"),
        (1, Duplicate, "active"),
        (2, Held, "active"),
        (2, Retrying, "active"),
        (7, Cancelled, "deleted"),
        (8, Dead, "deleted"),
        (9, Waiting, "deleted"),
        (3, Filtered, "active"),
        (4, NotSubscribedThen, "active"),
        (5, Unknown, "active"),
    ];
    assert_eq!(outcomes(&rows), expected);
    assert!(rows.iter().all(|row| !row.why.is_empty()));
    Ok(())
}

#[test]
fn webhooks_of_other_shops_have_not_heard_of_it() -> Result<()> {
    let mut read = read(&[(1, "orders/paid", OLD)], vec![record("7-e", "delivered")?])?;
    let other = Webhook { shop: "b.example".parse()?, ..webhook(2, "orders/paid", OLD)? };
    read.webhooks.insert(other.id, WebhookItem::of(other));
    assert_eq!(rows(&read)?.iter().map(|row| row.webhook_id.get()).collect::<Vec<_>>(), [7, 1]);
    Ok(())
}

#[test]
fn the_queues_settle_what_the_history_does_not_know() -> Result<()> {
    let read = read(&[(1, "orders/paid", OLD), (2, "orders/paid", OLD), (3, "carts/create", OLD)], vec![])?;
    let rejected = |webhooks: Option<(u64, u64)>| -> Result<Stuck> {
        Ok(Stuck {
            id: "s:1".to_owned(),
            reason: "'payload' is missing".to_owned(),
            shop: Some("a.example".parse()?),
            topic: Some("orders/paid".to_owned()),
            webhooks: webhooks.map(|(from, to)| (WebhookId::new(from), WebhookId::new(to))),
        })
    };
    let letter =
        DeadLetter { webhook_id: WebhookId::new(2), delivery: "2-e".to_owned(), message_id: "m".to_owned() };
    for (found, expected) in [
        (Found::default(), [Outcome::Unknown; 3]),
        (
            Found { dead_letters: vec![letter.clone()], ..Found::default() },
            [Outcome::Unknown, Outcome::Dead, Outcome::Unknown],
        ),
        (
            Found { rejected: vec![rejected(None)?], ..Found::default() },
            [Outcome::Rejected, Outcome::Rejected, Outcome::Unknown],
        ),
        (
            Found { dead_letters: vec![letter], rejected: vec![rejected(Some((1, 1)))?], ..Found::default() },
            [Outcome::Rejected, Outcome::Dead, Outcome::Unknown],
        ),
        (
            Found { given_up: vec![rejected(None)?], ..Found::default() },
            [Outcome::GivenUp, Outcome::GivenUp, Outcome::Unknown],
        ),
        (
            Found {
                rejected: vec![rejected(Some((1, 1)))?],
                given_up: vec![rejected(None)?],
                ..Found::default()
            },
            [Outcome::Rejected, Outcome::GivenUp, Outcome::Unknown],
        ),
    ] {
        let mut rows = rows(&read)?;
        read.settle(&mut rows, &found);
        assert_eq!(rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), expected);
        let why = &rows.first().context("no row")?.why;
        if expected[0] == Outcome::Rejected {
            assert_eq!(why, "It was rejected: 'payload' is missing.");
        }
    }
    Ok(())
}
