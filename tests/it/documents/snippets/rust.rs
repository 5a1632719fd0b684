//! The snippet in Rust, as a part of this program. `publish.in` is its text: a document cannot be
//! compiled. The snippet's own client needs another HTTP client than this workspace has, so a test
//! calls its functions with the client of the tests.
#![expect(dead_code, reason = "the snippet's main function is compiled and not called")]

include!("publish.in");

/// The snippet's text.
pub(super) const TEXT: &str = include_str!("publish.in");

/// Publishes an event as the snippet does.
pub(super) async fn publish_one(client: &Client, stream: &str, event: Value) -> Result<(), Box<dyn Error>> {
    publish(client, stream, &[event]).await
}
