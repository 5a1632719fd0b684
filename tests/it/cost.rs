//! What a million deliveries cost: the README's table, computed anew.
//!
//! What the code decides is taken from the code: how large a record, a message, a request and an
//! item are, what is looked up, how long things are kept, how much memory a function has. What it
//! cannot tell are constants of this file: AWS's list prices, how AWS counts, and the case itself.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use storehook_aws::{
    history::{DeliveryItem, PayloadItem},
    registry::{InstallationItem, WebhookItem},
    table::{Item, to_item},
};
use storehook_domain::{
    BodyShape, Delivery, DeliveryHistory, DeliveryRequest, EventId, HeaderPrefix, Installation, KeptAnswer,
    MadeAttempt, RecordOrigin, SentRequest, SharedSecret, ShopDomain, StoreEvent, Then, TokenHash, Topic,
    Webhook, event_record, sample_of,
};
use storehook_tests::root;

use crate::template::{resource, template};

/// Dollars for a unit, in us-east-1: `https://aws.amazon.com/` with `lambda/pricing`, `sqs/pricing`,
/// `kinesis/data-streams/pricing`, `dynamodb/pricing/on-demand`, `cloudwatch/pricing`, `ec2/pricing/on-demand`.
mod price {
    pub(super) const STREAM_IN: &str = "$0.08";
    pub(super) const STREAM_OUT: &str = "$0.04";
    pub(super) const STREAM_HOUR: f64 = 0.04;
    pub(super) const INVOCATIONS: &str = "$0.20";
    pub(super) const ARM_DURATION: &str = "$0.0000133334";
    pub(super) const QUEUE: &str = "$0.40";
    pub(super) const FAIR_QUEUE: &str = "$0.10";
    pub(super) const READS: &str = "$0.125";
    pub(super) const WRITES: &str = "$0.625";
    pub(super) const STORAGE: &str = "$0.25";
    pub(super) const BACKUP: &str = "$0.20";
    pub(super) const LOGS: &str = "$0.50";
    pub(super) const INTERNET: &str = "$0.09";
}

/// The case: how long an endpoint takes, and a call of DynamoDB or SQS with what is computed around it.
const ANSWER_MS: f64 = 150.0;
const CALL_MS: f64 = 10.0;

const MILLION: f64 = 1_000_000.0;
const GB: f64 = 1_073_741_824.0;
const HOURS_PER_MONTH: f64 = 730.0;

/// What DynamoDB stores with each item and each entry of an index ("item sizes and formats").
const ITEM_OVERHEAD: usize = 100;

/// The lines of a delivered attempt, of a fan-out, and of every invocation, as CloudWatch takes them in.
const ATTEMPT_LINE: &str = concat!(
    r#"{"level":"INFO","fields":{"message":"attempt","delivery.id":"1001-6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11","#,
    r#""delivery.state":"delivered","delivery.series":0,"delivery.age_ms":250,"delivery.lane":"Delivery","#,
    r#""webhook.id":"1001","webhook.host":"app.example.com","event.topic":"orders/create","#,
    r#""event.shop":"mynewstore.spiffystores.com","event.app":"my-app","attempt.status":200,"#,
    r#""attempt.duration_ms":160,"message.receive_count":"1"},"#,
);
const FAN_OUT_LINE: &str = concat!(
    r#"{"level":"INFO","fields":{"message":"fanned out","batch.records":10,"batch.events":10,"batch.rejected":0},"#,
);
const SPAN: &str = concat!(
    r#"{"requestId":"8286a188-ba32-4475-8077-530cd35c09a9","#,
    r#""xrayTraceId":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0","#,
    r#""name":"Lambda runtime invoke"}"#,
);
const PLATFORM_LINES: &str = concat!(
    r#"{"time":"2026-11-21T15:00:00.000Z","type":"platform.start","record":{"#,
    r#""requestId":"8286a188-ba32-4475-8077-530cd35c09a9","version":"$LATEST"}}"#,
    r#"{"time":"2026-11-21T15:00:00.170Z","type":"platform.report","record":{"#,
    r#""requestId":"8286a188-ba32-4475-8077-530cd35c09a9","metrics":{"durationMs":168.123,"#,
    r#""billedDurationMs":169,"memorySizeMB":512,"maxMemoryUsedMB":40},"status":"success"}}"#,
);

/// What one delivery of an order leaves behind, with the history on or off.
struct Measured {
    record: usize,
    message: usize,
    patterns: usize,
    registry_reads: usize,
    request: usize,
    payload: Vec<Item>,
    delivery: Item,
    indexed: usize,
}

/// A row of the table.
struct Row {
    component: &'static str,
    unit: &'static str,
    price: &'static str,
    off: f64,
    on: f64,
}

