//! Any call of any AWS service, by boto3's names: for what a test needs once, and no SDK crate
//! should be built for.
//!
//! To start Python and to load boto3 takes longer than most calls, so a process that has made a
//! call waits for the next one. As many processes run as calls were ever made at the same time.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use storehook::stack::local_stack::{LOCAL_CREDENTIALS, LOCAL_REGION};

/// The processes that wait for a call. Each ends with the test's own process, when its input ends.
static IDLE: Mutex<Vec<Boto3>> = Mutex::new(Vec::new());

/// A process that makes calls.
struct Boto3 {
    _process: Child,
    calls: ChildStdin,
    responses: BufReader<ChildStdout>,
}

/// Makes a call, with the emulator's Python.
pub(crate) async fn call(
    interpreter: &'static Path,
    endpoint_url: &str,
    service: &str,
    operation: &str,
    arguments: Value,
) -> Result<Value> {
    let call = json!({ "service": service, "operation": operation, "arguments": arguments });
    let endpoint_url = endpoint_url.to_owned();
    tokio::task::spawn_blocking(move || call_and_wait(interpreter, &endpoint_url, &call)).await?
}

/// The same, for where nothing can be awaited. The call is what a line of `aws.py`'s input is.
pub(crate) fn call_and_wait(interpreter: &Path, endpoint_url: &str, call: &Value) -> Result<Value> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut process = idle.map_or_else(|| Boto3::start(interpreter, endpoint_url), Ok)?;
    let mut told = process.call(call)?;
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    if let Some(error) = told["error"].as_str() {
        let [service, operation] =
            ["service", "operation"].map(|name| call[name].as_str().unwrap_or_default());
        bail!("{service} {operation}: {error}");
    }
    Ok(told["response"].take())
}

impl Boto3 {
    fn start(interpreter: &Path, endpoint_url: &str) -> Result<Self> {
        let (id, secret) = LOCAL_CREDENTIALS;
        let mut python = Command::new(interpreter);
        python.args(["-c", include_str!("aws.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        python.env("AWS_ENDPOINT_URL", endpoint_url).env("AWS_DEFAULT_REGION", LOCAL_REGION);
        python.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        let mut process = python.spawn()?;
        let calls = process.stdin.take().context("no input")?;
        let responses = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Self { _process: process, calls, responses })
    }

    fn call(&mut self, call: &Value) -> Result<Value> {
        writeln!(self.calls, "{call}")?;
        let mut line = String::new();
        self.responses.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{call}: no response: {line}"))
    }
}
