//! What the history keeps of the payloads of a batch: pages, or a payload by itself.
//!
//! The events of a batch are alike, and so are their payloads. Here they differ in each digit, so in
//! their ids, amounts and times. The digits come from a linear congruential generator (Knuth's
//! MMIX), so they are the same each time.

use anyhow::Result;
use storehook_aws::{
    history::{PageItem, PayloadItem, PayloadOwner},
    table::Item,
};
use storehook_domain::{
    event::id::EventId,
    installation::shop::ShopDomain,
    payload::{
        digest::PayloadDigest,
        page::{self, PageId},
    },
};

/// The digits 0 to 9, as characters, without end.
pub fn digits() -> impl Iterator<Item = char> {
    let mut state: u64 = 1;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + ((state >> 33) % 10) as u8)
    })
}

/// The items of so many payloads like this one.
///
/// # Errors
///
/// They could not be compressed.
pub fn items_of(payload: &str, count: usize, shop: &ShopDomain, id: &EventId) -> Result<Vec<Item>> {
    let mut digits = digits();
    let mut other =
        |letter: char| if letter.is_ascii_digit() { digits.next().unwrap_or('0') } else { letter };
    let payloads: Vec<String> = (0..count).map(|_| payload.chars().map(&mut other).collect()).collect();
    let (mut items, expires_at) = (Vec::new(), i64::from(u32::MAX));
    for run in page::runs(payloads.iter().map(String::len)) {
        let together: Vec<_> = payloads[run].iter().map(String::as_str).collect();
        let known: Vec<_> = together.iter().map(|payload| PayloadDigest::of_text(payload)).collect();
        match (&together[..], &known[..]) {
            ([payload], [digest]) => {
                let owner = PayloadOwner::Event(shop, id);
                items.extend(PayloadItem { owner, digest, payload, expires_at }.parts()?);
            }
            (payloads, digests) => {
                items.push(PageItem { id: &PageId::of(digests), payloads, expires_at }.item()?);
            }
        }
    }
    Ok(items)
}