#[test]
fn each_cost_in_the_readme_is_its_units_at_its_price_and_the_totals_are_their_sums() -> Result<()> {
    let mut table = readme_table()?;
    let total = table.pop().context("an empty table")?;
    for (units, cost) in [(3, 4), (5, 6)] {
        let mut sum = 0;
        for row in &table {
            let told = cents(number(&row[cost])?);
            assert_eq!(told, cents(number(&row[units])? * number(&row[2])?), "{row:?}");
            sum += told;
        }
        assert_eq!(cents(number(&total[cost])?), sum, "{total:?}");
    }
    Ok(())
}

#[test]
fn the_readmes_units_are_the_codes_and_its_prices_the_list_prices() -> Result<()> {
    let rows = rows(10)?;
    let (off, on) = totals(&rows)?;
    let mut expected = rows.iter().map(Row::cells).collect::<Result<Vec<_>>>()?;
    expected.push(["total", "", "", "", &off, "", &on].map(str::to_owned).to_vec());
    let told: Vec<_> = expected.iter().map(|cells| format!("| {} |", cells.join(" | "))).collect();
    assert_eq!(readme_table()?, expected, "it should say:\n{}", told.join("\n"));
    Ok(())
}

#[test]
fn the_readmes_sentences_tell_what_the_table_comes_to() -> Result<()> {
    let (off, on) = totals(&rows(10)?)?;
    let (off_alone, on_alone) = totals(&rows(1)?)?;
    let stream = cents(price::STREAM_HOUR * HOURS_PER_MONTH);
    // Where concurrency is limited Lambda never has less than five pollers ("scaling behavior for SQS event
    // source mappings"), and each asks for 20 s at a time, at either queue.
    let polls = cents(2.0 * 5.0 * 3.0 * 60.0 * HOURS_PER_MONTH / MILLION * number(price::QUEUE)?);
    let readme = readme()?.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [
        format!("A million deliveries cost {off} with the history off and {on} with it on."),
        format!("If every batch is of one, that is {off_alone} and {on_alone}."),
        format!("the stream {} a month", dollars(stream)),
        format!("empty queues {}", dollars(polls)),
    ] {
        assert!(readme.contains(&sentence), "{sentence}");
    }
    Ok(())
}

#[test]
fn the_log_line_that_is_counted_has_the_fields_that_the_code_writes() -> Result<()> {
    let line: Value = serde_json::from_str(&format!("{ATTEMPT_LINE}\"span\":{SPAN},\"spans\":[{SPAN}]}}"))?;
    let source = std::fs::read_to_string(root().join("functions/delivery/src/log.rs"))?;
    let (_, event) = source.split_once("tracing::info!(").context("no event")?;
    let (event, _) = event.split_once(");").context("no end of the event")?;
    let fields = event.lines().filter_map(|line| Some(line.split_once(" = ")?.0.trim()));
    // What is delivered at the first attempt has none of these, and none is not written.
    let absent = ["delivery.wait_seconds", "attempt.reason", "attempt.error"];
    let (missing, written): (Vec<_>, Vec<_>) = fields.partition(|field| line["fields"][*field].is_null());
    assert_eq!((missing, written.len()), (absent.to_vec(), 13));
    Ok(())
}

/// The table's rows, where every function gets so many events or messages at once.
fn rows(batch: usize) -> Result<Vec<Row>> {
    let (off, on) = (measure(false)?, measure(true)?);
    let batches = 1.0 / batch as f64;
    let row = |component, unit, price, off, on| Row { component, unit, price, off: shown(off), on: shown(on) };
    let both = |component, unit, price, units| row(component, unit, price, units, units);
    let record = kilobytes(on.record) as f64 * 1024.0 * MILLION / GB;
    let requests = |of: &Measured| {
        // One is up to 64 KB of the batch. It is sent, received and deleted; the last has no messages in it.
        batches * (2 * (batch * of.message).div_ceil(64 * 1024) + 1) as f64
    };
    let looked_up = batches * on.patterns as f64 * 0.5;
    let (payload_writes, payload_stored) = (writes(&on.payload), stored(&on.payload, "HistoryPayloadDays")?);
    let delivery = std::slice::from_ref(&on.delivery);
    let delivery_stored = stored(delivery, "HistoryDeliveryDays")?;
    let entries = delivery_stored * (on.indexed + ITEM_OVERHEAD) as f64
        / (size_of_item(&on.delivery) + ITEM_OVERHEAD) as f64;
    let delivery_writes = writes(delivery) + kilobytes(on.indexed) as f64;
    let fan_out = duration("FanOutFunction", batches, 2.0 * CALL_MS)?;
    let delivering = |calls: f64| duration("DeliveryFunction", batches, ANSWER_MS + calls * CALL_MS);
    Ok(vec![
        both("stream, in", "GB", price::STREAM_IN, record),
        both("stream, out", "GB", price::STREAM_OUT, record),
        both("invocations of both functions", "million", price::INVOCATIONS, 2.0 * batches),
        both("fan-out's time", "GB-second", price::ARM_DURATION, fan_out),
        row("delivery's time", "GB-second", price::ARM_DURATION, delivering(1.0)?, delivering(2.0)?),
        row("queue requests", "million", price::QUEUE, requests(&off), requests(&on)),
        row("the same, for fair queues", "million", price::FAIR_QUEUE, requests(&off), requests(&on)),
        both("registry reads", "million", price::READS, looked_up + on.registry_reads as f64),
        // The delivery is asked for, and there is none yet.
        row("history reads", "million", price::READS, 0.0, 1.0),
        row("payload writes", "million", price::WRITES, 0.0, payload_writes),
        row("delivery writes", "million", price::WRITES, 0.0, delivery_writes),
        row("history storage", "GB-month", price::STORAGE, 0.0, payload_stored + delivery_stored + entries),
        // An index is not backed up.
        row("history backup", "GB-month", price::BACKUP, 0.0, payload_stored + delivery_stored),
        both("logs", "GB", price::LOGS, logs(batches)),
        both("POSTs to the internet", "GB", price::INTERNET, on.request as f64 * MILLION / GB),
    ])
}

