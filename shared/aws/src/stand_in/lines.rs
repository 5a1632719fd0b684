//! The log lines of a test, as Lambda prints them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use lambda_runtime::tracing::subscriber;
use serde_json::Value;

/// Collects what is written to the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result of the work, and the fields of each line that it logged.
pub(crate) async fn logged<T>(work: impl Future<Output = T>) -> (T, Vec<Value>) {
    let lines = Lines::default();
    let written = lines.clone();
    let json = subscriber::fmt().json().with_writer(move || written.clone()).finish();
    let guard = tracing::subscriber::set_default(json);
    let result = work.await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let fields = |line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone();
    (result, text.lines().map(fields).collect())
}
