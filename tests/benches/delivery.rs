//! What a delivery costs: the CPU time of the delivery function's process for 1,000 deliveries, beside that
//! of bare loops that sign and POST the same bytes (`tests/harness/bench`).
//!
//! `cargo bench -p storehook-tests --bench delivery [-- --count 10000 --rounds 3]`. It needs no stack. A
//! ratio is to the loop of reqwest with the same batch and body, in the same round.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use storehook_tests::bench::{
    Arguments, Endpoint, Function, Limit, Message, Programs, Report, StubAws, median, messages_event, order,
    rounded,
};

/// How many batches are delivered before the time counts.
const WARM_UP: usize = 20;

/// A row: whether the history is on, how many messages a batch has, and how many bytes a payload.
struct Case {
    has_history: bool,
    batch: usize,
    bytes: usize,
    seconds: Vec<f64>,
    ratios: Vec<f64>,
    peak_memory: u64,
}

/// A loop beside them.
struct Beside {
    limit: Limit,
    batch: usize,
    bytes: usize,
    seconds: Vec<f64>,
}

fn main() -> Result<()> {
    if Limit::runs()? {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Result<()> {
    let arguments = Arguments::read();
    let programs = Programs::of_functions(&["delivery"], &arguments).await?;
    let endpoint = Endpoint::start().await?;
    let aws = StubAws::start(1, &endpoint.url).await?;
    let (mut beside, mut cases) = (beside(), cases());
    cases.retain(|case| arguments.wants(&case.name()));
    beside.retain(|of| cases.iter().any(|case| (case.batch, case.bytes) == (of.batch, of.bytes)));
    let mut numbers = 0..;
    for _ in 0..arguments.rounds {
        for of in &mut beside {
            let posts = posts(&arguments, of.batch);
            let cpu = of.limit.measure(&endpoint, of.bytes, of.batch, posts).await?;
            of.seconds.push(per_thousand(cpu, posts));
        }
        for case in &mut cases {
            let posts = posts(&arguments, case.batch);
            case.measure(&programs, &aws, &endpoint, &mut numbers, posts).await?;
            let base = beside
                .iter()
                .find(|of| of.limit == Limit::Reqwest && (of.batch, of.bytes) == (case.batch, case.bytes));
            let last = |seconds: &[f64]| seconds.last().copied().unwrap_or(f64::NAN);
            case.ratios.push(last(&case.seconds) / base.map_or(f64::NAN, |base| last(&base.seconds)));
        }
    }
    let mut report = Report::of("delivery");
    for Beside { limit, batch, bytes, seconds } in beside {
        let name = format!("bare {} loop, {batch} x {} KB", limit.name(), bytes / 1_000);
        report.add(row(&name, median(seconds), None, None))?;
    }
    for case in cases {
        let (seconds, ratio) = (median(case.seconds.clone()), median(case.ratios.clone()));
        report.add(row(&case.name(), seconds, Some(ratio), Some(case.peak_memory)))?;
    }
    report.write()
}

fn row(name: &str, seconds: f64, ratio: Option<f64>, peak_memory: Option<u64>) -> Value {
    json!({
        "what": name, "CPU s / 1,000": rounded(seconds, 4),
        "ratio": ratio.map(|ratio| rounded(ratio, 2)),
        "peak MB": peak_memory.map(|bytes| rounded(bytes as f64 / 1e6, 1)),
    })
}

/// The loops: each once for each batch and body.
fn beside() -> Vec<Beside> {
    let sizes = [(10, 2_000), (10, 20_000), (1, 2_000), (100, 20_000)];
    let each = |(batch, bytes)| Limit::ALL.map(|limit| Beside { limit, batch, bytes, seconds: Vec::new() });
    sizes.into_iter().flat_map(each).collect()
}

fn cases() -> Vec<Case> {
    let rows = [
        (false, 10, 2_000),
        (false, 10, 20_000),
        (true, 10, 2_000),
        (true, 10, 20_000),
        (false, 1, 2_000),
        (true, 1, 2_000),
        (true, 100, 20_000),
    ];
    let case = |(has_history, batch, bytes)| Case {
        has_history,
        batch,
        bytes,
        seconds: Vec::new(),
        ratios: Vec::new(),
        peak_memory: 0,
    };
    rows.map(case).into()
}

/// How many deliveries a row measures. A batch of one costs most, and is measured with fewer.
fn posts(arguments: &Arguments, batch: usize) -> usize {
    let posts = arguments.count_or(10_000) / if batch == 1 { 4 } else { 1 };
    (posts / batch).max(1) * batch
}

fn per_thousand(cpu: Duration, posts: usize) -> f64 {
    cpu.as_secs_f64() * 1_000.0 / posts as f64
}

impl Case {
    fn name(&self) -> String {
        let history = if self.has_history { "on" } else { "off" };
        format!("history {history}, {} x {} KB", self.batch, self.bytes / 1_000)
    }

    /// Measures the row once, in a process of its own.
    async fn measure(
        &mut self,
        programs: &Programs,
        aws: &StubAws,
        endpoint: &Endpoint,
        numbers: &mut impl Iterator<Item = usize>,
        posts: usize,
    ) -> Result<()> {
        let payload = order(self.bytes);
        let days = if self.has_history { "30" } else { "0" };
        let mut function =
            Function::start((programs, "delivery"), aws, &[("HISTORY_DELIVERY_DAYS", days)]).await?;
        let counts = || (endpoint.posts(), aws.calls("PutItem"));
        let (mut began, mut before) = (Duration::ZERO, (0, 0));
        for number in 0..WARM_UP + posts / self.batch {
            if number == WARM_UP {
                (began, before) = (function.cpu()?, counts());
            }
            let messages: Vec<_> =
                numbers.take(self.batch).map(|number| Message { number, webhook: 1 }).collect();
            let response = function.invoke(&messages_event(&messages, &payload, self.has_history)?).await?;
            ensure!(response == json!({"batchItemFailures": []}), "{response}");
        }
        self.seconds.push(per_thousand(function.cpu()? - began, posts));
        self.peak_memory = self.peak_memory.max(function.peak_memory()?);
        let made = (counts().0 - before.0, counts().1 - before.1);
        ensure!(made == (posts, if self.has_history { posts } else { 0 }), "{made:?} POSTs and writes");
        function.stop().await
    }
}