fn measure(is_history_on: bool) -> Result<Measured> {
    let shop = ShopDomain::parse("mynewstore.spiffystores.com")?;
    let id = EventId::parse("6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11")?;
    let now: Timestamp = "2026-11-21T15:00:00.123456Z".parse()?;
    let topic = Topic::parse("orders/create")?;
    let record = event_record(&shop, topic.as_str(), &id, now, sample_of(&topic));
    let origin = RecordOrigin { shard_id: "", sequence_number: "", arrived_at: now };
    let event = StoreEvent::parse(record.as_bytes(), &origin)?;
    let (webhook, installation) = (webhook(&shop)?, installation(&shop)?);
    let digest = event.payload.digest();
    let kept = is_history_on.then(|| digest.clone());
    let delivery = Delivery::of(&event, kept, webhook.id, webhook.app.clone(), now);
    let request = DeliveryRequest::build(&delivery, &webhook, &installation, &HeaderPrefix::default(), now)?;
    let headers = request.redacted_headers(&webhook.custom_headers);
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum();
    let request = bytes + request.body.len();
    let history = DeliveryHistory::begin(&delivery, SignedDuration::from_hours(24));
    let history = history.attempted(&delivery, made(&webhook, headers, now), Then::Delivered);
    let token = TokenHash::of("shtk_a");
    let registry = [
        to_item(WebhookItem::of(webhook))?,
        to_item(InstallationItem::of(installation, &token, now))?,
        // The failure run, which there is none of: a read finds nothing for a unit as well.
        Item::new(),
    ];
    let expires_at = history.expires_at;
    let payload = &event.payload.in_message();
    let payload = PayloadItem { shop: &shop, event_id: &id, digest: &digest, payload, expires_at }.parts()?;
    let item = to_item(DeliveryItem::of(history))?;
    Ok(Measured {
        record: record.len() + event.partition_key().len(),
        message: delivery.to_message().len(),
        patterns: topic.matching_patterns().len(),
        registry_reads: registry.iter().map(|item| size_of_item(item).div_ceil(4 * 1024).max(1)).sum(),
        request,
        payload,
        indexed: indexed(&item)?,
        delivery: item,
    })
}

fn webhook(shop: &ShopDomain) -> Result<Webhook> {
    Ok(serde_json::from_value(json!({
        "id": 1001, "shop": shop, "app": "my-app", "topic": "orders/create", "format": "json",
        "address": "https://app.example.com/webhooks/orders", "protocol": "webhook", "status": "active",
        "fields": [], "metafield_namespaces": [], "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z",
        "updated_at": "2026-11-21T15:00:00Z", "version": 1,
    }))?)
}

fn installation(shop: &ShopDomain) -> Result<Installation> {
    Ok(Installation {
        shop: shop.clone(),
        app: "my-app".parse()?,
        store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
        time_zone: "America/New_York".to_owned(),
        scopes: vec![],
        secrets: vec![SharedSecret::parse(&"s".repeat(32))?.into()],
        uninstalled_at: None,
    })
}

