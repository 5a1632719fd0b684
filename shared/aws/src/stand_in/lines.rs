//! The log of a test, line by line.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tracing::{Dispatch, subscriber::NoSubscriber};

/// Collects what is written to the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A subscriber beside the one of a test. While there is one alone, `tracing` lets the first thread
/// that comes to a log statement decide for all threads whether anybody listens, and that may be
/// the thread of another test.
static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// The result of the work, and the fields of each line that it logged in this thread.
pub async fn logged<T>(work: impl Future<Output = T>) -> (T, Vec<Value>) {
    LazyLock::force(&OTHER);
    let lines = Lines::default();
    let written = lines.clone();
    let json = tracing_subscriber::fmt().json().with_writer(move || written.clone()).finish();
    let guard = tracing::subscriber::set_default(json);
    let result = work.await;
    drop(guard);
    let fields = serde_json::Deserializer::from_slice(&lines.bytes())
        .into_iter::<Value>()
        .filter_map(|line| Some(line.ok()?["fields"].clone()))
        .collect();
    (result, fields)
}
