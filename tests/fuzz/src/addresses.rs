//! Addresses and the guard. No address that the guard permits is in a forbidden network, by a rule that is
//! written here from the standard library's own words and shares no table with the guard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use storehook_domain::webhook::{address::Address, address_policy::AddressPolicy};
use url::Host;

/// Reads the bytes as the address of a webhook.
pub fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(address) = Address::parse(&text) else { return };
    assert_eq!(address.as_str(), text, "an address is kept byte for byte");
    let url = address.url();
    assert!(matches!(url.scheme(), "http" | "https"));
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "nothing can be injected: {url}");
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip),
        Some(Host::Ipv6(ip)) => ip.into(),
        Some(Host::Domain(name)) if name.trim_end_matches('.') == "localhost" => Ipv4Addr::LOCALHOST.into(),
        Some(Host::Domain(_)) | None => return,
    };
    if is_forbidden(ip) {
        assert!(address.is_refused_by(&AddressPolicy::default()), "{url} is refused");
    }
}

/// Reads the bytes as the answer of a resolver.
pub fn ip_address(bytes: &[u8]) {
    let policy = AddressPolicy::default();
    let judge = |ip: IpAddr| assert!(!(policy.permits(ip) && is_forbidden(ip)), "{ip} is permitted");
    if let Some(octets) = bytes.first_chunk::<4>() {
        let ip = Ipv4Addr::from(*octets);
        judge(ip.into());
        judge(ip.to_ipv6_mapped().into());
        let [a, b, c, d] = *octets;
        let nat64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d];
        judge(Ipv6Addr::from(nat64).into());
        judge(Ipv6Addr::from([0x20, 0x02, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]).into());
    }
    if let Some(octets) = bytes.first_chunk::<16>() {
        judge(Ipv6Addr::from(*octets).into());
    }
}

/// Whether an address is of a network that no delivery may reach.
fn is_forbidden(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_forbidden_v4(ip),
        IpAddr::V6(ip) => is_forbidden_v6(ip),
    }
}

fn is_forbidden_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || is_shared
        || is_benchmark
        || a == 0
        || a >= 240
        || (a, b, c) == (192, 0, 0)
}

fn is_forbidden_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let embedded = || {
        let [.., high, low] = segments;
        Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
    };
    match segments {
        // Mapped and compatible addresses, and NAT64.
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_forbidden_v4(embedded()),
        [0, ..] | [0x64, 0xff9b, 1, ..] => true,
        // 6to4, Teredo, documentation.
        [0x2002, ..] | [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => true,
        [first, ..] => {
            let is_documentation = first == 0x3fff && segments[1] < 0x1000;
            let is_site_local = first & 0xffc0 == 0xfec0;
            ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || is_site_local
                || is_documentation
        }
    }
}
