//! The signatures of a POST, verified as a receiver verifies them: with no code of Storehook's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use delivery::Scripted;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value of a header, empty if it is not there.
pub(super) fn header<'a>(request: &'a Scripted, name: &str) -> &'a str {
    request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether both signatures of a POST are made with this secret.
pub(super) fn are_valid(request: &Scripted, secret: &str) -> bool {
    let body = request.body.as_bytes();
    let of_body = sign(secret, &[body]);
    let [id, time] = ["webhook-id", "webhook-timestamp"].map(|name| header(request, name));
    let standard = format!("v1,{}", sign(secret, &[id.as_bytes(), b".", time.as_bytes(), b".", body]));
    header(request, "x-spiffy-stores-hmac-sha256") == of_body
        && header(request, "webhook-signature").split(' ').any(|signature| signature == standard)
}

fn sign(secret: &str, parts: &[&[u8]]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    parts.iter().for_each(|part| mac.update(part));
    STANDARD.encode(mac.finalize().into_bytes())
}
