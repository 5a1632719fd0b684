//! The SSRF table, second half: the resolved addresses that a delivery may connect to.
//!
//! The verdicts come from the registries and not from the code: IANA's IPv4 and IPv6
//! Special-Purpose Address Registries (RFC 6890) and the IPv6 address space registry (RFC 4291).
//! The few special networks that they call globally reachable are refused as well: no webhook lives
//! there. The first half, `address_guard`, tests URLs.

use std::net::IpAddr;

use storehook_domain::webhook::address_policy::AddressPolicy;

/// IP addresses that deliveries must not reach, and their neighbours that deliveries may reach.
type Network = (&'static [&'static str], &'static [&'static str]);

/// The first and last address of every special IPv4 network, and the ones before and after it.
const IPV4: &[Network] = &[
    // RFC 791 (this network), RFC 1122 (loopback), RFC 3927 (link-local), RFC 6598 (CGNAT).
    (&["0.0.0.0", "0.255.255.255"], &["1.0.0.0"]),
    (&["127.0.0.0", "127.0.0.1", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
    (&["169.254.0.0", "169.254.255.255"], &["169.253.255.255", "169.255.0.0"]),
    (&["100.64.0.0", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
    // RFC 1918: private.
    (&["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
    (&["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
    (&["192.168.0.0", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
    // RFC 6890: protocol assignments, with RFC 6333, RFC 7600, RFC 7050 inside.
    (&["192.0.0.0", "192.0.0.7", "192.0.0.8", "192.0.0.255"], &["191.255.255.255", "192.0.1.0"]),
    (&["192.0.0.11", "192.0.0.170", "192.0.0.171"], &[]),
    // RFC 7723 and RFC 8155: the assignments that are globally reachable, PCP and TURN anycast.
    (&["192.0.0.9", "192.0.0.10"], &[]),
    // RFC 5737 (documentation), RFC 2544 (benchmarking), RFC 7526 (6to4 relays, deprecated).
    (&["192.0.2.0", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
    (&["198.51.100.0", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
    (&["203.0.113.0", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
    (&["198.18.0.0", "198.19.255.255"], &["198.17.255.255", "198.20.0.0"]),
    (&["192.88.99.0", "192.88.99.2", "192.88.99.255"], &["192.88.98.255", "192.88.100.0"]),
    // RFC 7534, RFC 7535 (AS112) and RFC 7450 (AMT): special, and globally reachable.
    (&["192.175.48.0", "192.175.48.255"], &["192.175.47.255", "192.175.49.0"]),
    (&["192.31.196.0", "192.31.196.255"], &["192.31.195.255", "192.31.197.0"]),
    (&["192.52.193.0", "192.52.193.255"], &["192.52.192.255", "192.52.194.0"]),
    // Azure's wire server: an ordinary address by every registry.
    (&["168.63.129.16"], &["168.63.129.15", "168.63.129.17"]),
    // RFC 5771 (multicast), RFC 1112 (reserved), RFC 919 (broadcast).
    (&["224.0.0.0", "239.255.255.255"], &["223.255.255.255"]),
    (&["240.0.0.0", "255.255.255.254", "255.255.255.255"], &["8.8.8.8", "1.1.1.1"]),
];

/// The same for IPv6. Networks outside of 2000::/3 have no public neighbours.
const IPV6: &[Network] = &[
    // RFC 4291: unspecified, loopback, IPv4-compatible; IPv4-mapped, which follows the IPv4
    // address.
    (&["::", "::1", "::2", "::ffff:ffff", "::1:0:0", "::fffe:ffff:ffff", "::1:0:0:0"], &[]),
    (&["::ffff:0.0.0.0", "::ffff:255.255.255.255", "::ffff:127.0.0.1"], &["::ffff:1.0.0.0"]),
    (&["::ffff:10.0.0.0", "::ffff:10.255.255.255"], &["::ffff:9.255.255.255", "::ffff:11.0.0.0"]),
    // RFC 6052, 3.1: the well-known prefix stands for public IPv4 addresses only. RFC 8215: local
    // use.
    (&["64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0"], &["64:ff9b::100:0", "64:ff9b::808:808"]),
    (&["64:ff9b::a00:0", "64:ff9b::aff:ffff"], &["64:ff9b::9ff:ffff", "64:ff9b::b00:0"]),
    (&["64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff"], &[]),
    (&["64:ff9b:1::", "64:ff9b:1::808:808", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"], &[]),
    // RFC 6666 (discard), RFC 9780 (dummy).
    (&["ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff"], &[]),
    (&["100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "100:0:0:2::"], &[]),
    // IANA's IPv6 address space: 2000::/3 is global unicast, its neighbours are reserved.
    (&["1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["2000::"]),
    (&["4000::"], &["3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    // RFC 2928: protocol assignments, with RFC 4380 (Teredo), RFC 5180 and RFC 4843 inside.
    (&["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"], &["2001:200::"]),
    (&["2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::"], &["2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    (&["2001:1::4", "2001:1:ffff:ffff:ffff:ffff:ffff:ffff", "2001:2::"], &[]),
    (&["2001:2:0:ffff:ffff:ffff:ffff:ffff", "2001:2:1::", "2001:4:111:ffff:ffff:ffff:ffff:ffff"], &[]),
    (&["2001:4:113::", "2001:f:ffff:ffff:ffff:ffff:ffff:ffff", "2001:10::"], &[]),
    (&["2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "2001:40::"], &[]),
    // RFC 7723, RFC 8155, RFC 9665, RFC 7450, RFC 7535: the ones that are globally reachable.
    (&["2001:1::1", "2001:1::2", "2001:1::3", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"], &[]),
    (&["2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"], &[]),
    // RFC 7534: AS112, globally reachable.
    (&[], &["2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"]),
    (&["2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"], &[]),
    // RFC 3849 and RFC 9637 (documentation), RFC 3056 with RFC 7526 (6to4).
    (&["2001:db8::"], &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"]),
    (&["2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"], &["2001:db9::"]),
    (&["3fff::"], &["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    (&["3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"], &["3fff:1000::"]),
    (&["2002::", "2002:808:808::1"], &["2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    (&["2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["2003::"]),
    // RFC 9602 (SRv6), RFC 4193 (ULA), RFC 4291 (link-local, multicast), RFC 3879 (site-local).
    (&["5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::", "5f00:ffff::", "5f01::"], &[]),
    (&["fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fdff:ffff:ffff:ffff::", "fe00::"], &[]),
    (&["fe7f:ffff::", "fe80::", "febf:ffff::", "fec0::", "feff:ffff::", "ff00::", "ff02::1", "ffff::"], &[]),
    (&["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["2606:4700:4700::1111", "2001:4860:4860::8888"]),
];

const LOOPBACK: &str = "127.0.0.0/8,::1/128";
const LOOPBACK_OPENED: &[Network] = &[
    (&["0.0.0.0", "10.0.0.1", "10.1.0.1", "169.254.169.254"], &["127.0.0.0", "127.0.0.1", "127.255.255.255"]),
    (&["::", "::2", "fc00::1", "fe80::1"], &["::1", "8.8.8.8", "2606:4700:4700::1111"]),
    // RFC 4291: a mapped address is the IPv4 address; a compatible one and 6to4 (RFC 3056) are not.
    (&["::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:7f00:1::1"], &["::ffff:127.0.0.1"]),
    // RFC 6052, 3.1: the well-known prefix never stands for a private address; RFC 8215: not ours.
    (&["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1"], &["64:ff9b::808:808"]),
];

const PRIVATE: &str = "10.1.0.0/16";
const PRIVATE_OPENED: &[Network] = &[
    (&["10.0.255.255", "10.2.0.0", "10.0.0.1"], &["10.1.0.0", "10.1.2.3", "10.1.255.255"]),
    (&["127.0.0.1", "::1", "192.168.1.1", "169.254.169.254"], &["8.8.8.8"]),
    (&["::ffff:10.0.255.255", "::ffff:10.2.0.0"], &["::ffff:10.1.0.0", "::ffff:10.1.255.255"]),
    (&["::10.1.0.1", "2002:a01:1::", "64:ff9b::a01:1", "64:ff9b:1::a01:1"], &[]),
];

fn check(cidrs: &str, table: &[Network]) {
    let policy = AddressPolicy::opening(cidrs).unwrap_or_else(|error| panic!("{cidrs:?}: {error}"));
    let rows = table.iter().flat_map(|(refused, permitted)| {
        refused.iter().map(|text| (text, false)).chain(permitted.iter().map(|text| (text, true)))
    });
    let wrong: Vec<_> = rows
        .filter(|(text, expected)| text.parse::<IpAddr>().map(|ip| policy.permits(ip)) != Ok(*expected))
        .map(|(text, expected)| {
            format!("{text} is {}permitted, unlike in the table", if expected { "not " } else { "" })
        })
        .collect();
    assert!(wrong.is_empty(), "with {cidrs:?} opened:\n{}", wrong.join("\n"));
}

#[test]
fn only_public_unicast_ipv4_addresses_are_permitted() {
    check("", IPV4);
}

#[test]
fn only_public_unicast_ipv6_addresses_are_permitted() {
    check("", IPV6);
}

#[test]
fn opening_loopback_opens_nothing_else() {
    check(LOOPBACK, LOOPBACK_OPENED);
}

#[test]
fn opening_a_private_network_opens_nothing_else() {
    check(PRIVATE, PRIVATE_OPENED);
}

#[test]
fn the_table_of_networks_has_at_least_150_rows() {
    let tables = [IPV4, IPV6, LOOPBACK_OPENED, PRIVATE_OPENED];
    let rows: usize = tables.into_iter().flatten().map(|(refused, open)| refused.len() + open.len()).sum();
    assert!(rows >= 150, "{rows} rows");
}
