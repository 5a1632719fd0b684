//! The SSRF table, first half: the verdict on a URL as a subscriber writes it.
//!
//! The verdicts come from the standards and not from the code: the URL standard (WHATWG) for
//! spellings, the RFCs named below, and IANA's Special-Purpose Address Registries for literals. The
//! second half, `address_guard_networks`, tests the boundaries of every network.

use Verdict::{Allowed, Invalid, LookUp, Refused};
use storehook_domain::webhook::{address::Address, address_policy::AddressPolicy};
use url::Host;

/// The verdict on a URL when a webhook is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is no address.
    Invalid,
    /// Its host is refused without a look-up.
    Refused,
    /// Its host is a name, which is judged each time it is resolved.
    LookUp,
    /// Its host is a public IP address.
    Allowed,
}

/// A verdict, and the texts that get it.
type Rows = (Verdict, &'static [&'static str]);

const IPV4_SPELLINGS: &[Rows] = &[
    // URL standard, "IPv4 parser": octal, hexadecimal, both, one number, fewer than four parts.
    (Refused, &["http://0177.0.0.1/", "http://0177.0.0.01/", "http://017700000001/", "http://012.1.1.1/"]),
    (Refused, &["http://0x7f.0.0.1/", "http://0x7F000001/", "http://0xA9FEA9FE/"]),
    (Refused, &["http://0x0a.0x1.0x1.0x1/", "http://0x7f.1/", "http://0300.0xa8.257/"]),
    (Refused, &["http://0xa9.0376.43518/", "http://0x/", "http://2130706433/", "http://2852039166/"]),
    (Refused, &["http://4294967295/", "http://0/", "http://127.1/", "http://127.0.1/"]),
    (Refused, &["http://127.16777215/", "http://10.65535/", "http://127.0.0.1./", "http://127.1./"]),
    (Refused, &["http://2130706433./", "http://0x7f000001.:80/"]),
    (Allowed, &["http://8.8.8.8/", "http://134744072/", "http://0x08080808/", "http://010.8.8.8/"]),
    (Allowed, &["http://8.8.8.8./", "http://8.8.2056/", "https://1.1/", "http://8.8.8.8/hook?a=b"]),
    // URL standard, "ends in a number": no IPv4 address, and no name either.
    (Invalid, &["http://256.0.0.1/", "http://127.0.0.256/", "http://127.0.0.0.1/", "http://4294967296/"]),
    (Invalid, &["http://0x100000000/", "http://127.16777216/", "http://127.65536.1/", "http://08.0.0.1/"]),
    (Invalid, &["http://127.0.0.08/", "http://name.127.0.0.1/", "http://name.0x4/", "http://name.09/"]),
    (LookUp, &["http://127.0.0.1a/", "http://127.0.0.1.example/", "http://1.2.3.0xg/"]),
    // URL standard, "host parser": a host is percent-decoded, once.
    (Refused, &["http://%31%32%37.0.0.1/", "http://127%2e0%2E0%2e1/", "http://%30x7f000001/"]),
    (Refused, &["http://%6c%6fcalhost/", "http://localhost%2e/", "http://%EF%BC%9127.0.0.1/"]),
    (Invalid, &["http://%2531%2532%2537.0.0.1/", "http://127.0.0.1%00/", "http://127.0.0.1%20/"]),
    (Invalid, &["http://127.0.0.1%0a/", "http://127.0.0.1%09/", "http://8.8.8.8%2f@127.0.0.1/"]),
    (Invalid, &["http://example.com%40127.0.0.1/", "http://localhost%00.example.com/", "http://%5b::1%5d/"]),
    // UTS #46: full-width, circled, superscript and mathematical digits, ideographic full stops.
    (Refused, &["http://１２７.0.0.1/", "http://１２７．０．０．１/", "http://127。0。0。1/"]),
    (Refused, &["http://127｡0｡0｡1/", "http://①②⑦.⓪.⓪.①/", "http://¹²⁷.⁰.⁰.¹/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/"]),
    (Refused, &["http://０ｘ７ｆ．１/", "http://２１３０７０６４３３/", "http://⑯⑨。254.43518/"]),
    (Refused, &["http://127.0.0\u{2060}.1/", "http://127.0\u{200b}.0.1/", "http://1\u{ad}27.0.0.1/"]),
    (Invalid, &["http://١٢٧.0.0.1/", "http://example.com\u{ff20}127.0.0.1/"]),
    (Invalid, &["http://example.com\u{ff0f}.a/", "http://127.0.0.1\u{ff03}.example.com/"]),
    (Invalid, &["http://127.0.0.1\u{ff1f}.example.com/", "http://127.0.0.1\u{ff05}00/"]),
];

