//! How long the functions take to start: from the start of the process to its first poll of the Runtime API
//! (`tests/harness/bench`), and how large the programs are.
//!
//! `cargo bench -p storehook-tests --bench cold_start [-- --count 20]`. It needs no stack. The time is this
//! machine's: Lambda gives a function of 512 MB a third of a processor, but lets it start with a whole one.

use anyhow::Result;
use serde_json::json;
use storehook_tests::bench::{Arguments, Function, Programs, Report, StubAws, median, rounded};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read();
    let programs = Programs::of_functions(&Programs::FUNCTIONS, &arguments).await?;
    let aws = StubAws::start(1, "http://127.0.0.1/").await?;
    let functions = Programs::FUNCTIONS.into_iter().filter(|function| arguments.wants(function));
    let mut measured: Vec<_> = functions.map(|function| (function, Vec::new(), 0)).collect();
    for _ in 0..arguments.count_or(20) {
        for (function, times, memory) in &mut measured {
            let started = Function::start((&programs, function), &aws, &[]).await?;
            times.push(started.start.as_secs_f64() * 1e3);
            *memory = started.peak_memory()?.max(*memory);
        }
    }
    let mut report = Report::of("cold_start");
    for (function, times, memory) in measured {
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        report.add(json!({
            "function": function, "median ms": rounded(median(times), 2), "least ms": rounded(least, 2),
            "program MB": rounded(std::fs::metadata(programs.of(function)?)?.len() as f64 / 1e6, 2),
            "memory MB": rounded(memory as f64 / 1e6, 1),
        }))?;
    }
    report.write()
}
