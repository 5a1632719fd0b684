//! Tenants: their items in the registry, and what they publish.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

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
    webhook::{Webhook, WebhookId, WebhookKey, whole_second},
};

use crate::{
    aws::Aws,
    clock,
    ledger::{Ledger, TenantLedger},
    scale::Scale,
    scenarios::Group,
};

/// The topic of all events.
const TOPIC: &str = "orders/create";

/// A tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    number: usize,
    shop: ShopDomain,
    app: AppId,
    group: Group,
    webhooks: usize,
    per_second: f64,
}

impl Tenant {
    /// The tenant with this number.
    pub(crate) fn new(number: usize, group: &Group, scale: Scale) -> Result<Self> {
        // A tenant with one webhook keeps it, at any scale.
        let webhooks = (scale.rate(group.webhooks).round() as usize).max(1);
        // Where the number of webhooks is scaled, the rate is not.
        let is_wide = group.webhooks > 1.0;
        let per_second = if is_wide { group.per_second } else { scale.rate(group.per_second) };
        let shop = format!("t{number}.example").parse()?;
        Ok(Self { number, shop, app: "simulated".parse()?, group: group.clone(), webhooks, per_second })
    }

    /// Puts the tenant into the registry and the ledger.
    pub(crate) fn install(
        &self,
        aws: &Aws,
        registry: &str,
        ledger: &Mutex<Ledger>,
        is_troubled: bool,
    ) -> Result<()> {
        let now = whole_second(clock::now());
        let secret = SharedSecret::parse("0123456789abcdef0123456789abcdef")?;
        let installation = Installation {
            shop: self.shop.clone(),
            app: self.app.clone(),
            store_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            scopes: vec![Scope::Webhooks, Scope::EventsPush],
            secrets: vec![secret.into()],
            uninstalled_at: None,
        };
        let token = TokenHash::of(&format!("token of {}", self.number));
        let mut items = vec![json_of(InstallationItem::of(installation, &token, now))?];
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.tenant(TenantLedger { is_troubled, webhooks: self.webhooks, ..TenantLedger::default() });
        for webhook in 0..self.webhooks {
            let host = format!("w{webhook}.t{}.example", self.number);
            ledger.endpoint(host.clone(), self.number, self.group.behaviour);
            let id = WebhookId::new((self.number * 10_000 + webhook + 1) as u64);
            let key = WebhookKey { id, shop: self.shop.clone(), app: self.app.clone() };
            let address = serde_json::from_value(format!("https://{host}/").into())?;
            let webhook = Webhook::new(key, TOPIC.parse()?, address, now);
            let webhook = Webhook { protocol: self.group.protocol, ..webhook };
            items.push(json_of(WebhookItem::of(webhook))?);
        }
        for item in items {
            aws.dynamodb().put(registry, &item).map_err(|refusal| anyhow!("{}: {}", refusal.0, refusal.1))?;
        }
        Ok(())
    }

    /// Publishes for so long, at random moments.
    pub(crate) async fn publish(
        self,
        aws: Aws,
        ledger: Arc<Mutex<Ledger>>,
        time: Duration,
        seed: u64,
    ) -> Result<()> {
        let mut random = fastrand::Rng::with_seed(seed ^ (self.number as u64) << 32);
        for number in 0_usize.. {
            if number >= self.group.burst {
                // The moments of independent events: the gaps are exponential.
                let gap = -(1.0 - random.f64()).ln() / self.per_second;
                let left = time.saturating_sub(clock::elapsed());
                tokio::time::sleep(Duration::from_secs_f64(gap).min(left)).await;
            }
            if clock::elapsed() >= time {
                return Ok(());
            }
            let event_id = format!("t{}-{number}", self.number);
            let payload =
                format!(r#"{{"id":{number},"total_price":"199.00","email":"bob@customer.example"}}"#);
            let pushed_by = self.group.is_pushed.then_some(&self.app);
            let record =
                event_record(&self.shop, TOPIC, &event_id.parse()?, clock::now(), pushed_by, &payload);
            ledger.lock().unwrap_or_else(PoisonError::into_inner).published(self.number, &event_id);
            aws.stream.put(&format!("{}/{number}", self.shop), record.into_bytes());
        }
        Ok(())
    }
}
