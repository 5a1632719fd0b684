//! Waiting until replays have ended, with what they have sent meanwhile.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use storehook_aws::history::HistoryTable;
use storehook_domain::job::replay::record::{ReplayRecord, ReplayStatus};

use crate::{drain::interrupted, output, progress};

/// How long to wait before the records are read again.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits until all replays have ended, or somebody interrupts.
pub(super) async fn wait(
    history: &HistoryTable,
    mut records: Vec<ReplayRecord>,
) -> Result<Vec<ReplayRecord>> {
    let shown = progress::count("deliveries sent again");
    let end = async {
        while is_any_running(&records) {
            shown.set_position(records.iter().map(|record| record.counts.sent).sum());
            tokio::time::sleep(PAUSE).await;
            records = reload(history, &records).await?;
        }
        anyhow::Ok(())
    };
    let is_interrupted = tokio::select! {
        ended = end => { ended?; false }
        () = interrupted() => true,
    };
    shown.finish_and_clear();
    if is_interrupted {
        output::note("interrupted: the replays go on by themselves");
    }
    Ok(records)
}

fn is_any_running(records: &[ReplayRecord]) -> bool {
    records.iter().any(|record| record.status == ReplayStatus::Running)
}

async fn reload(history: &HistoryTable, records: &[ReplayRecord]) -> Result<Vec<ReplayRecord>> {
    let mut now = Vec::with_capacity(records.len());
    for record in records {
        let (webhook_id, id) = (record.replay.webhook_id, &record.replay.id);
        let loaded = history.load_replay(webhook_id, id, storehook_aws::now()).await;
        let loaded = loaded.context("the history cannot be read: the replays go on by themselves")?;
        now.push(loaded.ok_or_else(|| anyhow!("the replay {id} is gone"))?);
    }
    Ok(now)
}
