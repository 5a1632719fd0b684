//! The soak on the local stack: the functions' own programs, sockets and the real clock.
//!
//! It starts a local stack whose functions call AWS through a `proxy`, which lets calls fail before they
//! reach the emulator, and afterwards. Tenants, endpoints, receipts, the faults and their rates, and the
//! audit are those of the soak in the simulator. `receivers` put the endpoints on sockets. Functions are
//! killed and stopped as `processes`, in the middle of a call or of a POST, so not a clock but the progress
//! of deliveries decides when.
//!
//! The emulator's own pollers of the queues do not pass through the proxy. So no receive is lost here, no
//! message is shown too early, and none stays undeleted. The poller of the stream passes through it.
//!
//! The seed decides the tenants, their events, and how often each fault happens. Which call a fault hits
//! depends on the order of calls, which no seed decides.

mod batches;
mod emulator;
mod invocations;
mod processes;
mod proxy;
mod receivers;
mod server;
mod settings;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use storehook::publish::publish;
use storehook_aws::{direct::Service, stream::Record};
use storehook_simulator::{
    faults::Faults,
    soak::{
        Audit, Books, Ended, Endpoints, Kind, Left, Plan, Published, Receipts, Tenant, all_tenants, begin_at,
        conclude, elapsed, kinds, next_tenant,
    },
};
use storehook_tests::{Local, Stack};
use tokio::{net::TcpListener, sync::watch};

use self::{emulator::Emulator, invocations::Invocations, proxy::Proxy, receivers::Receivers, server::serve};

/// Every wait of the schedule is multiplied by it: what takes 48 hours takes a minute and a half.
const TIME_SCALE: &str = "0.0005";

/// How long the outage of an endpoint takes, and for how long one that flaps is there or away.
const OUTAGE: Duration = Duration::from_secs(8);
const FLAP: Duration = Duration::from_secs(4);

/// How many deliveries are published a second.
const PER_SECOND: f64 = 100.0;

/// So many messages may wait. Beyond it, the publishers wait.
const MOST_WAITING: usize = 300;

/// From how many deliveries on some may die, which takes minutes.
const LARGE_FROM: u64 = 5_000;

/// How long it may take after the last event until all is quiet.
const QUIET_WITHIN: Duration = Duration::from_secs(15 * 60);

/// So many looks, a second apart, must find nothing that waits.
const LOOKS: usize = 4;

/// Runs a plan.
pub(super) fn run(plan: &Plan) -> Result<()> {
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    conclude(plan, &runtime.block_on(Soak::run(plan))?)
}

/// A soak that runs.
struct Soak {
    plan: Plan,
    faults: Faults,
    receipts: Arc<Mutex<Receipts>>,
    invocations: Arc<Invocations>,
    stack: Stack,
    emulator: Emulator,
}

impl Soak {
    async fn run(plan: &Plan) -> Result<Ended> {
        let faults = Faults::new(plan.rates.clone());
        let (receipts, invocations) = (Arc::default(), Arc::new(Invocations::new(faults.clone())));
        let (leads_to, emulator) = watch::channel(None);
        let proxy = Proxy { faults: faults.clone(), invocations: Arc::clone(&invocations), emulator };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let through = format!("http://{}", listener.local_addr()?);
        serve(listener, move |caller, parts, body| proxy.clone().handle(caller, parts, body));
        let arguments = ["--through", &through, "--retry-time-scale", TIME_SCALE];
        let local = Local::start("target/soak", &arguments).await?;
        let stack = Stack::of(&local.file);
        let emulator = Emulator::at(&stack.endpoint_url)?;
        leads_to.send_replace(Some(emulator.clone()));
        settings::change(&stack).await?;
        let soak = Self { plan: plan.clone(), faults, receipts, invocations, stack, emulator };
        soak.soak().await
    }

