//! `storehook redrive` as a program; what it does is tested with the deliveries.

use anyhow::Result;
use serde_json::{Value, json};
use storehook_tests::Stack;

use super::{storehook, told};

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
