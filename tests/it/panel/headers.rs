//! The headers of every response of the panel.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode, header};
use storehook_tests::Stack;

use super::client::Visitor;

#[tokio::test]
async fn every_response_forbids_frames_inline_code_and_other_origins() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let visitor = Visitor::signed_in(&stack, &stack.install().await?).await?;
    for (path, status) in [
        ("/panel", 200),
        ("/panel/sign-in", 200),
        ("/panel/link?code=x", 200),
        ("/panel/nothing", 404),
        ("/panel/webhooks/7", 404),
        ("/panel/assets/nothing.css", 404),
    ] {
        let response = visitor.get(path).await?;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let text =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let policy = text(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(text(header::X_FRAME_OPTIONS), "DENY", "{path}");
        assert_eq!(text(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(text(header::REFERRER_POLICY), "same-origin", "{path}");
        assert_eq!(text(header::CACHE_CONTROL), "no-store", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn files_are_named_by_their_content_and_kept_for_ever() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let visitor = Visitor::new(&stack)?;
    let page = visitor.get("/panel/sign-in").await?.text().await?;
    let paths: Vec<_> = page.split('"').filter(|text| text.starts_with("/panel/assets/")).collect();
    assert_eq!(paths.len(), 3, "{page}");
    for path in paths {
        let response = visitor.get(path).await?;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let cached = response.headers().get(header::CACHE_CONTROL).context("no caching")?.to_str()?;
        assert_eq!(cached, "public, max-age=31536000, immutable", "{path}");
    }
    Ok(())
}

/// A link in a chat program leads to the page, although the browser holds its strict cookie back at
/// first.
#[tokio::test]
async fn a_link_of_another_site_leads_to_the_page() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let stranger = Visitor::new(&stack)?;
    let from_elsewhere = [("sec-fetch-site", "cross-site")];
    let response = stranger.send(Method::GET, "/panel/webhooks", None, &from_elsewhere).await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await?.contains(r#"http-equiv="refresh" content="0""#));
    let response =
        stranger.send(Method::GET, "/panel/webhooks", None, &[("sec-fetch-site", "same-origin")]).await?;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    Ok(())
}