    async fn soak(&self) -> Result<Ended> {
        let mut random = fastrand::Rng::with_seed(self.plan.seed);
        let mut tenants = all_tenants(self.plan.deliveries, &mut random);
        for tenant in &mut tenants {
            let takes_too_long = match tenant.kind {
                // A webhook is disabled after five real days.
                Kind::Dead => true,
                Kind::Refuses => self.plan.deliveries < LARGE_FROM,
                _ => false,
            };
            if takes_too_long {
                tenant.kind = Kind::Healthy;
            }
        }
        let endpoints = Endpoints {
            receipts: Arc::clone(&self.receipts),
            faults: self.faults.clone(),
            kinds: Arc::new(kinds(&tenants)),
            outage: OUTAGE,
            flap: FLAP,
        };
        let receivers = Receivers { endpoints, invocations: Arc::clone(&self.invocations) };
        begin_at(storehook_aws::now());
        for tenant in &mut tenants {
            receivers.start(tenant).await?;
            let items = tenant.install(&mut self.receipts())?;
            self.put(items).await?;
        }
        begin_at(storehook_aws::now());
        self.publish(&tenants, &mut random).await?;
        let is_quiet = self.wait_until_quiet().await?;
        self.end(is_quiet, elapsed()).await
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts items into the registry.
    async fn put(&self, items: Vec<Value>) -> Result<()> {
        for item in items {
            let put = json!({"TableName": self.stack.resource("registry"), "Item": item});
            self.emulator.call(Service::DynamoDb, "PutItem", &put).await?;
        }
        Ok(())
    }

    /// Publishes all events. In the middle, it befalls the tenants what is to befall them.
    async fn publish(&self, tenants: &[Tenant], random: &mut fastrand::Rng) -> Result<()> {
        let mut has_changed = false;
        for event in 1.. {
            let published = self.receipts().published;
            if published >= self.plan.deliveries {
                break;
            }
            if !has_changed && published >= self.plan.deliveries / 2 {
                has_changed = true;
                for tenant in tenants {
                    self.change(tenant).await?;
                }
            }
            let tenant = next_tenant(tenants, has_changed, random).context("there are no tenants")?;
            // The moments of independent events: the gaps are exponential.
            let mean = tenant.webhooks.len() as f64 / PER_SECOND;
            tokio::time::sleep(Duration::from_secs_f64(mean * -(1.0 - random.f64()).ln())).await;
            if event % 50 == 0 {
                while self.stack.count("delivery").await? > MOST_WAITING {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            let records = tenant.publish(event, &self.faults, &self.receipts)?;
            self.put_onto_stream(records).await?;
        }
        Ok(())
    }

    async fn put_onto_stream(&self, records: impl IntoIterator<Item = Published>) -> Result<()> {
        let record = |published: Published| Record {
            partition_key: published.partition_key,
            data: published.record.into_bytes(),
        };
        publish(&self.stack.connection(), records.into_iter().map(record).collect()).await
    }

    /// What befalls a tenant in the middle befalls it.
    async fn change(&self, tenant: &Tenant) -> Result<()> {
        let change = tenant.change(&self.receipts)?;
        self.put(change.put).await?;
        for item in change.delete {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            let delete = json!({"TableName": self.stack.resource("registry"), "Key": key});
            self.emulator.call(Service::DynamoDb, "DeleteItem", &delete).await?;
        }
        if let Some(record) = change.publish {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.put_onto_stream([record]).await?;
        }
        Ok(())
    }

    /// Waits until nothing waits. Returns whether that is so in time.
    async fn wait_until_quiet(&self) -> Result<bool> {
        let until = elapsed() + QUIET_WITHIN;
        let mut looks = 0;
        while looks < LOOKS && elapsed() < until {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut is_quiet = self.invocations.has_no_events();
            for queue in ["delivery", "retry", "jobs"] {
                is_quiet = is_quiet && self.stack.count(queue).await? == 0;
            }
            looks = if is_quiet { looks + 1 } else { 0 };
        }
        Ok(looks == LOOKS)
    }

    /// The audit, when all is done.
    async fn end(&self, is_quiet: bool, took: Duration) -> Result<Ended> {
        let (mut receipts, mut books) = (std::mem::take(&mut *self.receipts()), Books::default());
        let letters = self.stack.messages("dead-letter", "").await?;
        let bodies = letters.iter().filter_map(|letter| letter.body());
        let items = self.history().await?;
        let left = Left {
            history: items.len(),
            letters: letters.len(),
            rejected: self.stack.count("rejected").await?,
            ..Left::default()
        };
        let mut audit = Audit::new(&self.faults, bodies, &mut receipts, &mut books);
        audit.settle_items(items);
        audit.end();
        let suppressed = settings::suppressed()?;
        let faults = self.faults.counts();
        Ok(Ended { receipts, books, faults, suppressed, took, is_quiet, sizes: Vec::new(), left })
    }

    /// All items of the history.
    async fn history(&self) -> Result<Vec<Value>> {
        let mut scan = json!({"TableName": self.stack.resource("history"), "ConsistentRead": true});
        let mut items = Vec::new();
        loop {
            let page = self.emulator.call(Service::DynamoDb, "Scan", &scan).await?;
            items.extend(page["Items"].as_array().into_iter().flatten().cloned());
            if page["LastEvaluatedKey"].is_null() {
                return Ok(items);
            }
            scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        }
    }
}
