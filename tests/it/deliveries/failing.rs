//! An endpoint that fails until it is mended, and its webhook.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use axum::Json;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::registry::{HealthItem, HealthTable};
use storehook_domain::{job::recovery::Phase, webhook::WebhookKey};
use storehook_tests::{Installed, Receiver, Stack, eventually, record};

/// An endpoint that fails until it is mended, and its webhook.
pub(super) struct Failing {
    pub(super) stack: Stack,
    pub(super) installed: Installed,
    pub(super) receiver: Receiver,
    works: Arc<AtomicBool>,
    pub(super) id: u64,
}

impl Failing {
    pub(super) async fn start(stack: Stack) -> Result<Self> {
        Self::start_as(stack, "webhook", "ok").await
    }

    /// An integration endpoint that asks for a delay when it works.
    pub(super) async fn start_delaying(stack: Stack) -> Result<Self> {
        Self::start_as(stack, "integration", "delay").await
    }

    async fn start_as(stack: Stack, protocol: &str, result: &'static str) -> Result<Self> {
        let installed = stack.install().await?;
        let works = Arc::new(AtomicBool::new(false));
        let is_up = works.clone();
        let receiver = Receiver::responding_to_requests(move |_, headers| {
            let is_up = is_up.load(Ordering::SeqCst);
            let status = if is_up { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
            let event = headers.get("x-spiffy-stores-event-id").and_then(|id| id.to_str().ok());
            let verdict = json!({"event_id": event, "result": result, "delay": 600});
            async move { (status, Json(verdict)) }
        })
        .await?;
        let webhook = json!({"topic": "orders/create", "address": receiver.url, "protocol": protocol});
        let id = installed.api.create_webhook_with(webhook).await?;
        Ok(Self { stack, installed, receiver, works, id })
    }

    /// The endpoint works from now on.
    pub(super) fn mend(&self) {
        self.works.store(true, Ordering::SeqCst);
    }

    pub(super) async fn publish(&self, events: &[&str]) -> Result<()> {
        let shop = &self.installed.shop;
        self.stack.publish(events.iter().map(|id| record(shop, "orders/create", id, "{}"))).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.installed.api.call(Method::GET, path, None).await?.json)
    }

    /// The webhook, as its owner sees it.
    pub(super) async fn shown(&self) -> Result<Value> {
        Ok(self.get(&format!("/admin/webhooks/{}.json", self.id)).await?["webhook"].clone())
    }

    pub(super) async fn change(&self, attributes: Value) -> Result<()> {
        let path = format!("/admin/webhooks/{}.json", self.id);
        let body = Some(json!({"webhook": attributes}));
        let response = self.installed.api.call(Method::PUT, &path, body).await?;
        ensure!(response.status == StatusCode::OK, "{}", response.json);
        Ok(())
    }

    pub(super) async fn wait_until_open(&self) -> Result<()> {
        eventually("the breaker to open", || async {
            Ok((!self.shown().await?["failing_since"].is_null()).then_some(()))
        })
        .await
    }

    /// Waits until so many deliveries are held. Returns why each event is, as the list says.
    pub(super) async fn wait_until_held(&self, count: usize) -> Result<BTreeMap<String, Value>> {
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

    /// Waits until so many deliveries count as waiting for a retry.
    pub(super) async fn wait_until_waiting(&self, count: u64) -> Result<()> {
        eventually(&format!("{count} deliveries to wait"), || async {
            let health = self.find_health().await?;
            Ok(health.filter(|health| health.waiting() == count).map(|_| ()))
        })
        .await
    }

    /// Waits until a delivery is held for this reason.
    pub(super) async fn wait_until_held_for(&self, reason: &str) -> Result<()> {
        let path = format!("/admin/webhooks/{}/deliveries.json?state=held", self.id);
        eventually(&format!("a delivery to be held for {reason}"), || async {
            let list = self.get(&path).await?;
            let mut held = list["deliveries"].as_array().context("no list")?.iter();
            Ok(held.any(|held| held["held_for"] == reason).then_some(()))
        })
        .await
    }

    pub(super) async fn health(&self) -> Result<HealthItem> {
        self.find_health().await?.context("no health")
    }

    async fn find_health(&self) -> Result<Option<HealthItem>> {
        Ok(self.table().load(&self.key()?).await?)
    }

    /// Loses the next step of the recovery, which was due long ago: no message makes it any more.
    /// Parked, it has none.
    pub(super) async fn lose_step(&self, is_parked: bool) -> Result<()> {
        let long_ago = storehook_aws::now() - Duration::from_secs(120);
        self.replace_step((!is_parked).then_some(long_ago)).await
    }

    /// From now on no probe comes by itself.
    pub(super) async fn stop_probes(&self) -> Result<()> {
        self.replace_step(Some(storehook_aws::now() + Duration::from_secs(3_600))).await
    }

    /// Replaces the next step of the recovery by one that has no message.
    async fn replace_step(&self, due_at: Option<Timestamp>) -> Result<()> {
        eventually("the step to be replaced", || async {
            let health = self.health().await?;
            let mut recovery = health.recovery.context("no recovery")?;
            recovery.steps += 100;
            recovery.due_at = due_at;
            let key = self.key()?;
            let is_lost = self.table().put_recovery(&key, health.recovery_version, &recovery, false).await?;
            Ok(is_lost.ok())
        })
        .await
    }

    fn table(&self) -> HealthTable {
        let client = aws_sdk_dynamodb::Client::new(&self.stack.sdk());
        HealthTable { client, name: self.stack.resource("registry") }
    }

    fn key(&self) -> Result<WebhookKey> {
        let Installed { shop, app, .. } = &self.installed;
        Ok(WebhookKey { id: self.id.to_string().parse()?, shop: shop.clone(), app: app.clone() })
    }

    /// Waits until a whole pass of the catch-up has found nothing that is held.
    pub(super) async fn wait_until_recovered(&self) -> Result<()> {
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
    pub(super) fn taken(&self) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        for delivered in self.receiver.so_far().iter().filter(|delivered| delivered.status == StatusCode::OK)
        {
            *taken.entry(delivered.header("x-spiffy-stores-event-id").to_owned()).or_default() += 1;
        }
        taken
    }
}

/// Each of these events, taken once.
pub(super) fn each_once(events: &[&str]) -> BTreeMap<String, usize> {
    events.iter().map(|id| ((*id).to_owned(), 1)).collect()
}
