//! What fan-out costs: the CPU time of the fan-out function's process for 1,000 messages, beside that of a
//! bare loop that signs and POSTs the same bytes (`tests/harness/bench`).
//!
//! `cargo bench -p storehook-tests --bench fan_out [-- --count 20000 --rounds 3]`. It needs no stack. The
//! jobs that a wide event becomes are made, too. A ratio is to the loop of reqwest with batches of 10.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use storehook_tests::bench::{
    Arguments, Endpoint, Function, Limit, Programs, Report, StubAws, jobs_event, median, order,
    records_event, rounded,
};

/// How many invocations come before the time counts.
const WARM_UP: usize = 3;

/// The bytes of a payload.
const BYTES: usize = 2_000;

/// A row: whether the history is on, how many events a batch has, and how many webhooks get each.
struct Case {
    has_history: bool,
    events: usize,
    webhooks: usize,
    seconds: Vec<f64>,
    ratios: Vec<f64>,
}

fn main() -> Result<()> {
    if Limit::runs()? {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Result<()> {
    let arguments = Arguments::read();
    let programs = Programs::of_functions(&["fan-out"], &arguments).await?;
    let endpoint = Endpoint::start().await?;
    let count = arguments.count_or(20_000);
    let rows =
        [(true, 1, 10), (true, 1, 100), (true, 1, 1_000), (true, 1, 10_000), (true, 100, 1), (false, 100, 1)];
    let case = |(has_history, events, webhooks)| Case {
        has_history,
        events,
        webhooks,
        seconds: Vec::new(),
        ratios: Vec::new(),
    };
    let mut cases: Vec<_> = rows.into_iter().map(case).filter(|case| arguments.wants(&case.name())).collect();
    let (mut numbers, mut reqwest) = (0.., Vec::new());
    for _ in 0..arguments.rounds {
        let cpu = Limit::Reqwest.measure(&endpoint, BYTES, 10, count).await?;
        let base = cpu.as_secs_f64() * 1_000.0 / count as f64;
        reqwest.push(base);
        for case in &mut cases {
            let seconds = case.measure(&programs, &mut numbers, count).await?;
            case.seconds.push(seconds);
            case.ratios.push(seconds / base);
        }
    }
    let mut report = Report::of("fan_out");
    report.add(
        json!({"what": "bare reqwest loop", "CPU s / 1,000": rounded(median(reqwest), 4), "ratio": 1}),
    )?;
    for case in cases {
        report.add(json!({
            "what": case.name(), "CPU s / 1,000": rounded(median(case.seconds), 4),
            "ratio": rounded(median(case.ratios), 2),
        }))?;
    }
    report.write()
}

impl Case {
    fn name(&self) -> String {
        let Self { events, webhooks, .. } = self;
        format!("{events} events x {webhooks}, history {}", if self.has_history { "on" } else { "off" })
    }

    /// The CPU seconds for 1,000 messages, in a process of its own.
    async fn measure(
        &self,
        programs: &Programs,
        numbers: &mut impl Iterator<Item = usize>,
        count: usize,
    ) -> Result<f64> {
        let aws = StubAws::start(self.webhooks, "https://receiver.example.com/webhooks").await?;
        let days = if self.has_history { "30" } else { "0" };
        let mut function =
            Function::start((programs, "fan-out"), &aws, &[("HISTORY_DELIVERY_DAYS", days)]).await?;
        let (payload, a_batch) = (order(BYTES), self.events * self.webhooks);
        let (batches, mut began, mut before) = (count.div_ceil(a_batch), Duration::ZERO, 0);
        for number in 0..WARM_UP + batches {
            if number == WARM_UP {
                (began, before) = (function.cpu()?, aws.messages());
            }
            let response = function.invoke(&records_event(numbers.take(self.events), &payload)).await?;
            ensure!(response == json!({"batchItemFailures": []}), "{response}");
            for job in aws.take_jobs() {
                let response = function.invoke(&jobs_event(numbers.next().unwrap_or_default(), job)).await?;
                ensure!(response == json!({"batchItemFailures": []}), "{response}");
            }
        }
        let cpu = function.cpu()? - began;
        let sent = aws.messages() - before;
        ensure!(sent == batches * a_batch, "{sent} messages were sent");
        function.stop().await?;
        Ok(cpu.as_secs_f64() * 1_000.0 / sent as f64)
    }
}
