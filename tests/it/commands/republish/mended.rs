//! Records that are mended in a file.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_domain::event::{id::EventId, rejected::RejectedEvent};
use storehook_tests::Receiver;

use super::{counts, event_ids, origin, put, republished, turn, without_id};
use crate::commands::{ended, storehook_on, told};

#[tokio::test]
async fn mended_records_are_published_from_a_file_and_dropped_ones_deleted() -> Result<()> {
    let (stack, _turn) = turn().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let large = format!(r#"{{"note": "{}"}}"#, "\"".repeat(700 * 1024));
    let rejected = |number, data: &str| RejectedEvent::messages(data.as_bytes(), &origin(number), "why");
    let in_parts = rejected("102", &large);
    assert_eq!(in_parts.len(), 2);
    put(&stack, &[rejected("101", "\u{1b}not json"), in_parts, rejected("103", "{}")].concat()).await?;

    let folder = tempfile::tempdir()?;
    let (exported, mended) = (folder.path().join("all.jsonl"), folder.path().join("mended.jsonl"));
    let exported = exported.to_str().context("a path")?;
    let summary = republished(&stack, &["--export", exported], 0).await?;
    assert_eq!(summary["exported"], exported);
    let text = std::fs::read_to_string(exported)?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let line = |id: &str| lines.iter().find(|line| line["id"] == id).with_context(|| format!("no {id}"));
    assert_eq!(line("shardId-old:101")?["record"], "\u{1b}not json");
    assert_eq!(line("shardId-old:103")?["record"], json!({}));
    assert_eq!(line("shardId-old:102")?["encoding"], "text");
    let again = ended(storehook_on(&stack, &["republish", "--export", exported]).await?).await?;
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains("name a file that is not there yet"), "{error}");

    let mend =
        |id: &str, record: &str| format!("{{\"id\":\"{id}\",\"encoding\":\"text\",\"record\":{record}}}\n");
    std::fs::write(&mended, mend("shardId-old:101", "{}"))?;
    let mended = mended.to_str().context("a path")?;
    let refused = ended(storehook_on(&stack, &["republish", "--from", mended]).await?).await?;
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("line 1: 'shop' is missing"), "{error}");

    let event = without_id(&installed, r#"{"id": 327475578523353102}"#);
    let lines =
        mend("shardId-old:101", &event) + "{\"id\":\"shardId-old:102\",\"drop\":true,\"record\":null}\n";
    std::fs::write(mended, lines)?;
    let unasked = ended(storehook_on(&stack, &["republish", "--from", mended]).await?).await?;
    assert_eq!(unasked.status.code(), Some(2), "it asks before it deletes for good");
    let summary = republished(&stack, &["--from", mended, "--yes"], 0).await?;
    assert_eq!(summary["deleted_messages"], 3, "{summary}");
    let [_, republished_count, dropped, _] = counts(&summary, "record", "queue");
    assert_eq!((republished_count, dropped), (1, 1), "{summary}");
    let delivered = receiver.wait_for(1).await?;
    assert_eq!(event_ids(&delivered), BTreeSet::from([EventId::of_record(&origin("101")).to_string()]));
    let left = stack.messages("rejected", "shardId-old").await?;
    let left = left.iter().filter_map(|message| message.body());
    assert!(left.into_iter().any(|body| body.contains("\"103\"")), "what is not in the file stays");

    let table = told(storehook_on(&stack, &["republish", "--from", mended, "--yes"]).await?, 0).await?;
    assert!(
        table.contains("2 of the file were not found: they are republished already, or expired"),
        "{table}"
    );
    assert_eq!(receiver.so_far().len(), 1);
    Ok(())
}
