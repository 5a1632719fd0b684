//! The course of a soak: publishing, waiting until all is quiet, and the audit.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};
use storehook_aws::metrics::Metric;
use tokio::task::{JoinHandle, LocalSet};

use super::{
    audit::Audit,
    books::Books,
    ended::{Ended, Left, Size},
    endpoints::Endpoints,
    memory,
    plan::Plan,
    population::Published,
    receipts::Receipts,
    tenants::{self, Kind, Tenant},
};
use crate::{
    aws::Aws,
    clock,
    deployment::{self, DEAD, HISTORY, REGISTRY, REJECTED},
    faults::Faults,
    functions::Counted,
    refusal::Refusal,
    simulation::is_quiet,
    template::Template,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long an outage takes, and for how long an endpoint that flaps is there or away.
const OUTAGE: Duration = Duration::from_secs(6 * 3_600);
const FLAP: Duration = Duration::from_secs(600);

/// How long it may take after the last event: a dead endpoint is disabled after five days.
const QUIET_WITHIN: Duration = Duration::from_secs(10 * 86_400);

/// How long after the end everything has expired.
const EXPIRED_AFTER: Duration = Duration::from_secs(32 * 86_400);

/// A soak that runs.
struct Soak {
    plan: Plan,
    aws: Aws,
    receipts: Arc<Mutex<Receipts>>,
    counted: Counted,
    books: Books,
    suppressed: i64,
    sizes: Vec<Size>,
    next_look: Duration,
}

/// Runs a plan.
pub(super) fn run(plan: &Plan) -> Result<Ended> {
    clock::run(plan.seed, async { LocalSet::new().run_until(soak(plan)).await })?
}

async fn soak(plan: &Plan) -> Result<Ended> {
    let (template, options) = (Template::read()?, plan.options());
    let faults = Faults::new(plan.rates.clone());
    let aws = deployment::aws(&template, &faults, &options)?;
    let receipts: Arc<Mutex<Receipts>> = Arc::default();
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let tenants = tenants::all(plan.deliveries, &mut random);
    for tenant in &tenants {
        put(&aws, &tenant.install(&mut lock(&receipts))?)?;
    }
    let installed = registry_keys(&aws);
    let kinds = Arc::new(tenants::kinds(&tenants));
    let endpoints = Endpoints { receipts: receipts.clone(), faults, kinds, outage: OUTAGE, flap: FLAP };
    let counted = Counted::default();
    let pollers = deployment::start(&template, &options, &aws, (endpoints.script(), &None), &counted)?;
    let mut soak = Soak {
        plan: plan.clone(),
        aws,
        receipts,
        counted,
        books: Books::default(),
        suppressed: 0,
        sizes: Vec::new(),
        next_look: HOUR,
    };
    soak.publish(&tenants, &mut random).await?;
    let is_quiet = soak.wait_until(QUIET_WITHIN, is_quiet).await;
    let took = clock::elapsed();
    if plan.kept_days.is_some() {
        // A webhook that was disabled keeps its recovery for when it is enabled again.
        for tenant in tenants.iter().filter(|tenant| tenant.kind == Kind::Dead) {
            delete(&soak.aws, &tenant.webhook_items()?)?;
        }
        // So that a sweep sees it.
        soak.wait_until(HOUR, |_| false).await;
    }
    ensure!(!pollers.iter().any(JoinHandle::is_finished), "a poller panicked");
    if plan.kept_days.is_some() {
        // Nothing is left to do, and idle functions would cost most of the time.
        pollers.iter().for_each(JoinHandle::abort);
        soak.wait_until(EXPIRED_AFTER, |_| false).await;
    }
    Ok(soak.end(&installed, is_quiet, took))
}

/// Puts items into the registry.
fn put(aws: &Aws, items: &[Value]) -> Result<()> {
    items.iter().try_for_each(|item| aws.dynamodb().put(REGISTRY, item)).map_err(refused)
}

/// Deletes items from the registry.
fn delete(aws: &Aws, items: &[Value]) -> Result<()> {
    items.iter().try_for_each(|item| aws.dynamodb().remove(REGISTRY, item)).map_err(refused)
}

fn refused(refusal: Refusal) -> anyhow::Error {
    anyhow!("{}: {}", refusal.0, refusal.1)
}

/// The keys of the registry's items.
fn registry_keys(aws: &Aws) -> BTreeSet<String> {
    let key = |item: &Value| format!("{} {}", item["pk"]["S"], item["sk"]["S"]);
    aws.dynamodb().items(REGISTRY).map(|item| key(&Value::Object(item))).collect()
}

fn lock(receipts: &Mutex<Receipts>) -> MutexGuard<'_, Receipts> {
    receipts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Soak {
    /// Publishes all events, at random moments. In the middle, it befalls the tenants what is to befall
    /// them.
    async fn publish(&mut self, tenants: &[Tenant], random: &mut fastrand::Rng) -> Result<()> {
        let mut has_changed = false;
        for event in 1.. {
            let published = lock(&self.receipts).published;
            if published >= self.plan.deliveries {
                break;
            }
            if !has_changed && published >= self.plan.deliveries / 2 {
                has_changed = true;
                for tenant in tenants {
                    self.change(tenant).await?;
                }
            }
            let Some(tenant) = tenants::next(tenants, has_changed, random) else { break };
            // The moments of independent events: the gaps are exponential.
            let mean = self.plan.time.mul_f64(tenant.webhooks.len() as f64 / self.plan.deliveries as f64);
            tokio::time::sleep(mean.mul_f64(-(1.0 - random.f64()).ln())).await;
            self.look();
            for Published { partition_key, record } in
                tenant.publish(event, &self.aws.faults, &self.receipts)?
            {
                self.aws.stream.put(&partition_key, record.into_bytes());
            }
        }
        Ok(())
    }

    /// What befalls a tenant in the middle befalls it.
    async fn change(&self, tenant: &Tenant) -> Result<()> {
        let change = tenant.change(&self.receipts)?;
        put(&self.aws, &change.put)?;
        delete(&self.aws, &change.delete)?;
        if let Some(Published { partition_key, record }) = change.publish {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.aws.stream.put(&partition_key, record.into_bytes());
        }
        Ok(())
    }

    /// Waits until this is so, for at most this time. Returns whether it is.
    async fn wait_until(&mut self, most: Duration, is_so: impl Fn(&Aws) -> bool) -> bool {
        let until = clock::elapsed() + most;
        while !is_so(&self.aws) && clock::elapsed() < until {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.look();
        }
        is_so(&self.aws)
    }

    /// Once an hour, what the functions counted; once a day, what has expired.
    fn look(&mut self) {
        if clock::elapsed() < self.next_look {
            return;
        }
        self.suppressed += self.counted.take().counted(Metric::Suppressed);
        if self.plan.kept_days.is_some() && self.next_look.as_secs().is_multiple_of(DAY.as_secs()) {
            self.end_day();
        }
        self.next_look += HOUR;
    }

    fn end_day(&mut self) {
        self.aws.sqs.expire();
        self.aws.dynamodb().expired(REGISTRY, clock::now());
        let expired = self.aws.dynamodb().expired(HISTORY, clock::now());
        let letters = self.aws.sqs.bodies(DEAD);
        Audit::new(&self.aws.faults, letters, &mut lock(&self.receipts), &mut self.books)
            .settle_items(expired.into_iter().map(|item| json!(item)));
        let receipts = lock(&self.receipts);
        let known: HashSet<String> = receipts.open.keys().flat_map(|key| key.subjects()).collect();
        self.aws.faults.retain(|subject| known.contains(subject));
        let items = {
            let dynamodb = self.aws.dynamodb();
            [HISTORY, REGISTRY].map(|table| dynamodb.count(table)).iter().sum()
        };
        self.sizes.push(Size { items, open: receipts.open.len(), resident: memory::resident() });
    }

    /// The audit, when all is done. These items of the registry were installed.
    fn end(mut self, installed: &BTreeSet<String>, is_quiet: bool, took: Duration) -> Ended {
        self.suppressed += self.counted.take().counted(Metric::Suppressed);
        let mut receipts = std::mem::take(&mut *lock(&self.receipts));
        let items: Vec<_> = self.aws.dynamodb().items(HISTORY).map(|item| json!(item)).collect();
        let letters = self.aws.sqs.bodies(DEAD);
        let mut audit = Audit::new(&self.aws.faults, letters, &mut receipts, &mut self.books);
        audit.settle_items(items);
        audit.end();
        let history = self.aws.dynamodb().count(HISTORY);
        let registry = registry_keys(&self.aws).difference(installed).cloned().collect();
        let letters = self.aws.sqs.depth(DEAD);
        let rejected = self.aws.sqs.depth(REJECTED);
        let faults = self.aws.faults.counts();
        let Self { books, suppressed, sizes, .. } = self;
        let left = Left { history, registry, letters, rejected };
        Ended { receipts, books, faults, suppressed, took, is_quiet, sizes, left }
    }
}
