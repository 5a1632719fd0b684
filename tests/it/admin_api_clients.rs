//! The admin API, by a client library that nobody here wrote.

use anyhow::Result;
use storehook_tests::{Stack, run_client};

#[tokio::test]
async fn shopifys_client_library_works_unchanged_under_every_path_with_every_credential() -> Result<()> {
    let stack = Stack::shared().await?;
    for (prefix, credentials) in [("/admin/api/2024-10", "header"), ("/admin", "bearer"), ("/api", "basic")] {
        let token = stack.install().await?.token;
        let script = "tests/clients/shopify_api.py";
        run_client(&[script, &stack.api_url, prefix, &token, credentials]).await?;
    }
    Ok(())
}
