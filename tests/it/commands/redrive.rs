//! `storehook redrive` as a program; what it does is tested with the deliveries.

use anyhow::Result;
use serde_json::{Value, json};
use storehook_tests::Stack;

use super::{ended, local, storehook, told};

#[tokio::test]
async fn dead_letters_are_counted_in_both_forms() -> Result<()> {
    Stack::shared().await?;
    let none = ["redrive", "--local-dir", "target/it", "--dry-run", "--webhook", "999999998"];
    let text = told(storehook(&none).await?, 0).await?;
    assert!(text.starts_with("would redrive 0 dead letters; "), "{text}");
    let summary = told(storehook(&[&none[..], &["--json"]].concat()).await?, 0).await?;
    let summary: Value = serde_json::from_str(&summary)?;
    assert_eq!((&summary["dry_run"], &summary["found"]), (&json!(true), &json!([])));
    assert_eq!(summary["redriven"], 0);
    Ok(())
}

#[tokio::test]
async fn what_is_sent_again_for_all_shops_is_asked_for() -> Result<()> {
    Stack::shared().await?;
    for command in ["redrive", "republish"] {
        let unasked = ended(local(&[command]).await?).await?;
        let error = String::from_utf8_lossy(&unasked.stderr);
        assert_eq!(unasked.status.code(), Some(2), "{command}: {error}");
        assert!(error.contains("add --yes to do it"), "{command}: {error}");
    }
    Ok(())
}
