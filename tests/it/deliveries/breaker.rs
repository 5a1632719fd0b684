//! Breakers: a failing endpoint's deliveries are held, and come back by themselves.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::registry::{HealthItem, HealthTable};
use storehook_domain::{job::recovery::Phase, webhook::WebhookKey};
use storehook_tests::{Installed, Receiver, Stack, eventually, record};
use tokio::sync::OnceCell;

/// A breaker opens after two failures that span 0.6 s, and the first probe comes a second later.
const PARAMETERS: [(&str, &str); 2] = [("BreakerFailures", "2"), ("RetryTimeScale", "0.01")];

static STACK: OnceCell<Stack> = OnceCell::const_new();

/// An endpoint that fails until it is mended, and its webhook.
struct Failing {
    stack: Stack,
    installed: Installed,
    receiver: Receiver,
    works: Arc<AtomicBool>,
    id: u64,
}

impl Failing {
    async fn start() -> Result<Self> {
        let stack = STACK.get_or_try_init(|| Stack::deploy("storehook-breaker", &PARAMETERS)).await?.clone();
        let installed = stack.install().await?;
        let works = Arc::new(AtomicBool::new(false));
        let is_up = works.clone();
        let receiver = Receiver::responding_with(move |_| {
            let is_up = is_up.load(Ordering::SeqCst);
            async move { if is_up { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR } }
        })
        .await?;
        let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
        Ok(Self { stack, installed, receiver, works, id })
    }

    /// The endpoint works from now on.
    fn mend(&self) {
        self.works.store(true, Ordering::SeqCst);
    }

    async fn publish(&self, events: &[&str]) -> Result<()> {
        let shop = &self.installed.shop;
        self.stack.publish(events.iter().map(|id| record(shop, "orders/create", id, "{}"))).await
    }

    async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.installed.api.call(Method::GET, path, None).await?.json)
    }

    /// The webhook, as its owner sees it.
    async fn shown(&self) -> Result<Value> {
        Ok(self.get(&format!("/admin/webhooks/{}.json", self.id)).await?["webhook"].clone())
    }

    async fn set_status(&self, status: &str) -> Result<()> {
        let path = format!("/admin/webhooks/{}.json", self.id);
        let body = Some(json!({"webhook": {"status": status}}));
        let response = self.installed.api.call(Method::PUT, &path, body).await?;
        ensure!(response.status == StatusCode::OK, "{}", response.json);
        Ok(())
    }

    async fn wait_until_open(&self) -> Result<()> {
        eventually("the breaker to open", || async {
            Ok((!self.shown().await?["failing_since"].is_null()).then_some(()))
        })
        .await
    }

    /// Waits until so many deliveries are held. Returns why each event is, as the list says.
    async fn wait_until_held(&self, count: usize) -> Result<BTreeMap<String, Value>> {
        let path = format!("/admin/webhooks/{}/deliveries.json?state=held", self.id);
        eventually(&format!("{count} deliveries to be held"), || async {
            let list = self.get(&path).await?;
            let held = list["deliveries"].as_array().context("no list")?.iter();
            let held: BTreeMap<_, _> = held
                .map(|held| {
                    (held["event_id"].as_str().unwrap_or_default().to_owned(), held["held_for"].clone())
                })
                .collect();
            Ok((held.len() == count).then_some(held))
        })
        .await
    }

    async fn health(&self) -> Result<HealthItem> {
        let client = aws_sdk_dynamodb::Client::new(&self.stack.sdk());
        let table = HealthTable { client, name: self.stack.resource("registry") };
        let key = WebhookKey {
            id: self.id.to_string().parse()?,
            shop: self.installed.shop.clone(),
            app: self.installed.app.clone(),
        };
        table.load(&key).await?.context("no health")
    }

    /// Waits until a whole pass of the catch-up has found nothing that is held.
    async fn wait_until_recovered(&self) -> Result<()> {
        eventually("the catch-up to find nothing", || async {
            let is_quiet = match self.health().await?.recovery.map(|recovery| recovery.phase) {
                None => true,
                Some(Phase::CatchUp(catch_up)) => catch_up.quiet_since.is_some(),
                Some(Phase::Open(_)) => false,
            };
            Ok(is_quiet.then_some(()))
        })
        .await
    }

    /// How often the endpoint took each event.
    fn taken(&self) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        for delivered in self.receiver.so_far().iter().filter(|delivered| delivered.status == StatusCode::OK)
        {
            *taken.entry(delivered.header("x-spiffy-stores-event-id").to_owned()).or_default() += 1;
        }
        taken
    }
}

fn each_once(events: &[&str]) -> BTreeMap<String, usize> {
    events.iter().map(|id| ((*id).to_owned(), 1)).collect()
}

