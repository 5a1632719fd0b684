//! The admin API, by a client library that nobody here wrote.

use anyhow::Result;
use storehook_tests::{Stack, root, run_client};

#[tokio::test]
async fn the_shopify_client_library_works_under_every_prefix_with_every_credential() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let token = stack.install().await?.token;
    let script = root().join("tests/clients/shopify_api.py");
    run_client(&[&script.to_string_lossy(), &stack.api_url, &token]).await?;
    Ok(())
}
