//! What stops a running local stack: Ctrl-C, SIGTERM, or the end of standard input.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Returns on Ctrl-C, on SIGTERM and, if asked, when standard input ends.
pub(super) async fn told_to_stop(until_stdin_ends: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let stdin_ends = async {
        if until_stdin_ends {
            stdin_end().await;
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
        () = stdin_ends => {}
    }
    Ok(())
}

/// Returns when standard input ends. A thread reads it, because a read that waits inside the
/// runtime would keep a stack that failed to start from ending.
async fn stdin_end() {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // An input that cannot be read has ended, too.
        _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(ended);
    });
    _ = end.await;
}
