//! What a bench tells: a table for people, line by line, and JSON for programs.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Map, Value, json};

use crate::repository::root;

/// How much a bench measures.
#[derive(Debug, Clone, Parser)]
pub struct Arguments {
    /// How many deliveries, messages or starts each row measures. Each bench has its own default.
    #[arg(long)]
    count: Option<usize>,
    /// How often each row is measured. The median counts.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Measures only the rows whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
    /// Measures the programs in this folder, and builds none: to compare them with others.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Runs each function under this program, a profiler, such as 'valgrind --tool=callgrind'.
    #[arg(long, default_value = "")]
    under: String,
    /// Cargo gives it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// Reads the command line.
    pub fn read() -> Self {
        Self::parse()
    }

    /// How much each row measures.
    pub fn count_or(&self, default: usize) -> usize {
        self.count.unwrap_or(default)
    }

    /// Where the programs are that need no build.
    pub(super) fn programs(&self) -> Option<&Path> {
        self.programs.as_deref()
    }

    /// The profiler and its arguments, if there is one.
    pub(super) fn under(&self) -> Vec<String> {
        self.under.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether a row is wanted.
    pub fn wants(&self, row: &str) -> bool {
        row.contains(&self.only)
    }
}

/// The results of a bench.
pub struct Report {
    bench: &'static str,
    rows: Vec<Map<String, Value>>,
}

impl Report {
    /// The report of the bench of this name.
    pub fn of(bench: &'static str) -> Self {
        Self { bench, rows: Vec::new() }
    }

    /// Adds a row, an object, and prints it. The first row names the columns.
    #[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
    pub fn add(&mut self, row: Value) -> Result<()> {
        let Value::Object(row) = row else { anyhow::bail!("a row is an object") };
        let line = |cells: Vec<String>| println!("| {} |", cells.join(" | "));
        if self.rows.is_empty() {
            line(row.keys().cloned().collect());
            line(row.keys().map(|_| "---".to_owned()).collect());
        }
        line(
            row.values().map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect(),
        );
        self.rows.push(row);
        Ok(())
    }

    /// Writes all rows, with where and when they were measured, to `target/bench/<bench>.json`.
    pub fn write(self) -> Result<()> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let processor = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let report = json!({
            "bench": self.bench,
            "measured_at": storehook_aws::now(),
            "processor": processor.map(|(_, name)| name),
            "cores": thread::available_parallelism()?.get(),
            "is_release": !cfg!(debug_assertions),
            "rows": self.rows,
        });
        let folder = root().join("target/bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", self.bench));
        fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("cannot write {path:?}"))
    }
}

/// The middle one of some measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A percentile of times, in milliseconds.
pub fn percentile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    time.map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}

/// A number with so many digits after the point.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