#[tokio::test]
async fn what_a_failing_endpoint_missed_arrives_once_each_when_it_works_again() -> Result<()> {
    let failing = Failing::start().await?;
    let (told, all) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    let api = &failing.installed.api;
    for topic in ["webhooks/failing", "webhooks/recovered"] {
        api.create_webhook(topic, &told.url).await?;
    }
    api.create_webhook("*", &all.url).await?;
    let events = ["o-0", "o-1", "o-2", "o-3", "o-4"];
    failing.publish(&events[..1]).await?;
    failing.wait_until_open().await?;
    let attempts = failing.receiver.so_far().len();
    failing.publish(&events[1..]).await?;

    let held = failing.wait_until_held(events.len()).await?;
    assert!(held.values().all(|reason| *reason == "failing"), "{held:?}");
    let shown = failing.shown().await?;
    assert_eq!((&shown["status"], &shown["held_count"]), (&json!("active"), &json!(events.len())));
    assert!(shown["failing_since"].is_string() && shown["disables_at"].is_string(), "{shown}");
    let delivery = failing.get(&format!("/admin/deliveries/{}-o-1.json", failing.id)).await?;
    assert_eq!(delivery["delivery"]["held_for"], "failing");
    let list = failing.get("/admin/webhooks.json?fields=id,failing_since,next_probe_at").await?;
    assert_eq!(list["webhooks"][0]["failing_since"], shown["failing_since"], "{list}");
    assert!(list["webhooks"][0]["next_probe_at"].is_string(), "{list}");
    assert!(list["webhooks"][1]["failing_since"].is_null(), "{list}");
    let event = &told.wait_for(1).await?[0];
    assert_eq!(event.header("x-spiffy-stores-topic"), "webhooks/failing");
    let payload: Value = serde_json::from_slice(&event.body)?;
    assert_eq!(payload["id"], failing.id);

    // A probe is another delivery each time.
    failing
        .receiver
        .wait_until("two probes", |answered| {
            let probed: std::collections::BTreeSet<_> = answered[attempts.min(answered.len())..]
                .iter()
                .map(|delivered| delivered.header("webhook-id").to_owned())
                .collect();
            probed.len() >= 2
        })
        .await?;
    failing.mend();
    let arrived = failing
        .receiver
        .wait_until("all events", |answered| {
            answered.iter().filter(|delivered| delivered.status == StatusCode::OK).count() >= events.len()
        })
        .await?;
    let replayed = arrived.iter().filter(|delivered| !delivered.header("x-spiffy-stores-replay").is_empty());
    assert_eq!(replayed.count(), 0, "neither a probe nor a catch-up is a replay");
    failing.wait_until_recovered().await?;
    assert_eq!(failing.taken(), each_once(&events));
    let shown = failing.shown().await?;
    for (name, expected) in [
        ("failing_since", Value::Null),
        ("next_probe_at", Value::Null),
        ("disables_at", Value::Null),
        ("held_count", json!(0)),
    ] {
        assert_eq!(shown[name], expected, "{name}: {shown}");
    }

    let told = told.wait_for(2).await?;
    assert_eq!(told[1].header("x-spiffy-stores-topic"), "webhooks/recovered");
    let payload: Value = serde_json::from_slice(&told[1].body)?;
    assert_eq!(payload["id"], failing.id);
    assert_eq!(told.len(), 2, "each is told once");
    let topics: Vec<_> = all
        .wait_for(events.len())
        .await?
        .iter()
        .map(|one| one.header("x-spiffy-stores-topic").to_owned())
        .collect();
    assert!(topics.iter().all(|topic| topic == "orders/create"), "{topics:?}");
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_was_paused_while_it_failed_recovers_when_it_is_resumed() -> Result<()> {
    let failing = Failing::start().await?;
    failing.publish(&["o-0"]).await?;
    failing.wait_until_open().await?;
    failing.publish(&["o-1", "o-2"]).await?;
    failing.wait_until_held(3).await?;
    failing.set_status("paused").await?;
    failing.publish(&["p-0"]).await?;
    let held = failing.wait_until_held(4).await?;
    assert_eq!(held["p-0"], "paused", "{held:?}");
    eventually("the probes to stop", || async {
        let is_parked = failing.health().await?.recovery.is_some_and(|recovery| recovery.due_at.is_none());
        Ok(is_parked.then_some(()))
    })
    .await?;
    let shown = failing.shown().await?;
    assert!(shown["failing_since"].is_string() && shown["next_probe_at"].is_null(), "{shown}");
    assert_eq!((&shown["disables_at"], &shown["held_count"]), (&Value::Null, &json!(4)));

    failing.mend();
    failing.set_status("active").await?;
    failing
        .receiver
        .wait_until("what was held for its endpoint", |answered| {
            answered.iter().filter(|delivered| delivered.status == StatusCode::OK).count() >= 3
        })
        .await?;
    failing.wait_until_recovered().await?;
    assert_eq!(failing.taken(), each_once(&["o-0", "o-1", "o-2"]));
    let held = failing.wait_until_held(1).await?;
    assert_eq!(held["p-0"], "paused", "its owner replays what came while it was paused");
    Ok(())
}
