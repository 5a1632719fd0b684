//! What is wrong with a stack, why it matters, and what to do.
//!
//! `gather`(mod@gather) reads the [`facts`] from AWS, [`findings`] judges them, and [`report`] shows both. The
//! command fails if anything is wrong, so a script can ask.

pub mod facts;
pub mod findings;
pub mod report;

mod gather;

use anyhow::Result;

use self::{findings::judge, gather::gather, report::Report};
use crate::{exit::Wrong, global::Global, progress};

/// What `--help` of `storehook status` shows.
pub const EXAMPLES: &str = "\
Examples:
  storehook status
  storehook --stack storehook status
  storehook --stack storehook status --json | jq -r '.findings[].what'
  storehook --stack storehook status >/dev/null || echo something is wrong";

/// `storehook status`
pub async fn run(global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let reading = progress::spinner("reading the stack");
    let facts = gather(&connection).await;
    reading.finish_and_clear();
    let findings = judge(&facts);
    let is_well = findings.is_empty();
    global.show(&Report { is_well, findings, facts })?;
    if is_well { Ok(()) } else { Err(Wrong.into()) }
}
