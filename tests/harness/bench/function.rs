//! A function's program in a process of its own.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Child,
    time::timeout,
};

use super::{
    aws::StubAws,
    cpu::{cpu_of, peak_memory_of},
    programs::Programs,
    runtime_api::RuntimeApi,
};

/// How long a start or an invocation may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function that runs. It ends when this is dropped.
pub struct Function {
    /// From the start of its process to its first poll.
    pub start: Duration,
    process: Child,
    runtime: RuntimeApi,
    errors: Arc<AtomicUsize>,
}

impl Function {
    /// Starts a function's program as Lambda does, with these settings beside those that every function needs.
    pub async fn start(
        (programs, name): (&Programs, &str),
        aws: &StubAws,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let mut runtime = RuntimeApi::start().await?;
        let mut command = programs.command(name)?;
        command
            .env_clear()
            .envs(lambda(&runtime.authority))
            .env("AWS_ENDPOINT_URL", &aws.url)
            .envs(resources())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut process = command.spawn()?;
        let errors = Arc::new(AtomicUsize::new(0));
        tokio::spawn(read(process.stdout.take().context("no stdout")?, Arc::clone(&errors)));
        tokio::spawn(read(process.stderr.take().context("no stderr")?, Arc::clone(&errors)));
        let polled = timeout(PATIENCE, runtime.polled()).await.context("the function does not start")??;
        Ok(Self { start: polled - began, process, runtime, errors })
    }

    /// Invokes it, and waits until it asks for the next invocation. Fails if it has logged an error.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value> {
        let event = event.to_string().into();
        let invoked = async {
            let response = self.runtime.invoke(event).await?;
            self.runtime.polled().await?;
            anyhow::Ok(response)
        };
        let response = timeout(PATIENCE, invoked).await.context("the function does not respond")??;
        ensure!(self.errors.load(Ordering::SeqCst) == 0, "the function logged an error");
        Ok(serde_json::from_slice(&response)?)
    }

    /// The CPU time of its process so far.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.id()?)
    }

    /// The most memory that it has had at once, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        peak_memory_of(&self.id()?)
    }

    /// Ends it, so that a profiler writes what it has found.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(id.context("the function has ended")?, Signal::TERM)?;
        timeout(PATIENCE, self.process.wait()).await.context("the function does not end")??;
        Ok(())
    }

    fn id(&self) -> Result<String> {
        Ok(self.process.id().context("the function has ended")?.to_string())
    }
}

/// Counts the errors in a log, and shows them.
#[expect(clippy::print_stderr, reason = "a bench shows what a function says")]
async fn read(log: impl AsyncRead + Unpin, errors: Arc<AtomicUsize>) {
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let is_fine =
            ["INFO", "WARN", "DEBUG"].iter().any(|level| line.contains(&format!("\"level\":\"{level}\"")));
        if !is_fine && line.contains("\"level\"") || line.contains("panicked") {
            errors.fetch_add(1, Ordering::SeqCst);
            eprintln!("{line}");
        }
    }
}

/// What Lambda sets ("Defined runtime environment variables", AWS Lambda Developer Guide).
fn lambda(runtime_api: &str) -> [(&'static str, String); 12] {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        // Lambda's own credentials have a token of about this length.
        ("AWS_SESSION_TOKEN", ""),
    ]
    .map(|(name, value)| match name {
        "AWS_SESSION_TOKEN" => (name, "IQoJb3JpZ2luX2Vj".repeat(60)),
        _ => (name, value.to_owned()),
    })
}

/// What the template sets, for all functions.
fn resources() -> [(&'static str, &'static str); 13] {
    [
        ("REGISTRY_TABLE", "storehook-registry"),
        ("HISTORY_TABLE", "storehook-history"),
        ("STREAM_NAME", "storehook-events"),
        ("DELIVERY_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:storehook-delivery"),
        ("DELIVERY_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/storehook-delivery"),
        ("RETRY_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:storehook-retry"),
        ("RETRY_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/storehook-retry"),
        ("REJECTED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/storehook-rejected"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/storehook-dead-letter"),
        ("JOBS_QUEUE_URL", StubAws::JOBS_QUEUE_URL),
        ("ALLOWED_CIDRS", "127.0.0.0/8"),
        ("HEADER_PREFIX", "X-Spiffy-Stores"),
        ("API_VERSION", "2026-10"),
    ]
}
