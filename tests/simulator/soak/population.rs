//! Installing tenants, publishing their events, and what befalls them in the middle.

use std::{sync::Mutex, time::Duration};

use anyhow::{Result, anyhow};
use storehook_aws::{
    registry::{InstallationItem, WebhookItem},
    stand_in::json_of,
};
use storehook_domain::{
    event::pushed::event_record,
    installation::{
        Installation, Scope, app::AppId, secret::SharedSecret, shop::ShopDomain, token::TokenHash,
    },
    webhook::{Protocol, Status, Webhook, WebhookId, WebhookKey, whole_second},
};

use super::{
    receipts::{Key, Receipts, Subscriber},
    tenants::{Kind, Tenant},
};
use crate::{
    aws::Aws,
    clock,
    deployment::REGISTRY,
    faults::{Fault, subjects_of},
    refusal::Refusal,
};

const TOPIC: &str = "orders/create";

/// The payload of an event.
pub(super) fn payload_of(event: u32) -> String {
    format!(r#"{{"id":{event},"total_price":"199.00","email":"bob@customer.example"}}"#)
}

/// The number of the webhook whose address this is.
pub(super) fn host_webhook(address: &str) -> Option<u32> {
    address.strip_prefix("https://w")?.split_once('.')?.0.parse().ok()
}

fn refused(refusal: Refusal) -> anyhow::Error {
    anyhow!("{}: {}", refusal.0, refusal.1)
}

impl Tenant {
    fn shop(&self) -> Result<ShopDomain> {
        Ok(format!("t{}.example", self.number).parse()?)
    }

    fn app() -> Result<AppId> {
        Ok("soaked".parse()?)
    }

    fn webhook(&self, number: u32) -> Result<Webhook> {
        let key = WebhookKey { id: WebhookId::new(number.into()), shop: self.shop()?, app: Self::app()? };
        let address = serde_json::from_value(format!("https://w{number}.example/").into())?;
        let topic = if self.kind == Kind::Pattern { "orders/*" } else { TOPIC };
        let webhook = Webhook::new(key, topic.parse()?, address, whole_second(clock::now()));
        let protocol = if self.kind == Kind::Delays { Protocol::Integration } else { Protocol::Webhook };
        Ok(Webhook { protocol, ..webhook })
    }

    /// Puts the tenant into the registry and the receipts.
    pub(super) fn install(&self, aws: &Aws, receipts: &mut Receipts) -> Result<()> {
        let installation = Installation {
            shop: self.shop()?,
            app: Self::app()?,
            store_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            scopes: vec![Scope::Webhooks, Scope::EventsPush],
            secrets: vec![SharedSecret::parse(&self.secret)?.into()],
            uninstalled_at: None,
        };
        let token = TokenHash::of(&format!("token of {}", self.number));
        let item = InstallationItem::of(installation, &token, whole_second(clock::now()));
        aws.dynamodb().put(REGISTRY, &json_of(item)?).map_err(refused)?;
        for number in &self.webhooks {
            let item = json_of(WebhookItem::of(self.webhook(*number)?))?;
            aws.dynamodb().put(REGISTRY, &item).map_err(refused)?;
            receipts.subscribers.insert(*number, Subscriber::new(&self.secret, self.kind.is_healthy()));
        }
        Ok(())
    }

    /// Publishes an event, to each of its webhooks.
    pub(super) fn publish(&self, event: u32, aws: &Aws, receipts: &Mutex<Receipts>) -> Result<()> {
        let (shop, app) = (self.shop()?, Self::app()?);
        let pushed_by = (self.kind == Kind::Pushed).then_some(&app);
        let id = format!("e{event}").parse()?;
        let record = event_record(&shop, TOPIC, &id, clock::now(), pushed_by, &payload_of(event));
        let mut receipts = receipts.lock().map_err(|_| anyhow!("a receipt was not noted"))?;
        for webhook in &self.webhooks {
            receipts.published(Key { webhook: *webhook, event });
        }
        let times = 1 + usize::from(aws.faults.happens(Fault::PublishedTwice));
        for _ in 0..times {
            aws.stream.put(&format!("{shop}/{event}"), record.clone().into_bytes());
        }
        if times > 1 {
            aws.faults.touch(&subjects_of(&record), &[Fault::PublishedTwice]);
        }
        Ok(())
    }

    /// Deletes the webhooks.
    pub(super) fn delete(&self, aws: &Aws) -> Result<()> {
        for number in &self.webhooks {
            let item = json_of(WebhookItem::of(self.webhook(*number)?))?;
            aws.dynamodb().remove(REGISTRY, &item).map_err(refused)?;
        }
        Ok(())
    }

    /// What befalls the tenant in the middle, if anything does.
    pub(super) async fn change(&self, aws: &Aws, receipts: &Mutex<Receipts>) -> Result<()> {
        for number in &self.webhooks {
            let webhook = self.webhook(*number)?;
            if self.kind == Kind::Paused {
                let paused = Webhook { status: Status::Paused, version: webhook.version + 1, ..webhook };
                aws.dynamodb().put(REGISTRY, &json_of(WebhookItem::of(paused))?).map_err(refused)?;
            }
        }
        if self.kind == Kind::Deleted {
            self.delete(aws)?;
        }
        if self.kind == Kind::Uninstalled {
            // The store tells of it as of everything else.
            let record = event_record(
                &self.shop()?,
                "app/uninstalled",
                &"uninstalled".parse()?,
                clock::now(),
                None,
                "{}",
            );
            let record = record.replacen('{', r#"{"app":"soaked","#, 1);
            // The clocks of a store and of whoever installs may differ by a minute.
            tokio::time::sleep(Duration::from_secs(1)).await;
            aws.stream.put(&format!("{}/0", self.shop()?), record.into_bytes());
        }
        if self.kind.ends() {
            let mut receipts = receipts.lock().map_err(|_| anyhow!("a receipt was not noted"))?;
            for number in &self.webhooks {
                if let Some(subscriber) = receipts.subscribers.get_mut(number) {
                    subscriber.is_gone = true;
                }
            }
        }
        Ok(())
    }
}
