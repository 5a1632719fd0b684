//! The address guard's rule: which IP addresses deliveries may reach.
//!
//! Addresses are hostile: a subscriber can name any URL, and the delivery function runs inside
//! somebody's network. So a delivery may reach public unicast addresses only, unless the operator
//! opens a network by its CIDR. The rule judges the IP address that the sender then connects to,
//! never a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The IPv4 networks in which no webhook lives: the whole IANA Special-Purpose Address Registry
/// (RFC 6890 and its updates), with the few networks that it calls globally reachable (AS112, AMT,
/// port control); multicast (RFC 5771); the reserved class E; and Azure's wire server.
const NOT_PUBLIC_V4: [Ipv4Net; 18] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([168, 63, 129, 16], 32),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([192, 175, 48, 0], 24),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 3),
];

/// The networks within 2000::/3 in which no webhook lives: protocol assignments with Teredo,
/// documentation, 6to4, AS112, and the second documentation block.
const NOT_PUBLIC_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// The only global unicast space of IPv6 (RFC 4291).
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// The addresses that stand for IPv4 addresses behind a translator (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Which IP addresses deliveries may reach: public unicast, and the networks that the operator
/// opened. The default opens none.
///
/// ```
/// use storehook_domain::webhook::address_policy::AddressPolicy;
///
/// let policy = AddressPolicy::opening("10.1.0.0/16").expect("it is a CIDR");
/// assert!(policy.permits([10, 1, 2, 3].into()));
/// assert!(!policy.permits([10, 2, 2, 3].into()));
/// assert!(AddressPolicy::opening("localhost").is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    opened: Vec<IpNet>,
}

impl AddressPolicy {
    /// A policy that opens these networks: CIDRs separated by commas, or an empty text for none.
    ///
    /// # Errors
    ///
    /// One of them is no CIDR.
    pub fn opening(cidrs: &str) -> Result<Self, ipnet::AddrParseError> {
        let named = cidrs.split(',').map(str::trim).filter(|cidr| !cidr.is_empty());
        Ok(Self { opened: named.map(str::parse).collect::<Result<_, _>>()? })
    }

    /// Whether a delivery may connect to this address.
    pub fn permits(&self, ip: IpAddr) -> bool {
        // An IPv4-mapped address (RFC 4291) is the IPv4 address, so it is opened with it.
        let ip = ip.to_canonical();
        let is_opened = self.opened.iter().any(|network| network.contains(&ip));
        is_opened || is_public(translated(ip))
    }
}

/// The IPv4 address that a NAT64 address stands for, or the address itself. A NAT64 address may
/// stand for public addresses only (RFC 6052 §3.1), so no opened network matters here.
fn translated(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) if NAT64.contains(&ip) => {
            let [.., a, b, c, d] = ip.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        ip => ip,
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&ip)),
        IpAddr::V6(ip) => {
            GLOBAL_UNICAST.contains(&ip) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&ip))
        }
    }
}

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn only_public_unicast_addresses_are_permitted() -> TestResult {
        let policy = AddressPolicy::default();
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!policy.permits(ip.parse()?), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(policy.permits(ip.parse()?), "{ip}");
        }
        Ok(())
    }

    #[test]
    fn an_operator_opens_networks_by_cidr() -> TestResult {
        let policy = AddressPolicy::opening(" 127.0.0.0/8, ::1/128 ,")?;
        for (ip, is_permitted) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(policy.permits(ip.parse()?), is_permitted, "{ip}");
        }
        assert!(AddressPolicy::opening("localhost").is_err());
        assert_eq!(AddressPolicy::opening("")?, AddressPolicy::default());
        Ok(())
    }
}
