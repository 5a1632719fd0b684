//! Dead letters are sent again.

use std::{collections::BTreeSet, future::pending};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::Client;
use jiff::{Timestamp, ToSpan as _};
use reqwest::StatusCode;
use storehook::{
    drain::taken::End,
    redrive::{queues::Queues, redrive, redrive_between, selection::Args},
};
use storehook_domain::{
    delivery::{message::DeliveryMessage, subscriber::Subscriber},
    event::{StoreEvent, origin::RecordOrigin},
    history::state::DeliveryState,
    webhook::WebhookId,
};
use storehook_tests::{Delivered, Installed, Receiver, Stack, record};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const PAYLOAD: &str = r#"{"id": 327475578523353102,  "price": "19.99"}"#;

static STACK: OnceCell<Stack> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// The stack of these tests, for one test at a time: a redrive hides from others what it works on.
async fn turn() -> Result<(Stack, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().await;
    let stack = STACK.get_or_try_init(|| Stack::deploy("storehook-redrive", &[])).await?;
    Ok((stack.clone(), turn))
}

/// A delivery that was queued longer ago than the schedule goes on.
fn dead_letter(installed: &Installed, webhook: u64, event_id: &str) -> Result<String> {
    let queued_at = storehook_aws::now() - 49.hours();
    let event = record(&installed.shop, "orders/create", event_id, PAYLOAD);
    let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: queued_at };
    let event = StoreEvent::parse(event.as_bytes(), &origin)?;
    let webhook = WebhookId::new(webhook);
    Ok(DeliveryMessage::of(&event, None, &Subscriber::by_topic(webhook, installed.app.clone()), queued_at)
        .to_message())
}

/// Puts messages into a queue, and returns the id of the last.
async fn put(stack: &Stack, queue: &str, bodies: &[&str]) -> Result<String> {
    let client = Client::new(&stack.sdk());
    let url = stack.queue_url(queue).await?;
    let mut last = None;
    for body in bodies {
        last = client.send_message().queue_url(&url).message_body(*body).send().await?.message_id;
    }
    last.context("no message")
}

/// The bodies of what is in the dead-letter queue and visible, of this test.
async fn left(stack: &Stack, installed: &Installed) -> Result<BTreeSet<String>> {
    let messages = stack.messages("dead-letter", installed.shop.as_str()).await?;
    Ok(messages.into_iter().filter_map(|message| message.body).collect())
}

fn all<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn of(webhook: u64) -> Args {
    Args { webhook: Some(WebhookId::new(webhook)), dry_run: false }
}

fn ids(delivered: &[Delivered]) -> BTreeSet<String> {
    delivered.iter().map(|delivered| delivered.header("webhook-id").to_owned()).collect()
}

#[tokio::test]
async fn the_named_webhooks_dead_letters_are_delivered_and_the_rest_stays() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let wanted = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let other = installed.api.create_webhook("orders/*", &receiver.url).await?;
    let letters = [dead_letter(&installed, wanted, "o-1")?, dead_letter(&installed, wanted, "o-2")?];
    let other_letter = dead_letter(&installed, other, "o-1")?;
    let no_delivery = format!("{} is no delivery", installed.shop);
    put(&stack, "dead-letter", &[&other_letter, &letters[0], &no_delivery, &letters[1]]).await?;

    let summary = redrive(&stack.connection(), &of(wanted)).await?;
    summary.check()?;
    assert_eq!((summary.end, summary.redriven), (End::Complete, 2));
    assert!(summary.of_other_webhooks >= 1 && !summary.no_deliveries.is_empty(), "{summary}");

    let delivered = receiver.wait_for(2).await?;
    let (first, second) = (format!("{wanted}-o-1"), format!("{wanted}-o-2"));
    assert_eq!(ids(&delivered), all([first.as_str(), &second]));
    for delivered in &delivered {
        assert_eq!(delivered.header("x-spiffy-stores-replay"), "true");
        assert_eq!(delivered.body, PAYLOAD);
    }
    let history = stack.wait_until(&first, DeliveryState::Delivered).await?;
    assert_eq!((history.runs.len(), history.attempt_count), (1, 1));
    assert_eq!(left(&stack, &installed).await?, all([other_letter.as_str(), &no_delivery]));
    assert_eq!(receiver.so_far().len(), 2, "and nothing else was sent");
    Ok(())
}

#[tokio::test]
async fn a_dry_run_counts_dead_letters_and_moves_none() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let letters = [dead_letter(&installed, webhook, "o-1")?, dead_letter(&installed, webhook, "o-2")?];
    put(&stack, "dead-letter", &[&letters[1], &letters[0]]).await?;

    // The first one hides nothing from the second.
    for args in [Args { dry_run: true, ..of(webhook) }, Args { webhook: None, dry_run: true }] {
        let summary = redrive(&stack.connection(), &args).await?;
        summary.check()?;
        let found = summary.found.get(&WebhookId::new(webhook)).context("no dead letters were found")?;
        assert_eq!((found.count, &found.shop, &found.app), (2, &installed.shop, &installed.app));
        assert_eq!(found.oldest, queued_at(&letters[0])?);
        assert_eq!(summary.redriven, 0);
    }
    assert_eq!(left(&stack, &installed).await?, all(letters.iter().map(String::as_str)));
    assert!(receiver.so_far().is_empty());
    Ok(())
}

fn queued_at(message: &str) -> Result<Timestamp> {
    Ok(DeliveryMessage::parse(message.as_bytes())?.enqueued_at)
}

#[tokio::test]
async fn no_dead_letter_is_lost_when_the_delivery_queue_is_missing() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let webhook = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let letters = ["o-1", "o-2", "o-3"].map(|event_id| dead_letter(&installed, webhook, event_id));
    let letters = letters.into_iter().collect::<Result<Vec<_>>>()?;
    let letters: Vec<_> = letters.iter().map(String::as_str).collect();
    put(&stack, "dead-letter", &letters).await?;

    let mut queues = Queues::of(&stack.connection()).await?;
    queues.delivery.push_str("-nowhere");
    let summary = redrive_between(&queues, &of(webhook), pending()).await?;
    assert_eq!((summary.redriven, summary.unsent), (0, 3));
    let told = summary.check().map_err(|error| error.to_string());
    assert!(
        told.as_ref().is_err_and(|told| told.starts_with("3 dead letters could not be sent again")),
        "{told:?}"
    );
    assert_eq!(left(&stack, &installed).await?, all(letters));
    Ok(())
}

/// As it is after a redrive was killed between sending and deleting: what it has sent was
/// delivered, and the dead letter is still there.
#[tokio::test]
async fn deliveries_of_a_killed_redrive_arrive_once() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let webhook = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let letter = dead_letter(&installed, webhook, "o-1")?;
    let dead_id = put(&stack, "dead-letter", &[&letter]).await?;
    let sent =
        DeliveryMessage::parse(letter.as_bytes())?.redriven(&dead_id, storehook_aws::now()).to_message();
    put(&stack, "delivery", &[&sent]).await?;
    let delivery_id = format!("{webhook}-o-1");
    stack.wait_until(&delivery_id, DeliveryState::Delivered).await?;

    let summary = redrive(&stack.connection(), &of(webhook)).await?;
    summary.check()?;
    assert_eq!(summary.redriven, 1);
    stack.wait_for_count("delivery", 0).await?;
    assert_eq!(receiver.so_far().len(), 1);
    let history = stack.history_of(&delivery_id).await?.context("no history")?;
    assert_eq!((history.runs.len(), history.attempt_count), (1, 1));
    assert!(left(&stack, &installed).await?.is_empty());
    Ok(())
}