fn made(webhook: &Webhook, headers: Vec<(String, String)>, at: Timestamp) -> MadeAttempt {
    MadeAttempt {
        at,
        status: Some(200),
        error: None,
        latency_ms: 150,
        address: webhook.address.as_str().to_owned(),
        request: Some(SentRequest { headers, shape: BodyShape::of(webhook) }),
        answer: Some(KeptAnswer::of(br#"{"ok": true}"#)),
        details: None,
    }
}

/// How many bytes of a delivery's item the index holds.
fn indexed(item: &Item) -> Result<usize> {
    let index = &resource("HistoryTable")?["Properties"]["GlobalSecondaryIndexes"][0];
    let projected = index["Projection"]["NonKeyAttributes"].as_sequence().context("no projection")?;
    let keys = index["KeySchema"].as_sequence().context("no keys")?;
    let keys = keys.iter().map(|key| key["AttributeName"].as_str());
    let names = projected.iter().map(|name| name.as_str()).chain(keys).chain([Some("pk"), Some("sk")]);
    let names = names.collect::<Option<Vec<_>>>().context("a name that is no text")?;
    let held = item.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let held: Item = held.map(|(name, value)| (name.clone(), value.clone())).collect();
    ensure!(held.len() == names.len(), "the index holds {names:?}, and the item has {:?}", held.keys());
    Ok(size_of_item(&held))
}

/// The gigabyte-seconds of as many millions of invocations as there are batches for a delivery.
fn duration(function: &str, batches: f64, milliseconds: f64) -> Result<f64> {
    let memory = resource(function)?["Properties"]["MemorySize"].as_u64().context("no memory")?;
    Ok(batches * MILLION * milliseconds / 1_000.0 * memory as f64 / 1_024.0)
}

/// The gigabytes of log lines.
fn logs(batches: f64) -> f64 {
    // The span is in a line twice, as the current one and as the only one.
    let spans = 2 * SPAN.len() + r#""span":,"spans":[]}"#.len();
    let of_batch = FAN_OUT_LINE.len() + spans + 2 * PLATFORM_LINES.len();
    ((ATTEMPT_LINE.len() + spans) as f64 + batches * of_batch as f64) * MILLION / GB
}

/// How many units it takes to write these items.
fn writes(items: &[Item]) -> f64 {
    items.iter().map(|item| kilobytes(size_of_item(item))).sum::<usize>() as f64
}

/// The gigabyte-months of a million of these items, kept for as many days as this parameter says.
fn stored(items: &[Item], days: &str) -> Result<f64> {
    let days = template()?["Parameters"][days]["Default"].as_u64().context("no default")?;
    let bytes: usize = items.iter().map(|item| size_of_item(item) + ITEM_OVERHEAD).sum();
    Ok(bytes as f64 * MILLION / GB * (days * 24) as f64 / HOURS_PER_MONTH)
}

/// How large DynamoDB holds an item to be ("item sizes and formats").
fn size_of_item(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of(value)).sum()
}

fn size_of(value: &AttributeValue) -> usize {
    use AttributeValue::{B, L, M, N, S};
    match value {
        S(text) => text.len(),
        N(digits) => digits.len() / 2 + 2,
        B(bytes) => bytes.as_ref().len(),
        L(values) => 3 + values.iter().map(|value| 1 + size_of(value)).sum::<usize>(),
        M(members) => 3 + members.iter().map(|(name, value)| 1 + name.len() + size_of(value)).sum::<usize>(),
        _ => 1,
    }
}

fn kilobytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

impl Row {
    fn cells(&self) -> Result<Vec<String>> {
        let cost = |units| Ok::<_, anyhow::Error>(dollars(cents(units * number(self.price)?)));
        let Self { component, unit, price, off, on } = self;
        let (off_cost, on_cost) = (cost(*off)?, cost(*on)?);
        let (off, on) = (off.to_string(), on.to_string());
        Ok([component, unit, price, &*off, &*off_cost, &*on, &*on_cost].map(str::to_owned).to_vec())
    }
}

/// What the rows come to with the history off, and with it on.
fn totals(rows: &[Row]) -> Result<(String, String)> {
    let (mut off, mut on) = (0, 0);
    for row in rows {
        let price = number(row.price)?;
        off += cents(row.off * price);
        on += cents(row.on * price);
    }
    Ok((dollars(off), dollars(on)))
}

/// Units as the table shows them: whole ones where there are many, else to a thousandth.
fn shown(units: f64) -> f64 {
    if units >= 100.0 { units.round() } else { (units * 1_000.0).round() / 1_000.0 }
}

fn cents(dollars: f64) -> u64 {
    (dollars * 100.0).round() as u64
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn number(cell: &str) -> Result<f64> {
    cell.trim_start_matches('$').parse().with_context(|| format!("{cell} is no number"))
}

/// The cells of the README's table.
fn readme_table() -> Result<Vec<Vec<String>>> {
    let readme = readme()?;
    let lines = readme.lines().skip_while(|line| !line.starts_with("| per million deliveries |")).skip(2);
    let rows = lines.map_while(|line| line.strip_prefix('|')?.strip_suffix('|'));
    Ok(rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect())
}

fn readme() -> Result<String> {
    Ok(std::fs::read_to_string(root().join("README.md"))?)
}