const IPV6_LITERALS: &[Rows] = &[
    // RFC 4291: loopback and unspecified, IPv4-mapped, IPv4-compatible (deprecated).
    (Refused, &["http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/", "http://[0000::0001]/", "http://[::]/"]),
    (Refused, &["http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:A9FE:A9FE]/"]),
    (Refused, &["http://[0:0:0:0:0:ffff:10.0.0.1]/", "http://[::127.0.0.1]/", "http://[::8.8.8.8]/"]),
    // RFC 6052 and RFC 8215 (NAT64), RFC 7915 (IPv4-translated), RFC 3056 (6to4), RFC 4380
    // (Teredo).
    (Refused, &["http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b::a00:1]/"]),
    (Refused, &["http://[64:ff9b:1::127.0.0.1]/", "http://[64:ff9b:1::8.8.8.8]/"]),
    (Refused, &["http://[::ffff:0:7f00:1]/", "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/"]),
    (Refused, &["http://[2002:808:808::1]/", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/"]),
    (Refused, &["http://[2001::80ff:fffe]/"]),
    // RFC 4193 (ULA), RFC 4291 (link-local, multicast), RFC 3879 (site-local).
    (Refused, &["http://[fc00::1]/", "http://[fd12:3456:789a::1]/", "http://[fe80::1]/"]),
    (Refused, &["http://[ff02::1]/", "http://[fec0::1]/", "http://[fe80::a9fe:a9fe]/", "http://[ff0e::1]/"]),
    // RFC 3849 and RFC 9637 (documentation), RFC 6666 (discard), RFC 9780 (dummy), RFC 9602 (SRv6).
    (Refused, &["http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/", "http://[100:0:0:1::1]/"]),
    (Refused, &["http://[5f00::1]/", "http://[2001:2::1]/", "http://[2001:10::1]/", "http://[4000::1]/"]),
    (Allowed, &["http://[2606:4700:4700::1111]/", "http://[::ffff:8.8.8.8]/", "http://[64:ff9b::8.8.8.8]/"]),
    // URL standard, "IPv6 parser": no zone id (RFC 9844), no IPv4 spellings, no other bracket.
    (Invalid, &["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%25lo]/", "http://[]/"]),
    (Invalid, &["http://[::ffff:0177.0.0.1]/", "http://[::ffff:127.1]/", "http://[::g]/", "http://[::1/"]),
    (Invalid, &["http://[1:2:3:4:5:6:7:8:9]/", "http://::1/", "http://[127.0.0.1]/", "http://[localhost]/"]),
    (Invalid, &["http://[v1.a]/", "http://[::1]]/", "http://[::1]a/", "http://[[::1]/"]),
];

const SHAPES: &[Rows] = &[
    // RFC 9110, 4.2.4: user info is an error, in every disguise; elsewhere an @ is only a
    // character.
    (Invalid, &["http://8.8.8.8@127.0.0.1/", "http://127.0.0.1@8.8.8.8/", "http://8.8.8.8:80@127.0.0.1/"]),
    (Invalid, &["http://@example.com/", "http://:@example.com/", "http://a@b@127.0.0.1/"]),
    (Invalid, &["http://a:b@[::1]/", "http://a@example.com:80@127.0.0.1/", "http://%61@127.0.0.1/"]),
    (Invalid, &["http://127.0.0.1%23@a.com/", "http://example.com\\@127.0.0.1/"]),
    (Invalid, &["http://127.0.0.1\\@example.com/", "http://a.com/\\x"]),
    (LookUp, &["http://a.com/@127.0.0.1", "http://a.com?@127.0.0.1", "http://a.com/?u=a@b"]),
    (LookUp, &["http://a.com/%40"]),
    (Refused, &["http://127.0.0.1/@a.com", "http://127.0.0.1?@a.com", "http://10.0.0.1/?u=http://a.com/"]),
    // RFC 3986, 3.5: an address has no fragment.
    (Invalid, &["http://a.com#@127.0.0.1/", "http://127.0.0.1#@a.com/", "http://a.com/#", "http://#"]),
    // RFC 3986, 3.2.3 and RFC 6335: ports; AWS Lambda has its Runtime API on port 9001.
    (LookUp, &["http://a.com:0/", "http://a.com:65535/", "http://a.com:/", "http://a.com:00080/"]),
    (LookUp, &["http://sandbox.localdomain:9001/2018-06-01/runtime/invocation/next", "http://a.com:9001/"]),
    (Allowed, &["http://8.8.8.8:0/", "http://8.8.8.8:9001/", "http://8.8.8.8:65535/"]),
    (Refused, &["http://127.0.0.1:9001/", "http://169.254.100.1:9001/", "http://127.0.0.1:0/"]),
    (Invalid, &["http://a.com:65536/", "http://a.com:-1/", "http://a.com:80a/", "http://a.com:８０/"]),
    (Invalid, &["http://a.com:80:80/", "http://127.0.0.1:11211:80/", "http://:80/"]),
    // RFC 3986, 2: no white space and no control characters, wherever they stand.
    (Invalid, &[" http://8.8.8.8/", "http://8.8.8.8/ ", "\thttp://8.8.8.8/", "http://8.8.8.8/\n"]),
    (Invalid, &["\u{0}http://a/", "ht\ntp://8.8.8.8/", "http:\t//8.8.8.8/", "http:/\r/8.8.8.8/"]),
    (Invalid, &["http://127.\n0.0.1/", "http://a b/", "http://a.com/a b", "http://a.com/\r\nHost:b"]),
    (Invalid, &["http://a.com/\u{a0}", "http://a\u{3000}b.com/", "http://8.8.8.8 &@127.0.0.1/"]),
    (Invalid, &["http://a\u{2028}b.com/", "http://a\u{85}.com/", "\u{feff}http://a/"]),
    (LookUp, &["http://a.com/%0d%0aHost:%20b", "http://a.com/%00", "http://a.com/%5c@b"]),
    // RFC 9110, 4.2.1 and 4.2.2: a URL with an empty host is rejected, not mended.
    (Invalid, &["", "http://", "http:///", "http:/", "http:", "http", "http://?a", "http:\\\\"]),
    (Invalid, &["http:/\\a.com", "http:8.8.8.8", "http:/127.0.0.1/", "//127.0.0.1/", "127.0.0.1"]),
    (Invalid, &["a.com:80", "http:\\\\127.0.0.1"]),
    (Invalid, &["http:///127.0.0.1/", "http:////a.com/", "http:///@a.com/", "https:///8.8.8.8/"]),
    // RFC 9110, 4.2: http and https, in any case; no other scheme.
    (Invalid, &["ftp://8.8.8.8/", "file:///etc/passwd", "file://a.com/b", "gopher://127.0.0.1:6379/_INFO"]),
    (Invalid, &["javascript:alert(1)", "javascript://a.com/%0aalert(1)", "data:text/html,a"]),
    (Invalid, &["data://a.com/b", "ws://a.com/", "wss://a.com/", "dict://a.com/", "ldap://a.com/"]),
    (Invalid, &["jar:http://a.com/!/", "blob:http://a.com/b", "url:http://a.com/", "mailto:a@b.com"]),
    (Invalid, &["unix:///run/docker.sock"]),
    (LookUp, &["HTTP://A.com/", "hTTps://a.COM", "https://a.com?b"]),
];

const NAMES: &[Rows] = &[
    // RFC 6761, 6.3: localhost and what is below it are loopback, in any case and spelling.
    (Refused, &["http://localhost/", "http://localhost.:80/", "http://LOCALHOST/", "https://LocalHost./"]),
    (Refused, &["http://foo.localhost/", "http://a.b.LOCALHOST./", "http://ｌｏｃａｌｈｏｓｔ/"]),
    (Refused, &["http://ⓛocalhost/", "http://localho\u{17f}t/", "http://local\u{ad}host/"]),
    (Refused, &["http://local\u{200b}host:3000/"]),
    // Names like any other: only what they resolve to can be judged.
    (LookUp, &["http://localhost.localdomain/", "http://localhost.example/", "http://notlocalhost/"]),
    (LookUp, &["http://ip6-localhost/", "http://host.docker.internal/", "http://printer.local/"]),
    (LookUp, &["http://a/", "http://127.0.0.1.nip.io/", "http://169-254-169-254.sslip.io/"]),
    (LookUp, &["http://7f000001.rbndr.us/", "http://localtest.me/", "http://kubernetes.default.svc/"]),
    (LookUp, &["http://metadata.google.internal/", "http://metadata/", "http://instance-data.ec2.internal/"]),
    (LookUp, &["http://metadata.tencentyun.com/"]),
    // RFC 5891 and UTS #46: international names, and Punycode that stands for nothing.
    (LookUp, &["https://bücher.example/", "https://xn--bcher-kva.example/", "http://XN--BCHER-KVA.example/"]),
    (LookUp, &["http://faß.de/", "http://аррӏе.com/", "http://例え.テスト/", "http://exam\u{feff}ple.com/"]),
    (Invalid, &["http://xn--a/", "http://xn--/", "http://xn--localhost-/", "http://xn--\u{e9}.com/"]),
];

const METADATA: &[Rows] = &[
    // AWS: instances, Amazon DNS and time, ECS tasks, EKS pods.
    (Refused, &["http://169.254.169.254/latest/meta-data", "http://169.254.169.253/"]),
    (Refused, &["http://169.254.169.123/", "http://169.254.170.2/v2/credentials", "http://169.254.170.23/"]),
    (Refused, &["http://169.254.43518/", "http://[fd00:ec2::254]/", "http://[fd00:ec2::253]/"]),
    (Refused, &["http://[fd00:ec2::23]/"]),
    // Google, Alibaba, Oracle, Scaleway, Tencent.
    (Refused, &["http://[fd20:ce::254]/", "http://100.100.100.200/", "http://100.100.2.136/"]),
    (Refused, &["http://192.0.0.192/", "http://[fd00:c1::a9fe:a9fe]/", "http://169.254.42.42/"]),
    (Refused, &["http://[fd00:42::42]/", "http://169.254.0.23/"]),
    // Azure's wire server has a public address of Microsoft's: no registry sets it apart, but we
    // do.
    (Refused, &["http://168.63.129.16/"]),
];

const LOOPBACK: &str = "127.0.0.0/8,::1/128";
const LOOPBACK_OPENED: &[Rows] = &[
    (Allowed, &["http://127.1:9001/", "http://0x7f000001/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"]),
    (LookUp, &["http://localhost:3000/", "http://LOCALHOST./", "http://foo.localhost/"]),
    (Refused, &["http://0.0.0.0/", "http://[::]/", "http://10.1.0.1/", "http://169.254.169.254/"]),
    (Refused, &["http://[::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[64:ff9b:1::7f00:1]/"]),
    (Invalid, &["http://a@127.0.0.1/", "http://[::1%25lo]/", "ftp://127.0.0.1/"]),
];

const PRIVATE: &str = "10.1.0.0/16";
const PRIVATE_OPENED: &[Rows] = &[
    (Allowed, &["http://10.1.2.3/", "http://10.66051/", "http://012.1.1/", "http://[::ffff:a01:203]/"]),
    (Refused, &["http://10.2.0.0/", "http://167772161/", "http://localhost/", "http://127.0.0.1:9001/"]),
];

fn verdict(text: &str, policy: &AddressPolicy) -> Verdict {
    match Address::parse(text) {
        Err(_) => Invalid,
        Ok(address) if address.is_refused_by(policy) => Refused,
        Ok(address) if matches!(address.url().host(), Some(Host::Domain(_))) => LookUp,
        Ok(_) => Allowed,
    }
}

fn check(cidrs: &str, table: &[Rows]) {
    let policy = AddressPolicy::opening(cidrs).unwrap_or_else(|error| panic!("{cidrs:?}: {error}"));
    let rows = table.iter().flat_map(|(expected, texts)| texts.iter().map(move |text| (text, *expected)));
    let judged = rows.map(|(text, expected)| (text, expected, verdict(text, &policy)));
    let wrong: Vec<_> = judged
        .filter(|(_, expected, actual)| expected != actual)
        .map(|(text, expected, actual)| format!("{text:?} is {actual:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "with {cidrs:?} opened:\n{}", wrong.join("\n"));
}

#[test]
fn an_ipv4_address_is_recognized_in_every_spelling() {
    check("", IPV4_SPELLINGS);
}

#[test]
fn an_ipv6_literal_is_judged_by_the_address_that_it_stands_for() {
    check("", IPV6_LITERALS);
}

#[test]
fn an_ambiguous_url_is_refused() {
    check("", SHAPES);
}

#[test]
fn a_name_needs_a_look_up_unless_it_is_localhost() {
    check("", NAMES);
}

#[test]
fn the_metadata_addresses_of_the_clouds_are_refused() {
    check("", METADATA);
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
fn the_table_of_urls_has_at_least_150_rows() {
    let tables = [IPV4_SPELLINGS, IPV6_LITERALS, SHAPES, NAMES, METADATA, LOOPBACK_OPENED, PRIVATE_OPENED];
    let rows: usize = tables.into_iter().flatten().map(|(_, texts)| texts.len()).sum();
    assert!(rows >= 150, "{rows} rows");
}
